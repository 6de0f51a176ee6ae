//! Wiring of the price projection. What it does is in `deliveries.rs`.

use std::convert::Infallible;
use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use booking_store::clock::System;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use price_projection::{CONSUMER, deliveries};
use projection::Ports;
use projection::dynamodb::DynamoRecords;
use projection::sqs::{SqsDeadLetters, SqsMessages};
use projection::tables::TablesSource;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let kit = lambda_kit::start().await?;
    let ports = Ports {
        source: Arc::new(TablesSource::new(kit.stores)),
        records: Arc::new(DynamoRecords::new(kit.dynamodb, kit.config.prices_table, CONSUMER)),
        dead_letters: Arc::new(SqsDeadLetters::new(kit.sqs.clone(), kit.config.price_dead_letter_queue_url)),
        clock: Arc::new(System),
        ids: Arc::new(System),
    };
    let messages = Arc::new(SqsMessages::new(kit.sqs, kit.config.price_queue_url));
    let context = deliveries::Context::new(ports, messages);
    let context = &context;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Infallible>(deliveries::handle(context, event.payload).await)
    }))
    .await
}
