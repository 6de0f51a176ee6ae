//! Wiring of the audit function. What it does is in `handler.rs`.

use std::convert::Infallible;

use booking_store::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let stores = lambda_kit::start().await?.stores;
    let stores = &stores;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let deadline = i64::try_from(event.context.deadline).ok().and_then(Timestamp::from_unix_milliseconds);
        let deadline = deadline.map(|deadline| deadline.before(audit::TIME_TO_REPORT));
        Ok::<_, Infallible>(audit::handle(stores, deadline).await)
    }))
    .await
}
