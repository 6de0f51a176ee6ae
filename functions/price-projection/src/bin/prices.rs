//! Wiring of the prices function. What it does is in `http.rs`.

use std::sync::Arc;

use lambda_http::Error;
use price_projection::{CONSUMER, http};
use projection::dynamodb::DynamoRecords;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let kit = lambda_kit::start().await?;
    let records = DynamoRecords::new(kit.dynamodb, kit.config.prices_table, CONSUMER);
    let context = http::Context { records: Arc::new(records) };
    let context = &context;
    lambda_kit::gateway::run(move |request| http::handle(context, request)).await
}
