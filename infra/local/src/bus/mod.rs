//! The event bus: an append-only log of deliveries in the ledger, with EventBridge's envelope, rules and targets.
//!
//! An entry is logged once and in the order in which the bus took it; the rules it matched at that moment are kept with
//! it. In the same transaction it goes into the outbox of each of these rules that has a target: from then on it is
//! delivered at least once or becomes a dead letter of the rule, whatever ends this process ([`outbox`]). Without a fault
//! switched on nothing else promises or breaks the order in which a target gets entries: as with EventBridge, there is
//! none.

mod deliveries;
mod envelope;
mod lossy;
mod outbox;
mod rules;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use booking_store::clock::{Clock, Ids};
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::limits::MAX_BUS_ENTRY_BYTES;
use booking_store::ports::{BusEvent, EventBus};
use rusqlite::{Transaction, params};
use tokio::sync::Notify;

pub use outbox::{Outcome, Parcel, RuleStatus};
pub use rules::{InvalidRule, Retry, Rule, Target};

use crate::faults::Faults;
use crate::ledger::{Ledger, LedgerError};
use crate::pattern::InvalidPattern;
use crate::queue::Queues;
use rules::Compiled;

/// The bus of the ledger. Clones are the same bus.
#[derive(Clone)]
pub struct LocalBus {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    queues: Queues,
    faults: Faults,
    fixed: Arc<[Rule]>,
    rules: Arc<RwLock<Compiled>>,
    taken: Arc<Notify>,
}

/// Why the bus can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A rule kept in the ledger, or one of the template, can't be used.
    #[error("the rule {0} is unusable")]
    Rule(String, #[source] InvalidPattern),
}

impl LocalBus {
    /// The bus in `ledger`, with the `fixed` rules and those kept there. Queues that are targets are among `queues`.
    pub async fn open(
        ledger: Ledger,
        fixed: Vec<Rule>,
        queues: Queues,
        faults: Faults,
        (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>),
    ) -> Result<Self, BusError> {
        let (rules, taken) = (Arc::new(RwLock::new(Compiled::none())), Arc::default());
        let bus = Self { ledger, clock, ids, queues, faults, fixed: fixed.into(), rules, taken };
        bus.reload().await?;
        Ok(bus)
    }

    /// How many entries the bus took.
    pub async fn delivered(&self) -> Result<i64, LedgerError> {
        // Nothing is ever removed from the log.
        let count =
            |t: &Transaction<'_>| t.query_row("SELECT COALESCE(MAX(n), 0) FROM deliveries", [], |row| row.get(0));
        self.ledger.read(count).await
    }

    /// Told when an outbox may have something to deliver.
    pub fn taken(&self) -> &Notify {
        &self.taken
    }

    fn now(&self) -> i64 {
        self.clock.now().unix_milliseconds()
    }

    async fn take(&self, id: String, entry: String) -> Result<(), LedgerError> {
        let (now, rules, lossy) = (self.now(), self.rules.clone(), self.faults.lossy_delivery());
        let take = move |t: &Transaction<'_>| {
            t.prepare_cached("INSERT INTO deliveries (entry_id, entry, delivered_at) VALUES (?1, ?2, ?3)")?
                .execute(params![id, entry, now])?;
            let n = t.last_insert_rowid();
            let rules = rules.read().unwrap_or_else(PoisonError::into_inner);
            for rule in rules.matching(entry.as_bytes()) {
                t.prepare_cached("INSERT INTO delivery_rules (rule, n) VALUES (?1, ?2)")?.execute(params![rule, n])?;
                if rules.has_target(&rule) {
                    let fate = lossy.map(|seed| lossy::fate(seed, &rule, n));
                    outbox::put(t, &rule, n, now, fate)?;
                }
            }
            Ok(())
        };
        self.ledger.write(take).await?;
        self.taken.notify_one();
        Ok(())
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
        let taken = self.take(id, entry).await;
        taken.map_err(|error| StoreFailure::new(Store::Bus, FailureKind::ServerError).because(error))
    }
}
