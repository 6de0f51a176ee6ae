//! Wiring of the feed function. What it does is in `http/mod.rs`.

use std::sync::Arc;

use booking_store::feed::dynamodb::DynamoFeedLog;
use feed::http::{Context, handle};
use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let kit = lambda_kit::start().await?;
    let log = Arc::new(DynamoFeedLog::new(kit.dynamodb, kit.config.feed_table));
    let context = Context { stores: kit.stores, log };
    let context = &context;
    lambda_kit::gateway::run(move |request| handle(context, request)).await
}
