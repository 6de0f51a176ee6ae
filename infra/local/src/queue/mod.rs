//! Queues with the rules of SQS, in the ledger.
//!
//! - FIFO: order holds within a message group. A group with a hidden message gives out nothing. A deduplication id is
//!   remembered for five minutes within its group, also when its message is long deleted.
//! - Standard: every message is a group of its own, so none waits for another.
//! - A receipt is good until its message is received again or its visibility time is over.
//! - A message received more often than the template allows becomes a dead letter.
//!
//! Not played: retention, the limit of messages in flight, delay. Other than with SQS, a restart makes the hidden
//! messages of a function's queue visible: the only receiver died with the process.

mod dead_letters;
mod receive;
mod registry;
mod send;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::clock::{Clock, Ids};
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::limits::MAX_QUEUE_MESSAGE_BYTES;
use booking_store::ports::FallbackQueue;
use booking_store::queue_message::QueueMessage;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use tokio::sync::Notify;

pub use dead_letters::{DeadLetter, dead_letters};
pub(crate) use dead_letters::{NewDeadLetter, insert as insert_dead_letter};
pub use receive::Received;
pub use registry::{InvalidName, Queues};

use crate::ledger::{Ledger, LedgerError};
use crate::template::QueueSettings;

/// A queue of the ledger. Clones are the same queue.
#[derive(Clone)]
pub struct LocalQueue {
    ledger: Ledger,
    settings: QueueSettings,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    changed: Arc<Notify>,
}

/// How much a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// Messages in the queue, hidden ones too.
    pub messages: i64,
    /// Those hidden: being worked on, or backed off.
    pub in_flight: i64,
    /// Messages given up.
    pub dead_letters: i64,
    /// Age of the oldest message.
    pub oldest_s: i64,
}

impl LocalQueue {
    /// The queue of a function in `ledger`; whatever a dead process had in flight is visible again.
    pub async fn open(
        ledger: Ledger,
        settings: QueueSettings,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, LedgerError> {
        let queue = Self::new(ledger, settings, clock, ids);
        queue.release().await?;
        Ok(queue)
    }

    fn new(ledger: Ledger, settings: QueueSettings, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { ledger, settings, clock, ids, changed: Arc::default() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// How it behaves.
    pub fn settings(&self) -> &QueueSettings {
        &self.settings
    }

    /// Makes what is in flight visible: its receiver is dead.
    pub async fn release(&self) -> Result<(), LedgerError> {
        let queue = self.settings.name.clone();
        let release = move |t: &Transaction<'_>| {
            t.execute("UPDATE messages SET visible_at = 0 WHERE queue = ?1 AND visible_at > 0", [&queue])?;
            t.execute(
                "INSERT OR REPLACE INTO message_groups (queue, message_group, ready_at)
                 SELECT queue, message_group, MIN(sent_at) FROM messages WHERE queue = ?1 GROUP BY message_group",
                [&queue],
            )
        };
        self.ledger.write(release).await.map(drop)
    }

    /// Deletes the message behind `receipt`; `false` if the receipt is no longer good.
    pub async fn delete(&self, receipt: &str) -> Result<bool, LedgerError> {
        let (now, queue, receipt) = (self.now(), self.settings.name.clone(), receipt.to_owned());
        let delete = move |t: &Transaction<'_>| {
            let Some((seq, group)) = in_flight(t, &queue, &receipt, now)? else { return Ok(false) };
            t.prepare_cached("DELETE FROM messages WHERE seq = ?1")?.execute([seq])?;
            refresh(t, &queue, &group)?;
            Ok(true)
        };
        let deleted = self.ledger.write(delete).await?;
        self.changed.notify_one();
        Ok(deleted)
    }

    /// Hides the message behind `receipt` for `pause` from now; `false` if the receipt is no longer good.
    pub async fn change_visibility(&self, receipt: &str, pause: Duration) -> Result<bool, LedgerError> {
        let (now, queue, receipt) = (self.now(), self.settings.name.clone(), receipt.to_owned());
        let visible_at = now.saturating_add(milliseconds(pause));
        let hide = move |t: &Transaction<'_>| {
            let Some((seq, group)) = in_flight(t, &queue, &receipt, now)? else { return Ok(false) };
            t.prepare_cached("UPDATE messages SET visible_at = ?2 WHERE seq = ?1")?
                .execute(params![seq, visible_at])?;
            refresh(t, &queue, &group)?;
            Ok(true)
        };
        let changed = self.ledger.write(hide).await?;
        self.changed.notify_one();
        Ok(changed)
    }

