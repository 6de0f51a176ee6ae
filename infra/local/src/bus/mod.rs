//! The event bus: an append-only log of deliveries in the ledger, with EventBridge's envelope and rules.
//!
//! An entry is delivered once and in the order in which the bus took it; the rules it matched at that moment are kept
//! with it. Nothing is sent anywhere: a reader pages through the log.

mod deliveries;
mod envelope;
mod rules;

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use booking_store::clock::{Clock, Ids};
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::limits::MAX_BUS_ENTRY_BYTES;
use booking_store::ports::{BusEvent, EventBus};
use rusqlite::{Transaction, params};

pub use rules::InvalidRule;

use crate::ledger::{Ledger, LedgerError};
use crate::pattern::{InvalidPattern, Patterns};

/// The bus of the ledger. Clones are the same bus.
#[derive(Clone)]
pub struct LocalBus {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    rules: Arc<RwLock<Patterns>>,
}

/// Why the bus can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A rule kept in the ledger can't be read any more.
    #[error("a kept rule is unusable")]
    Rule(#[from] InvalidPattern),
}

impl LocalBus {
    /// The bus in `ledger`, with the rules kept there.
    pub async fn open(ledger: Ledger, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Self, BusError> {
        let bus = Self { ledger, clock, ids, rules: Arc::new(RwLock::new(Patterns::none())) };
        bus.reload().await?;
        Ok(bus)
    }

    /// How many entries were delivered.
    pub async fn delivered(&self) -> Result<i64, LedgerError> {
        // Nothing is ever removed from the log.
        let count =
            |t: &Transaction<'_>| t.query_row("SELECT COALESCE(MAX(n), 0) FROM deliveries", [], |row| row.get(0));
        self.ledger.read(count).await
    }

    async fn deliver(&self, entry: String) -> Result<(), LedgerError> {
        let now = self.clock.now().unix_milliseconds();
        let rules = self.rules.clone();
        let log = move |t: &Transaction<'_>| {
            t.prepare_cached("INSERT INTO deliveries (entry, delivered_at) VALUES (?1, ?2)")?
                .execute(params![entry, now])?;
            let n = t.last_insert_rowid();
            let matched = rules.read().unwrap_or_else(PoisonError::into_inner).matching(entry.as_bytes());
            for rule in matched.unwrap_or_default() {
                t.prepare_cached("INSERT INTO delivery_rules (rule, n) VALUES (?1, ?2)")?.execute(params![rule, n])?;
            }
            Ok(())
        };
        self.ledger.write(log).await
    }
}

#[async_trait]
impl EventBus for LocalBus {
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        let id = self.ids.event_id().to_string();
        let entry = envelope::envelope(&event, &id)?;
        if entry.len() > MAX_BUS_ENTRY_BYTES {
            return Err(StoreFailure::new(Store::Bus, FailureKind::TooLarge));
        }
        let delivered = self.deliver(entry).await;
        delivered.map_err(|error| StoreFailure::new(Store::Bus, FailureKind::ServerError).because(error))
    }
}

#[cfg(test)]
mod tests {
    use booking_store::clock::System;
    use booking_store::{BookingCode, EventId, EventType, JsonObject, NewEvent, Timestamp, Version};
    use serde_json::{Value, json};

    use super::*;

    async fn open(directory: &tempfile::TempDir) -> LocalBus {
        let ledger = Ledger::open(&directory.path().join("ledger.sqlite")).unwrap();
        LocalBus::open(ledger, Arc::new(System), Arc::new(System)).await.unwrap()
    }

    async fn publish(bus: &LocalBus, code: &str, event_type: &str, version: Version) {
        let event = NewEvent {
            event_id: EventId::from_bytes([7; 16]),
            event_type: EventType::parse(event_type).unwrap(),
            occurred_at: None,
            data: JsonObject::parse(r#"{ "total" : 1.10 }"#).unwrap(),
            metadata: None,
        };
        let event = event.accept(version, Timestamp::parse("2026-11-21T09:00:00.123Z").unwrap());
        bus.publish(BusEvent::Event(&BookingCode::parse(code).unwrap(), &event)).await.unwrap();
    }

    #[tokio::test]
    async fn delivers_eventbridges_envelope_with_the_clients_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let bus = open(&directory).await;
        publish(&bus, "X1", "BookingPriced", Version::FIRST).await;
        let page = bus.deliveries(0, 10, None).await.unwrap();
        let text = page.deliveries[0].entry.get();
        assert!(text.contains(r#""data":{ "total" : 1.10 }"#), "{text}");
        let entry: Value = serde_json::from_str(text).unwrap();
        assert_eq!(entry["source"], "booking.events");
        assert_eq!(entry["detail-type"], "BookingPriced");
        assert_eq!(entry["version"], "0");
        assert_eq!(entry["time"], "2026-11-21T09:00:00Z");
        assert_eq!(entry["detail"]["version"], 1);
        assert_eq!(entry["resources"], json!([]));
    }

    #[tokio::test]
    async fn pages_in_order_and_by_rule_and_keeps_rules() {
        let directory = tempfile::tempdir().unwrap();
        let bus = open(&directory).await;
        bus.put_rule("prices", &json!({"detail-type": ["BookingPriced"]})).await.unwrap();
        bus.put_rule("all", &json!({"source": ["booking.events"]})).await.unwrap();
        assert!(bus.put_rule("bad", &json!({"source": "x"})).await.is_err());
        publish(&bus, "X1", "BookingPriced", Version::FIRST).await;
        publish(&bus, "X1", "BookingCancelled", Version::FIRST).await;
        drop(bus);
        let bus = open(&directory).await;
        publish(&bus, "X2", "BookingPriced", Version::FIRST).await;
        assert_eq!(bus.delivered().await.unwrap(), 3);
        let first = bus.deliveries(0, 2, None).await.unwrap();
        assert_eq!(first.deliveries.iter().map(|d| d.rules.len()).collect::<Vec<_>>(), [2, 1]);
        let rest = bus.deliveries(first.next, 2, None).await.unwrap();
        assert_eq!((rest.deliveries.len(), rest.next), (1, 3));
        assert_eq!(bus.deliveries(rest.next, 2, None).await.unwrap().next, 3);
        let prices = bus.deliveries(0, 10, Some("prices")).await.unwrap();
        assert_eq!(prices.deliveries.iter().map(|d| d.n).collect::<Vec<_>>(), [1, 3]);
        assert!(bus.delete_rule("all").await.unwrap());
        assert!(!bus.delete_rule("all").await.unwrap());
        assert_eq!(bus.rules().await.unwrap().len(), 1);
    }
}
