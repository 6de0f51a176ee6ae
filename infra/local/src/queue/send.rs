//! Sending: deduplicate, then append to the group.

use rusqlite::{Transaction, params};

use super::{LocalQueue, refresh};
use crate::ledger::LedgerError;

/// How long a deduplication id is remembered (AWS fact).
const DEDUPLICATION_MILLISECONDS: i64 = 5 * 60 * 1000;

impl LocalQueue {
    /// Puts a message at the end of its group, unless its deduplication id was sent in the last five minutes.
    pub async fn enqueue(&self, group: String, deduplication_id: String, body: String) -> Result<(), LedgerError> {
        let (now, message_id) = (self.now(), self.ids.event_id().to_string());
        let scope = self.settings.deduplicate_within_group;
        let send = move |t: &Transaction<'_>| {
            t.prepare_cached("DELETE FROM deduplication WHERE until <= ?1")?.execute([now])?;
            // Without the group in the key, an id is known to the whole queue.
            let known =
                t.prepare_cached(
                    "INSERT OR IGNORE INTO deduplication (message_group, deduplication_id, until) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![
                    if scope { group.as_str() } else { "" },
                    deduplication_id,
                    now + DEDUPLICATION_MILLISECONDS
                ])? == 0;
            if known {
                return Ok(());
            }
            t.prepare_cached(
                "INSERT INTO messages (message_id, message_group, deduplication_id, body, sent_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![message_id, group, deduplication_id, body, now])?;
            refresh(t, &group)
        };
        self.ledger.write(send).await?;
        self.changed.notify_one();
        Ok(())
    }
}
