//! How far each reader of a stream is, and the batches it gave up; kept in the ledger.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::engine::Position;
use crate::ledger::{Ledger, LedgerError};

/// The checkpoint of one reader of a stream.
#[derive(Clone)]
pub struct Checkpoint {
    ledger: Ledger,
    stream: String,
    reader: &'static str,
}

impl Checkpoint {
    /// The checkpoint of `reader` in `stream`.
    pub fn new(ledger: Ledger, stream: String, reader: &'static str) -> Self {
        Self { ledger, stream, reader }
    }

    /// Whose it is.
    pub fn reader(&self) -> &'static str {
        self.reader
    }

    /// Where the reader goes on.
    pub async fn load(&self) -> Result<Position, LedgerError> {
        let (stream, reader) = (self.stream.clone(), self.reader);
        let load = move |t: &Transaction<'_>| {
            t.prepare_cached("SELECT sequence_number FROM checkpoints WHERE stream = ?1 AND reader = ?2")?
                .query_row([&stream, reader], |row| row.get(0))
                .optional()
        };
        self.ledger.read(load).await
    }

    /// The lowest checkpoint of `readers` in this stream: nobody needs what lies behind it. None while one of them has not
    /// begun, for it begins at the oldest record.
    pub async fn slowest(&self, readers: &[&'static str]) -> Result<Position, LedgerError> {
        let (stream, readers) = (self.stream.clone(), readers.to_vec());
        let load = move |t: &Transaction<'_>| {
            let mut all =
                t.prepare_cached("SELECT sequence_number FROM checkpoints WHERE stream = ?1 AND reader = ?2")?;
            let mut slowest: Position = None;
            for reader in readers {
                let one: Position = all.query_row([&stream, reader], |row| row.get(0)).optional()?;
                let Some(one) = one else { return Ok(None) };
                // All have the same number of digits.
                slowest = Some(slowest.map_or(one.clone(), |slowest| slowest.min(one)));
            }
            Ok(slowest)
        };
        self.ledger.read(load).await
    }

    /// Moves it.
    pub async fn save(&self, sequence_number: &str) -> Result<(), LedgerError> {
        let (stream, reader, sequence_number) = (self.stream.clone(), self.reader, sequence_number.to_owned());
        self.ledger.write(move |t| save(t, &stream, reader, &sequence_number)).await
    }

    /// Moves it past a batch that is given up, and keeps the notice.
    pub async fn give_up(
        &self,
        sequence_number: &str,
        notice: String,
        records: usize,
        now: i64,
    ) -> Result<(), LedgerError> {
        let (stream, reader, sequence_number) = (self.stream.clone(), self.reader, sequence_number.to_owned());
        let keep = move |t: &Transaction<'_>| {
            t.execute(
                "INSERT INTO failed_batches (stream, reader, notice, records, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![stream, reader, notice, i64::try_from(records).unwrap_or(i64::MAX), now],
            )?;
            save(t, &stream, reader, &sequence_number)
        };
        self.ledger.write(keep).await
    }

    /// How many records this reader gave up.
    pub async fn failed_records(&self) -> Result<i64, LedgerError> {
        let (stream, reader) = (self.stream.clone(), self.reader);
        let count = move |t: &Transaction<'_>| {
            t.prepare_cached("SELECT COALESCE(SUM(records), 0) FROM failed_batches WHERE stream = ?1 AND reader = ?2")?
                .query_row([&stream, reader], |row| row.get(0))
        };
        self.ledger.read(count).await
    }
}

/// The notices of the batches given up after place `after` by any reader, up to `limit`, with their places.
pub async fn failed_batches(ledger: &Ledger, after: i64, limit: u32) -> Result<Vec<(i64, String)>, LedgerError> {
    let list = move |t: &Transaction<'_>| {
        t.prepare_cached("SELECT n, notice FROM failed_batches WHERE n > ?1 ORDER BY n LIMIT ?2")?
            .query_map(params![after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    };
    ledger.read(list).await
}

fn save(t: &Transaction<'_>, stream: &str, reader: &str, sequence_number: &str) -> rusqlite::Result<()> {
    t.prepare_cached("INSERT OR REPLACE INTO checkpoints (stream, reader, sequence_number) VALUES (?1, ?2, ?3)")?
        .execute([stream, reader, sequence_number])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_slowest_reader_holds_the_others_back() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&directory.path().join("ledger.sqlite")).unwrap();
        let of = |reader| Checkpoint::new(ledger.clone(), "T".to_owned(), reader);
        let (publish, feed) = (of("publish"), of("feed"));
        let readers = ["publish", "feed"];
        publish.save("100000000000000000009").await.unwrap();
        assert_eq!(publish.slowest(&readers).await.unwrap(), None, "the other begins at the oldest record");
        feed.save("100000000000000000003").await.unwrap();
        assert_eq!(publish.slowest(&readers).await.unwrap().as_deref(), Some("100000000000000000003"));
        feed.give_up("100000000000000000012", "{}".to_owned(), 2, 1).await.unwrap();
        assert_eq!(publish.slowest(&readers).await.unwrap().as_deref(), Some("100000000000000000009"));
        assert_eq!(
            (publish.load().await.unwrap().as_deref(), feed.failed_records().await.unwrap()),
            (Some("100000000000000000009"), 2)
        );
    }
}
