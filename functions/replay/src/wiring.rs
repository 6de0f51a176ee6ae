//! The ports of both functions, from what [`lambda_kit`] has started.

use std::sync::Arc;

use booking_store::clock::System;
use booking_store::replays::dynamodb::{DynamoBookings, DynamoReplays};
use booking_store::replays::sqs::SqsTurns;
use booking_store::replays::{Ports, SystemPauses};
use lambda_kit::Kit;

/// The live ports.
pub fn ports(kit: Kit) -> Ports {
    let Kit { config, stores, dynamodb, sqs, .. } = kit;
    Ports {
        replays: Arc::new(DynamoReplays::new(dynamodb.clone(), config.replays_table)),
        turns: Arc::new(SqsTurns::new(sqs, config.replay_queue_url)),
        bookings: Arc::new(DynamoBookings::new(dynamodb, config.reservations_table)),
        events: stores.events,
        bus: stores.bus,
        clock: stores.clock,
        ids: Arc::new(System),
        pauses: Arc::new(SystemPauses),
    }
}
