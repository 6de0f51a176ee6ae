//! Sending: deduplicate, then append to the group.

use rusqlite::{Transaction, params};

use super::{LocalQueue, refresh};
use crate::ledger::LedgerError;

/// How long a deduplication id is remembered (AWS fact).
const DEDUPLICATION_MILLISECONDS: i64 = 5 * 60 * 1000;

impl LocalQueue {
    /// Puts a message at the end of its group, unless its deduplication id was sent in the last five minutes. For a FIFO
    /// queue.
    pub async fn enqueue(&self, group: String, deduplication_id: String, body: String) -> Result<(), LedgerError> {
        let (now, message_id) = (self.now(), self.ids.event_id().to_string());
        let (queue, within_group) = (self.settings.name.clone(), self.settings.deduplicate_within_group);
        let send = move |t: &Transaction<'_>| {
            t.prepare_cached("DELETE FROM deduplication WHERE until <= ?1")?.execute([now])?;
            // Without the group in the key, an id is known to the whole queue.
            let scope = if within_group { group.as_str() } else { "" };
            let until = now + DEDUPLICATION_MILLISECONDS;
            let known = t
                .prepare_cached(
                    "INSERT OR IGNORE INTO deduplication (queue, message_group, deduplication_id, until)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![queue, scope, deduplication_id, until])?
                == 0;
            if known {
                return Ok(());
            }
            t.prepare_cached(
                "INSERT INTO messages (queue, message_id, message_group, deduplication_id, body, sent_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![queue, message_id, group, deduplication_id, body, now])?;
            refresh(t, &queue, &group)
        };
        self.ledger.write(send).await?;
        self.changed.notify_one();
        Ok(())
    }

    /// Puts a message into a standard queue.
    pub async fn push(&self, body: String) -> Result<(), LedgerError> {
        let (queue, message_id) = (self.clone(), self.new_id());
        self.ledger.write(move |t: &Transaction<'_>| queue.push_in(t, &message_id, &body)).await?;
        self.changed.notify_one();
        Ok(())
    }

    /// An id for [`Self::push_in`].
    pub(crate) fn new_id(&self) -> String {
        self.ids.event_id().to_string()
    }

    /// The same as a part of somebody's transaction, who then calls [`Self::wake`].
    pub(crate) fn push_in(&self, t: &Transaction<'_>, message_id: &str, body: &str) -> rusqlite::Result<()> {
        let (queue, now) = (&self.settings.name, self.now());
        t.prepare_cached(
            "INSERT INTO messages (queue, message_id, message_group, deduplication_id, body, sent_at)
             VALUES (?1, ?2, ?2, '', ?3, ?4)",
        )?
        .execute(params![queue, message_id, body, now])?;
        refresh(t, queue, message_id)
    }
}
