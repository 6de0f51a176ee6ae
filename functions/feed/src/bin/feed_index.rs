//! Wiring of the feed-index function. What it does is in `index.rs` and `sweep.rs`.

use std::sync::Arc;

use booking_store::Timestamp;
use booking_store::feed::dynamodb::DynamoFeedLog;
use booking_store::replays::dynamodb::DynamoBookings;
use feed::{index, invocation, sweep};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let kit = lambda_kit::start().await?;
    let log = Arc::new(DynamoFeedLog::new(kit.dynamodb.clone(), kit.config.feed_table));
    let bookings = Arc::new(DynamoBookings::new(kit.dynamodb, kit.config.reservations_table));
    let clock = kit.stores.clock;
    let index = index::Context { log: log.clone(), clock: clock.clone() };
    let sweep = sweep::Context { bookings, log, clock };
    let (index, sweep) = (&index, &sweep);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let deadline = i64::try_from(event.context.deadline).ok().and_then(Timestamp::from_unix_milliseconds);
        let deadline = deadline.unwrap_or_else(|| index.clock.now());
        invocation::handle(index, sweep, event.payload, deadline).await.map_err(Error::from)
    }))
    .await
}
