//! Receiving: whole groups in the order in which they became ready, each from its first message on.

use std::time::Duration;

use rusqlite::{Transaction, params};
use tokio::time::timeout;

use super::{LocalQueue, dead_letters, receipt, refresh};
use crate::ledger::LedgerError;
use crate::template::QueueSettings;

/// Most messages of one receive (AWS fact).
const MAX_BATCH: usize = 10;

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Names the message for ever.
    pub message_id: String,
    /// Names this receive of it.
    pub receipt: String,
    /// Its group; its own id in a standard queue.
    pub group: String,
    /// Its deduplication id; empty in a standard queue.
    pub deduplication_id: String,
    /// What was sent.
    pub body: String,
    /// Its place in the queue.
    pub sequence_number: i64,
    /// When it was sent, in milliseconds since 1970.
    pub sent_at: i64,
    /// When it was received for the first time.
    pub first_received_at: i64,
    /// How often it was received, this time included.
    pub receives: u32,
}

impl LocalQueue {
    /// Up to `most` messages, hidden from now on for the queue's visibility timeout. Messages of one group come in
    /// order; those of several groups may be mixed.
    pub async fn receive(&self, most: usize) -> Result<Vec<Received>, LedgerError> {
        self.receive_for(most, self.settings.visibility_timeout).await
    }

    /// The same, hidden for `visibility` from now on.
    pub async fn receive_for(&self, most: usize, visibility: Duration) -> Result<Vec<Received>, LedgerError> {
        let (now, settings, most) = (self.now(), self.settings.clone(), most.min(MAX_BATCH));
        let times = (now, now.saturating_add(super::milliseconds(visibility)));
        let receive = move |t: &Transaction<'_>| {
            let mut batch = Vec::new();
            while batch.len() < most {
                let ready = ready_groups(t, &settings.name, now, most - batch.len())?;
                if ready.is_empty() {
                    break;
                }
                for group in ready {
                    take(t, &settings, &group, most - batch.len(), times, &mut batch)?;
                    refresh(t, &settings.name, &group)?;
                }
            }
            Ok(batch)
        };
        self.ledger.write(receive).await
    }

    /// Returns when there may be something to receive, or after `longest`.
    pub async fn wait(&self, longest: Duration) -> Result<(), LedgerError> {
        // Registered before looking, so that what happens in between is not missed.
        let changed = self.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let queue = self.settings.name.clone();
        let next = move |t: &Transaction<'_>| {
            t.prepare_cached("SELECT MIN(ready_at) FROM message_groups WHERE queue = ?1")?
                .query_row([queue], |row| row.get(0))
        };
        let ready_at: Option<i64> = self.ledger.read(next).await?;
        let until_ready = ready_at.map(|at| Duration::from_millis(at.saturating_sub(self.now()).max(0).unsigned_abs()));
        // Woken or not: whoever asked looks again.
        let _ = timeout(until_ready.unwrap_or(longest).min(longest), changed).await;
        Ok(())
    }
}

fn ready_groups(t: &Transaction<'_>, queue: &str, now: i64, most: usize) -> rusqlite::Result<Vec<String>> {
    t.prepare_cached(
        "SELECT message_group FROM message_groups WHERE queue = ?1 AND ready_at <= ?2 ORDER BY ready_at LIMIT ?3",
    )?
    .query_map(params![queue, now, i64::try_from(most).unwrap_or(i64::MAX)], |row| row.get(0))?
    .collect()
}

/// Takes the first messages of `group`, hides them, and adds them to `batch`; those received too often become dead
/// letters instead.
fn take(
    t: &Transaction<'_>,
    settings: &QueueSettings,
    group: &str,
    most: usize,
    (now, visible_at): (i64, i64),
    batch: &mut Vec<Received>,
) -> rusqlite::Result<()> {
    let first: Vec<Received> = t
        .prepare_cached(
            "SELECT message_id, deduplication_id, body, seq, sent_at, COALESCE(first_received_at, ?3), receives + 1
             FROM messages WHERE queue = ?1 AND message_group = ?2 ORDER BY seq LIMIT ?4",
        )?
        .query_map(params![settings.name, group, now, i64::try_from(most).unwrap_or(i64::MAX)], |row| {
            let (message_id, receives): (String, u32) = (row.get(0)?, row.get(6)?);
            Ok(Received {
                receipt: receipt(&message_id, receives),
                message_id,
                group: group.to_owned(),
                deduplication_id: row.get(1)?,
                body: row.get(2)?,
                sequence_number: row.get(3)?,
                sent_at: row.get(4)?,
                first_received_at: row.get(5)?,
                receives,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    for message in first {
        if message.receives > settings.max_receives {
            dead_letters::exhausted(t, settings, &message, now)?;
            continue;
        }
        t.prepare_cached("UPDATE messages SET receives = ?2, visible_at = ?3, first_received_at = ?4 WHERE seq = ?1")?
            .execute(params![message.sequence_number, message.receives, visible_at, message.first_received_at])?;
        batch.push(message);
    }
    Ok(())
}
