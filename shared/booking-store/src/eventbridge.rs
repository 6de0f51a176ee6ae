//! The event bus on Amazon EventBridge.

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use crate::bus_entry::time;
pub use crate::bus_entry::{SOURCE, detail, detail_type, source};
use crate::call::{call, classify, classify_answer};
use crate::failure::{Store, StoreFailure};
use crate::ports::{BusEvent, EventBus};

/// Publishes to one bus.
pub struct EventBridgeBus {
    client: Client,
    bus: String,
}

impl EventBridgeBus {
    /// Publishes to the bus named `bus`.
    pub fn new(client: Client, bus: String) -> Self {
        Self { client, bus }
    }
}

#[async_trait]
impl EventBus for EventBridgeBus {
    /// One entry a call: two events of one booking in one `PutEvents` may arrive in any order, and events of different
    /// bookings gain nothing by sharing a call (the price is per event).
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(source(&event))
            .detail_type(detail_type(&event))
            .time(DateTime::from_millis(time(&event).unix_milliseconds()))
            .detail(detail(&event)?)
            .build();
        call(Store::Bus, || async {
            let sent = self.client.put_events().entries(entry.clone()).send().await;
            let answer = sent.map_err(|error| classify(Store::Bus, error))?;
            // A 200 with a failed entry is how EventBridge says no.
            let entry = answer.entries().first();
            match entry.and_then(|entry| entry.error_code()) {
                None if answer.failed_entry_count() == 0 && entry.is_some() => Ok(()),
                code => {
                    let message = entry.and_then(|entry| entry.error_message());
                    let kind = classify_answer(code, message, 200);
                    Err(StoreFailure::new(Store::Bus, kind).because(format!("entry refused: {code:?} {message:?}")))
                }
            }
        })
        .await
    }
}
