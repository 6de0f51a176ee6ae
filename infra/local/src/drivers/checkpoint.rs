//! How far a stream's reader is, and the batches it gave up; kept in the ledger.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::engine::Position;
use crate::ledger::{Ledger, LedgerError};

/// The checkpoint of one stream's reader.
#[derive(Clone)]
pub struct Checkpoint {
    ledger: Ledger,
    stream: String,
}

impl Checkpoint {
    /// The checkpoint of `stream`.
    pub fn new(ledger: Ledger, stream: String) -> Self {
        Self { ledger, stream }
    }

    /// Where the reader goes on.
    pub async fn load(&self) -> Result<Position, LedgerError> {
        let stream = self.stream.clone();
        let load = move |t: &Transaction<'_>| {
            t.query_row("SELECT sequence_number FROM checkpoints WHERE stream = ?1", [stream], |row| row.get(0))
                .optional()
        };
        self.ledger.read(load).await
    }

    /// Moves it.
    pub async fn save(&self, sequence_number: &str) -> Result<(), LedgerError> {
        let (stream, sequence_number) = (self.stream.clone(), sequence_number.to_owned());
        self.ledger.write(move |t| save(t, &stream, &sequence_number)).await
    }

    /// Moves it past a batch that is given up, and keeps the notice.
    pub async fn give_up(
        &self,
        sequence_number: &str,
        notice: String,
        records: usize,
        now: i64,
    ) -> Result<(), LedgerError> {
        let (stream, sequence_number) = (self.stream.clone(), sequence_number.to_owned());
        let keep = move |t: &Transaction<'_>| {
            t.execute(
                "INSERT INTO failed_batches (stream, notice, records, at) VALUES (?1, ?2, ?3, ?4)",
                params![stream, notice, i64::try_from(records).unwrap_or(i64::MAX), now],
            )?;
            save(t, &stream, &sequence_number)
        };
        self.ledger.write(keep).await
    }

    /// How many records were given up.
    pub async fn failed_records(&self) -> Result<i64, LedgerError> {
        let count = |t: &Transaction<'_>| {
            t.query_row("SELECT COALESCE(SUM(records), 0) FROM failed_batches", [], |row| row.get(0))
        };
        self.ledger.read(count).await
    }

    /// The notices of the batches given up after place `after`, up to `limit`, with their places.
    pub async fn failed_batches(&self, after: i64, limit: u32) -> Result<Vec<(i64, String)>, LedgerError> {
        let list = move |t: &Transaction<'_>| {
            t.prepare_cached("SELECT n, notice FROM failed_batches WHERE n > ?1 ORDER BY n LIMIT ?2")?
                .query_map(params![after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        self.ledger.read(list).await
    }
}

fn save(t: &Transaction<'_>, stream: &str, sequence_number: &str) -> rusqlite::Result<()> {
    t.prepare_cached("INSERT OR REPLACE INTO checkpoints (stream, sequence_number) VALUES (?1, ?2)")?
        .execute([stream, sequence_number])?;
    Ok(())
}
