//! The fallback queue and its dead-letter queue with the rules of SQS FIFO, in the ledger.
//!
//! - Order holds within a message group. A group with a hidden message gives out nothing.
//! - A deduplication id is remembered for five minutes within its group, also when its message is long deleted.
//! - A receipt is good until its message is received again or its visibility time is over.
//! - A message received more often than the template allows moves to the dead-letter queue.
//!
//! Not played: retention, the limit of messages in flight, delay. Other than with SQS, a restart makes hidden messages
//! visible: the only receiver died with the process.

mod dead_letters;
mod receive;
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

pub use receive::Received;

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

/// How much the queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// Messages in the queue, hidden ones too.
    pub messages: i64,
    /// Those hidden: being worked on, or backed off.
    pub in_flight: i64,
    /// Messages in the dead-letter queue.
    pub dead_letters: i64,
}

impl LocalQueue {
    /// The queue in `ledger`; whatever a dead process had in flight is visible again.
    pub async fn open(
        ledger: Ledger,
        settings: QueueSettings,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, LedgerError> {
        let release = |t: &Transaction<'_>| {
            t.execute("UPDATE messages SET visible_at = 0 WHERE visible_at > 0", [])?;
            t.execute(
                "INSERT OR REPLACE INTO message_groups (message_group, ready_at)
                 SELECT message_group, MIN(sent_at) FROM messages GROUP BY message_group",
                [],
            )
        };
        ledger.write(release).await?;
        Ok(Self { ledger, settings, clock, ids, changed: Arc::default() })
    }

    /// Deletes the message behind `receipt`; `false` if the receipt is no longer good.
    pub async fn delete(&self, receipt: &str) -> Result<bool, LedgerError> {
        let (now, receipt) = (self.now(), receipt.to_owned());
        let delete = move |t: &Transaction<'_>| {
            let Some((seq, group)) = in_flight(t, &receipt, now)? else { return Ok(false) };
            t.prepare_cached("DELETE FROM messages WHERE seq = ?1")?.execute([seq])?;
            refresh(t, &group)?;
            Ok(true)
        };
        let deleted = self.ledger.write(delete).await?;
        self.changed.notify_one();
        Ok(deleted)
    }

    /// Hides the message behind `receipt` for `pause` from now; `false` if the receipt is no longer good.
    pub async fn change_visibility(&self, receipt: &str, pause: Duration) -> Result<bool, LedgerError> {
        let (now, receipt) = (self.now(), receipt.to_owned());
        let visible_at = now.saturating_add(milliseconds(pause));
        let hide = move |t: &Transaction<'_>| {
            let Some((seq, group)) = in_flight(t, &receipt, now)? else { return Ok(false) };
            t.prepare_cached("UPDATE messages SET visible_at = ?2 WHERE seq = ?1")?
                .execute(params![seq, visible_at])?;
            refresh(t, &group)?;
            Ok(true)
        };
        let changed = self.ledger.write(hide).await?;
        self.changed.notify_one();
        Ok(changed)
    }

    /// How much there is.
    pub async fn depth(&self) -> Result<Depth, LedgerError> {
        let now = self.now();
        let count = move |t: &Transaction<'_>| {
            t.query_row(
                "SELECT (SELECT COUNT(*) FROM messages), (SELECT COUNT(*) FROM messages WHERE visible_at > ?1),
                        (SELECT COUNT(*) FROM dead_letters)",
                [now],
                |row| Ok(Depth { messages: row.get(0)?, in_flight: row.get(1)?, dead_letters: row.get(2)? }),
            )
        };
        self.ledger.read(count).await
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
        self.set_aside(group, message_id, body, reason).await.map_err(broken)
    }
}

/// A ledger that fails is a store that may have acted.
fn broken(error: LedgerError) -> StoreFailure {
    StoreFailure::new(Store::Queue, FailureKind::ServerError).because(error)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A receipt names a message and which of its receives it was.
fn receipt(message_id: &str, receives: u32) -> String {
    format!("{message_id}#{receives}")
}

/// The message whose latest receive `receipt` is and which is still hidden by it.
fn in_flight(t: &Transaction<'_>, receipt: &str, now: i64) -> rusqlite::Result<Option<(i64, String)>> {
    let Some((message_id, receives)) = receipt.rsplit_once('#') else { return Ok(None) };
    let Ok(receives) = receives.parse::<u32>() else { return Ok(None) };
    t.prepare_cached(
        "SELECT seq, message_group FROM messages WHERE message_id = ?1 AND receives = ?2 AND visible_at > ?3",
    )?
    .query_row(params![message_id, receives, now], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()
}

/// Brings a group's row up to its messages. A group is ready when none of its messages is hidden, and waits from then
/// or from its first message on: whoever waits longest is served first.
fn refresh(t: &Transaction<'_>, group: &str) -> rusqlite::Result<()> {
    let ready_at: Option<i64> = t
        .prepare_cached("SELECT MAX(MAX(visible_at), MIN(sent_at)) FROM messages WHERE message_group = ?1")?
        .query_row([group], |row| row.get(0))?;
    match ready_at {
        Some(ready_at) => t
            .prepare_cached("INSERT OR REPLACE INTO message_groups (message_group, ready_at) VALUES (?1, ?2)")?
            .execute(params![group, ready_at])?,
        None => t.prepare_cached("DELETE FROM message_groups WHERE message_group = ?1")?.execute([group])?,
    };
    Ok(())
}
