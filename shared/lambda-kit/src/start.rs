//! A function's start: telemetry, configuration, clients, warm connections; once a process.

use std::sync::Arc;

use booking_store::clock::System;
use booking_store::dynamodb::{DynamoEvents, DynamoReservations};
use booking_store::eventbridge::EventBridgeBus;
use booking_store::ports::Stores;
use booking_store::sqs::SqsQueue;
use booking_store::{BookingCode, breaker, clients};
use futures::future::join;

use crate::config::{Config, InvalidConfig};
use crate::telemetry;

/// What a handler needs.
pub struct Kit {
    /// The deployment's word.
    pub config: Config,
    /// The live stores, each behind its circuit breaker.
    pub stores: Stores,
    /// The client behind the two tables, for a function's further tables. Its retries are off: see `booking_store::call`.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The client behind the queue, for a function's further queues.
    pub sqs: aws_sdk_sqs::Client,
    /// The client behind the bus.
    pub eventbridge: aws_sdk_eventbridge::Client,
}

/// Starts a function.
///
/// # Errors
/// The environment is incomplete; the error names everything that is missing.
pub async fn start() -> Result<Kit, InvalidConfig> {
    telemetry::start();
    let config = Config::from_env().inspect_err(|error| tracing::error!(%error, "not started"))?;
    let sdk = clients::sdk_config().await;
    let (dynamodb, sqs, eventbridge) = (clients::dynamodb(&sdk), clients::sqs(&sdk), clients::eventbridge(&sdk));
    let (queue, dead_letters) = (config.fallback_queue_url.clone(), config.dead_letter_queue_url.clone());
    let stores = breaker::guard(Stores {
        reservations: Arc::new(DynamoReservations::new(dynamodb.clone(), config.reservations_table.clone())),
        events: Arc::new(DynamoEvents::new(dynamodb.clone(), config.events_table.clone())),
        queue: Arc::new(SqsQueue::new(sqs.clone(), queue, dead_letters)),
        bus: Arc::new(EventBridgeBus::new(eventbridge.clone(), config.event_bus_name.clone())),
        clock: Arc::new(System),
    });
    warm(&stores).await;
    Ok(Kit { config, stores, dynamodb, sqs, eventbridge })
}

/// Opens the connections to DynamoDB while the function still initialises (AWS fact: most of a cold first call is TLS).
/// Its answers, a refusal too, don't matter.
async fn warm(stores: &Stores) {
    if let Ok(nobody) = BookingCode::parse("warm-up") {
        let (_, _) = join(stores.reservations.claims(&nobody), stores.events.highest(&nobody)).await;
    }
}
