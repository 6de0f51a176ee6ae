//! The dead-letter queue: what the queue gave up on, and what a drainer set aside.

use booking_store::Timestamp;
use rusqlite::{Transaction, params};
use serde::Serialize;

use super::{LocalQueue, Received};
use crate::ledger::LedgerError;

/// A message in the dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its place.
    pub n: i64,
    /// Its id in the fallback queue.
    pub message_id: String,
    /// Its group: the booking code.
    pub group: String,
    /// What was sent.
    pub body: String,
    /// Why it is here.
    pub reason: String,
    /// How often it was received before; 0 if a drainer set it aside.
    pub receives: u32,
    /// Since when.
    pub at: Option<Timestamp>,
}

impl LocalQueue {
    /// Dead letters after place `after`, in order, up to `limit`.
    pub async fn dead_letters(&self, after: i64, limit: u32) -> Result<Vec<DeadLetter>, LedgerError> {
        let list = move |t: &Transaction<'_>| {
            t.prepare_cached(
                "SELECT n, message_id, message_group, body, reason, receives, at FROM dead_letters
                 WHERE n > ?1 ORDER BY n LIMIT ?2",
            )?
            .query_map(params![after, limit], |row| {
                Ok(DeadLetter {
                    n: row.get(0)?,
                    message_id: row.get(1)?,
                    group: row.get(2)?,
                    body: row.get(3)?,
                    reason: row.get(4)?,
                    receives: row.get(5)?,
                    at: Timestamp::from_unix_milliseconds(row.get(6)?),
                })
            })?
            .collect()
        };
        self.ledger.read(list).await
    }

    /// Keeps a message that no drainer can settle; doing it twice leaves one.
    pub(super) async fn set_aside(
        &self,
        group: &str,
        message_id: &str,
        body: &str,
        reason: &str,
    ) -> Result<(), LedgerError> {
        let row = [message_id, group, body, reason].map(str::to_owned);
        let now = self.now();
        let keep = move |t: &Transaction<'_>| {
            let [message_id, group, body, reason] = &row;
            insert(t, (message_id, group, body), reason, 0, now)
        };
        self.ledger.write(keep).await
    }
}

/// Moves a message that was received too often.
pub(super) fn exhausted(t: &Transaction<'_>, message: &Received, now: i64) -> rusqlite::Result<()> {
    let receives = message.receives - 1;
    let reason = format!("received {receives} times without being settled");
    insert(t, (&message.message_id, &message.group, &message.body), &reason, receives, now)?;
    t.prepare_cached("DELETE FROM messages WHERE seq = ?1")?.execute([message.sequence_number])?;
    Ok(())
}

fn insert(
    t: &Transaction<'_>,
    (message_id, group, body): (&str, &str, &str),
    reason: &str,
    receives: u32,
    now: i64,
) -> rusqlite::Result<()> {
    t.prepare_cached(
        "INSERT OR IGNORE INTO dead_letters (message_id, message_group, body, reason, receives, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![message_id, group, body, reason, receives, now])?;
    Ok(())
}
