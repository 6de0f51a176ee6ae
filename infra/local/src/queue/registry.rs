//! All queues by name: the template's, and standard ones made on demand and kept in the ledger.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use booking_store::clock::{Clock, Ids};
use rusqlite::{Transaction, params};

use super::LocalQueue;
use crate::ledger::{Ledger, LedgerError};
use crate::template::QueueSettings;

/// Longest name (AWS fact).
const MAX_NAME_LEN: usize = 80;

/// Why a queue can't have this name.
#[derive(Debug, thiserror::Error)]
pub enum InvalidName {
    /// As SQS names its standard queues.
    #[error("must be 1 to {MAX_NAME_LEN} letters, digits, hyphens and underscores")]
    Name,
    /// The template has a FIFO queue of this name.
    #[error("{0} is a FIFO queue; only standard queues can be a target here")]
    Fifo(String),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// The queues. Clones are the same.
#[derive(Clone)]
pub struct Queues {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    queues: Arc<RwLock<BTreeMap<String, LocalQueue>>>,
}

impl Queues {
    /// The `fixed` queues, which are the template's, and those made on demand before.
    pub async fn open(
        ledger: Ledger,
        fixed: Vec<QueueSettings>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, LedgerError> {
        let kept: Vec<String> = ledger
            .read(|t: &Transaction<'_>| {
                t.prepare("SELECT name FROM queues ORDER BY name")?.query_map([], |row| row.get(0))?.collect()
            })
            .await?;
        let queues = Self { ledger, clock, ids, queues: Arc::default() };
        for settings in kept.into_iter().map(QueueSettings::standard).chain(fixed) {
            queues.add(settings);
        }
        Ok(queues)
    }

    /// The queue of this name.
    pub fn get(&self, name: &str) -> Option<LocalQueue> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Every queue, by name.
    pub fn all(&self) -> Vec<LocalQueue> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The standard queue of this name, made if there is none.
    pub async fn standard(&self, name: &str) -> Result<LocalQueue, InvalidName> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > MAX_NAME_LEN || !name.chars().all(known) {
            return Err(InvalidName::Name);
        }
        if let Some(queue) = self.get(name) {
            return if queue.settings().fifo { Err(InvalidName::Fifo(name.to_owned())) } else { Ok(queue) };
        }
        let (kept, now) = (name.to_owned(), self.clock.now().unix_milliseconds());
        let keep = move |t: &Transaction<'_>| {
            t.execute("INSERT OR IGNORE INTO queues (name, created_at) VALUES (?1, ?2)", params![kept, now])
        };
        self.ledger.write(keep).await?;
        Ok(self.add(QueueSettings::standard(name.to_owned())))
    }

    /// Adds a queue, unless somebody was faster.
    fn add(&self, settings: QueueSettings) -> LocalQueue {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        let make = || LocalQueue::new(self.ledger.clone(), settings.clone(), self.clock.clone(), self.ids.clone());
        queues.entry(settings.name.clone()).or_insert_with(make).clone()
    }
}

#[cfg(test)]
mod tests {
    use booking_store::clock::System;

    use super::*;

    async fn open(directory: &tempfile::TempDir) -> Queues {
        let ledger = Ledger::open(&directory.path().join("ledger.sqlite")).unwrap();
        let fifo = QueueSettings { fifo: true, ..QueueSettings::standard("Orders".to_owned()) };
        Queues::open(ledger, vec![fifo], Arc::new(System), Arc::new(System)).await.unwrap()
    }

    #[tokio::test]
    async fn a_queue_made_on_demand_is_there_after_a_restart_with_its_messages_in_flight() {
        let directory = tempfile::tempdir().unwrap();
        let queues = open(&directory).await;
        let finance = queues.standard("finance").await.unwrap();
        finance.push("1".to_owned()).await.unwrap();
        finance.push("2".to_owned()).await.unwrap();
        let first = finance.receive(1).await.unwrap();
        drop((queues, finance));
        let queues = open(&directory).await;
        let finance = queues.get("finance").unwrap();
        // Its receiver is somebody outside, who goes on.
        let rest: Vec<_> = finance.receive(10).await.unwrap().into_iter().map(|message| message.body).collect();
        assert_eq!(rest, ["2"]);
        assert!(finance.delete(&first[0].receipt).await.unwrap());
        assert_eq!(finance.depth().await.unwrap().messages, 1);
    }

    #[tokio::test]
    async fn queues_do_not_mix_and_bad_names_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let queues = open(&directory).await;
        let (a, b) = (queues.standard("a").await.unwrap(), queues.standard("b").await.unwrap());
        a.push("for a".to_owned()).await.unwrap();
        assert_eq!(b.receive(10).await.unwrap(), []);
        let received = a.receive(10).await.unwrap();
        assert!(!b.delete(&received[0].receipt).await.unwrap());
        assert!(a.delete(&received[0].receipt).await.unwrap());
        assert!(matches!(queues.standard("a/b").await, Err(InvalidName::Name)));
        assert!(matches!(queues.standard("Orders").await, Err(InvalidName::Fifo(_))));
        assert_eq!(queues.all().iter().map(LocalQueue::name).collect::<Vec<_>>(), ["Orders", "a", "b"]);
    }
}
