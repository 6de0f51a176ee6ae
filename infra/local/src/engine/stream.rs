//! The stream of a table, read in process through the engine's own API.

use std::sync::{Arc, Mutex, PoisonError};

use dynoxide::Database;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::get_records::{GetRecordsRequest, Record};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::streams::shard_id;
use rusqlite::Connection;
use tokio::task::spawn_blocking;

use super::{EngineError, private_schema};

/// What dynoxide adds to a stored sequence number to show it with 21 digits.
const SHOWN_OFFSET: u128 = 100_000_000_000_000_000_000;
/// Records removed at a time, so that the engine's writes never wait long.
const PRUNED_AT_ONCE: i64 = 500;

/// A place in a stream: after the record with this sequence number; before the first one if there is none.
pub type Position = Option<String>;

/// Reads one table's stream, which has one shard.
#[derive(Clone)]
pub struct StreamReader {
    database: Database,
    side: Arc<Mutex<Connection>>,
    table: String,
    arn: String,
}

impl StreamReader {
    pub(super) fn new(database: Database, side: Arc<Mutex<Connection>>, table: &str) -> Result<Self, EngineError> {
        let described = database.describe_table(DescribeTableRequest { table_name: table.to_owned() })?;
        let arn = described.table.latest_stream_arn.unwrap_or_default();
        Ok(Self { database, side, table: table.to_owned(), arn })
    }

    /// The stream's name.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The stream's one shard.
    pub fn shard(&self) -> String {
        shard_id(&self.table)
    }

    /// Up to `limit` records after `position`, in order.
    pub async fn records(&self, position: &Position, limit: usize) -> Result<Vec<Record>, EngineError> {
        let (reader, position) = (self.clone(), position.clone());
        blocking(move || {
            let from = if position.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
            let iterator = reader.database.get_shard_iterator(GetShardIteratorRequest {
                stream_arn: reader.arn.clone(),
                shard_id: reader.shard(),
                shard_iterator_type: from.to_owned(),
                sequence_number: position,
            })?;
            let shard_iterator = iterator.shard_iterator.unwrap_or_default();
            Ok(reader.database.get_records(GetRecordsRequest { shard_iterator, limit: Some(limit) })?.records)
        })
        .await
    }

    /// The highest sequence number so far, and how many records come after `position`.
    pub async fn standing(&self, position: &Position) -> Result<(i64, i64), EngineError> {
        let (reader, position) = (self.clone(), position.as_deref().and_then(stored).unwrap_or(0));
        blocking(move || Ok(private_schema::standing(&reader.side(), &reader.table, position)?)).await
    }

    /// Removes some of the records before `position`; how many.
    pub async fn prune(&self, position: &str) -> Result<usize, EngineError> {
        let (reader, position) = (self.clone(), stored(position).unwrap_or(0));
        blocking(move || Ok(private_schema::prune(&reader.side(), &reader.table, position, PRUNED_AT_ONCE)?)).await
    }

    fn side(&self) -> std::sync::MutexGuard<'_, Connection> {
        // A panic while it was held has left no transaction open: every statement is its own.
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a record was written, in milliseconds since 1970: dynoxide never numbers below the clock's microseconds. Later
/// than now if the clock was set back.
pub fn written_at(sequence_number: &str) -> i64 {
    stored(sequence_number).unwrap_or(0) / 1000
}

fn stored(shown: &str) -> Option<i64> {
    i64::try_from(shown.parse::<u128>().ok()?.checked_sub(SHOWN_OFFSET)?).ok()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    spawn_blocking(work).await.map_err(|_| EngineError::ShuttingDown)?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::Engine;
    use crate::template::Template;

    fn put(database: &Database, n: u32) {
        let item = json!({"booking_code": {"S": format!("c{n}")}, "item": {"S": "reservation"}});
        let put = json!({"TableName": "ReservationsTable", "Item": item});
        database.put_item(serde_json::from_value(put).unwrap()).unwrap();
    }

    #[tokio::test]
    async fn pruning_moves_no_reader_and_reuses_no_number() {
        let directory = tempfile::tempdir().unwrap();
        let tables = Template::embedded().unwrap().tables().unwrap();
        let engine = Engine::start(&directory.path().join("tables.sqlite"), &tables).unwrap();
        let stream = engine.stream("ReservationsTable").unwrap();
        (0..5).for_each(|n| put(&engine.database, n));
        let read = stream.records(&None, 3).await.unwrap();
        let third = read[2].dynamodb.sequence_number.clone();
        let position = Some(third.clone());
        assert_eq!(stream.standing(&position).await.unwrap().1, 2);
        assert_eq!(stream.prune(&third).await.unwrap(), 2);
        put(&engine.database, 5);
        let rest = stream.records(&position, 10).await.unwrap();
        let numbers: Vec<_> = rest.iter().map(|record| record.dynamodb.sequence_number.clone()).collect();
        assert_eq!(numbers.len(), 3);
        assert!(numbers.is_sorted() && numbers[0] > third);
        let last = Some(numbers[2].clone());
        stream.prune(numbers[2].as_str()).await.unwrap();
        put(&engine.database, 6);
        assert_eq!(stream.records(&last, 10).await.unwrap().len(), 1);
        drop(stream);
        engine.stop();
    }
}
