//! Wiring of the replay-worker function. What it does is in `worker.rs`.

use std::convert::Infallible;

use aws_lambda_events::event::sqs::SqsEvent;
use booking_store::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use replay::wiring::ports;
use replay::worker::{TIME_TO_CHECKPOINT, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let ports = ports(lambda_kit::start().await?);
    let ports = &ports;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let deadline = i64::try_from(event.context.deadline).ok().and_then(Timestamp::from_unix_milliseconds);
        let deadline = deadline.map(|deadline| deadline.before(TIME_TO_CHECKPOINT));
        Ok::<_, Infallible>(handle(ports, event.payload, deadline).await)
    }))
    .await
}
