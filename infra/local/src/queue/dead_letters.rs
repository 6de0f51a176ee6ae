//! Dead letters: what a queue gave up on, what a function set aside, what a rule could not deliver.

use booking_store::Timestamp;
use rusqlite::{Row, Transaction, params};
use serde::Serialize;

use super::{LocalQueue, Received, source};
use crate::ledger::{Ledger, LedgerError};
use crate::template::QueueSettings;

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its place.
    pub n: i64,
    /// Where it comes from: `queue NAME` or `rule NAME`.
    pub source: String,
    /// The template's dead-letter queue that would hold it.
    pub queue: Option<String>,
    /// Its id in the queue, or the entry's on the bus.
    pub message_id: String,
    /// Its group, if it comes from a FIFO queue; that of the fallback queue is the booking code.
    pub group: Option<String>,
    /// What was sent.
    pub body: String,
    /// Why it is here.
    pub reason: String,
    /// How often it was received, or tried to deliver; 0 if a function set it aside.
    pub receives: u32,
    /// Since when.
    pub at: Option<Timestamp>,
}

/// A dead letter to be kept.
pub(crate) struct NewDeadLetter<'a> {
    pub(crate) source: String,
    pub(crate) queue: Option<&'a str>,
    pub(crate) message_id: &'a str,
    pub(crate) group: Option<&'a str>,
    pub(crate) body: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) receives: u32,
    pub(crate) delivery: Option<i64>,
    pub(crate) at: i64,
}

/// Dead letters after place `after`, in order, up to `limit`; of one source if it is named.
pub async fn dead_letters(
    ledger: &Ledger,
    after: i64,
    limit: u32,
    source: Option<String>,
) -> Result<Vec<DeadLetter>, LedgerError> {
    let list = move |t: &Transaction<'_>| {
        t.prepare_cached(
            "SELECT n, source, queue, message_id, message_group, body, reason, receives, at FROM dead_letters
             WHERE n > ?1 AND (?3 IS NULL OR source = ?3) ORDER BY n LIMIT ?2",
        )?
        .query_map(params![after, limit, source], read)?
        .collect()
    };
    ledger.read(list).await
}

impl LocalQueue {
    /// This queue's dead letters after place `after`, in order, up to `limit`.
    pub async fn dead_letters(&self, after: i64, limit: u32) -> Result<Vec<DeadLetter>, LedgerError> {
        dead_letters(&self.ledger, after, limit, Some(source(self.name()))).await
    }

    /// Puts this standard queue's dead letters back into it; how many.
    pub async fn redrive(&self) -> Result<usize, LedgerError> {
        let (queue, source) = (self.clone(), source(self.name()));
        let redrive = move |t: &Transaction<'_>| {
            let bodies: Vec<String> = t
                .prepare_cached("SELECT body FROM dead_letters WHERE source = ?1 ORDER BY n")?
                .query_map([&source], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for body in &bodies {
                queue.push_in(t, &queue.new_id(), body)?;
            }
            t.prepare_cached("DELETE FROM dead_letters WHERE source = ?1")?.execute([&source])
        };
        let sent = self.ledger.write(redrive).await?;
        self.wake();
        Ok(sent)
    }

    /// Keeps a message that no receiver can settle; doing it twice leaves one.
    pub async fn set_aside(
        &self,
        group: Option<&str>,
        message_id: &str,
        body: &str,
        reason: &str,
    ) -> Result<(), LedgerError> {
        let [message_id, body, reason] = [message_id, body, reason].map(str::to_owned);
        let (group, settings, at) = (group.map(str::to_owned), self.settings.clone(), self.now());
        let keep = move |t: &Transaction<'_>| {
            let letter = NewDeadLetter {
                source: source(&settings.name),
                queue: settings.dead_letters.as_deref(),
                message_id: &message_id,
                group: group.as_deref(),
                body: &body,
                reason: &reason,
                receives: 0,
                delivery: None,
                at,
            };
            insert(t, &letter)
        };
        self.ledger.write(keep).await
    }
}

/// Moves a message that was received too often.
pub(super) fn exhausted(
    t: &Transaction<'_>,
    settings: &QueueSettings,
    message: &Received,
    now: i64,
) -> rusqlite::Result<()> {
    let receives = message.receives - 1;
    let letter = NewDeadLetter {
        source: source(&settings.name),
        queue: settings.dead_letters.as_deref(),
        message_id: &message.message_id,
        group: settings.fifo.then_some(&message.group),
        body: &message.body,
        reason: &format!("received {receives} times without being settled"),
        receives,
        delivery: None,
        at: now,
    };
    insert(t, &letter)?;
    t.prepare_cached("DELETE FROM messages WHERE seq = ?1")?.execute([message.sequence_number])?;
    Ok(())
}

/// Keeps a dead letter; one of the same source and id is kept once.
pub(crate) fn insert(t: &Transaction<'_>, letter: &NewDeadLetter<'_>) -> rusqlite::Result<()> {
    t.prepare_cached(
        "INSERT OR IGNORE INTO dead_letters
         (source, queue, message_id, message_group, body, reason, receives, delivery, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        letter.source,
        letter.queue,
        letter.message_id,
        letter.group,
        letter.body,
        letter.reason,
        letter.receives,
        letter.delivery,
        letter.at
    ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        n: row.get(0)?,
        source: row.get(1)?,
        queue: row.get(2)?,
        message_id: row.get(3)?,
        group: row.get(4)?,
        body: row.get(5)?,
        reason: row.get(6)?,
        receives: row.get(7)?,
        at: Timestamp::from_unix_milliseconds(row.get(8)?),
    })
}
