//! Wiring of the publish function. What it does is in `handler.rs`.

use std::convert::Infallible;

use aws_lambda_events::event::dynamodb::Event;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let stores = lambda_kit::start().await?.stores;
    let stores = &stores;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| async move {
        Ok::<_, Infallible>(publish::handle(stores, event.payload).await)
    }))
    .await
}
