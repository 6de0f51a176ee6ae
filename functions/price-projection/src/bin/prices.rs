//! Wiring of the prices function. What it does is in `http.rs`.

use std::convert::Infallible;
use std::sync::Arc;

use lambda_http::{Error, Request, service_fn};
use price_projection::{CONSUMER, http};
use projection::dynamodb::DynamoRecords;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let kit = lambda_kit::start().await?;
    let records = DynamoRecords::new(kit.dynamodb, kit.config.prices_table, CONSUMER);
    let context = http::Context { records: Arc::new(records) };
    let context = &context;
    lambda_http::run(service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(http::handle(context, request).await)
    }))
    .await
}