    /// How much there is.
    pub async fn depth(&self) -> Result<Depth, LedgerError> {
        let (now, queue) = (self.now(), self.settings.name.clone());
        let count = move |t: &Transaction<'_>| {
            t.prepare_cached(
                "SELECT (SELECT COUNT(*) FROM messages WHERE queue = ?1),
                        (SELECT COUNT(*) FROM messages WHERE queue = ?1 AND visible_at > ?2),
                        (SELECT COUNT(*) FROM dead_letters WHERE source = ?3),
                        (SELECT MIN(sent_at) FROM messages WHERE queue = ?1)",
            )?
            .query_row(params![queue, now, source(&queue)], |row| {
                let oldest: Option<i64> = row.get(3)?;
                let oldest_s = oldest.map_or(0, |oldest| (now - oldest).max(0) / 1000);
                Ok(Depth { messages: row.get(0)?, in_flight: row.get(1)?, dead_letters: row.get(2)?, oldest_s })
            })
        };
        self.ledger.read(count).await
    }

    /// Calls whoever waits for a message.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    fn now(&self) -> i64 {
        self.clock.now().unix_milliseconds()
    }
}

#[async_trait]
impl FallbackQueue for LocalQueue {
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure> {
        let body = message.encode().map_err(|error| StoreFailure::corrupt(Store::Queue, error))?;
        if body.len() > MAX_QUEUE_MESSAGE_BYTES {
            return Err(StoreFailure::new(Store::Queue, FailureKind::TooLarge));
        }
        let group = message.booking_code().as_str().to_owned();
        self.enqueue(group, message.deduplication_id(), body).await.map_err(broken)
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        let hidden = self.change_visibility(receipt, pause).await.map_err(broken)?;
        let refused = || StoreFailure::new(Store::Queue, FailureKind::Refused).because("the receipt has expired");
        hidden.then_some(()).ok_or_else(refused)
    }

    async fn dead_letter(&self, group: &str, message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure> {
        self.set_aside(Some(group), message_id, body, reason).await.map_err(broken)
    }
}

/// A ledger that fails is a store that may have acted.
fn broken(error: LedgerError) -> StoreFailure {
    StoreFailure::new(Store::Queue, FailureKind::ServerError).because(error)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What a dead letter of queue `name` is listed under.
pub(crate) fn source(name: &str) -> String {
    format!("queue {name}")
}

/// A receipt names a message and which of its receives it was, in characters that a URL takes.
fn receipt(message_id: &str, receives: u32) -> String {
    format!("{message_id}.{receives}")
}

/// The message whose latest receive `receipt` is and which is still hidden by it.
fn in_flight(t: &Transaction<'_>, queue: &str, receipt: &str, now: i64) -> rusqlite::Result<Option<(i64, String)>> {
    let Some((message_id, receives)) = receipt.rsplit_once('.') else { return Ok(None) };
    let Ok(receives) = receives.parse::<u32>() else { return Ok(None) };
    t.prepare_cached(
        "SELECT seq, message_group FROM messages
         WHERE message_id = ?1 AND queue = ?2 AND receives = ?3 AND visible_at > ?4",
    )?
    .query_row(params![message_id, queue, receives, now], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()
}

/// Brings a group's row up to its messages. A group is ready when none of its messages is hidden, and waits from then
/// or from its first message on: whoever waits longest is served first.
fn refresh(t: &Transaction<'_>, queue: &str, group: &str) -> rusqlite::Result<()> {
    let ready_at: Option<i64> = t
        .prepare_cached(
            "SELECT MAX(MAX(visible_at), MIN(sent_at)) FROM messages WHERE queue = ?1 AND message_group = ?2",
        )?
        .query_row([queue, group], |row| row.get(0))?;
    match ready_at {
        Some(ready_at) => t
            .prepare_cached(
                "INSERT OR REPLACE INTO message_groups (queue, message_group, ready_at) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![queue, group, ready_at])?,
        None => t
            .prepare_cached("DELETE FROM message_groups WHERE queue = ?1 AND message_group = ?2")?
            .execute([queue, group])?,
    };
    Ok(())
}
