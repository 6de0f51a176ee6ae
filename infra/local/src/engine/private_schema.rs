//! What this program does behind the engine's back, on a second connection to its file.
//!
//! With a stream on, dynoxide 3.2.0 asks for the highest sequence number on every write, and has no index to answer:
//! writes slow down with every stream record kept. Here is the index, and the removal of records that all readers have
//! passed. Both touch tables that are dynoxide's own affair, so their shape is checked first and the version is pinned.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};

/// How long to wait for the engine's own writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The stream table of dynoxide 3.2.0.
const STREAM_RECORDS: [(&str, &str); 11] = [
    ("id", "INTEGER"),
    ("table_name", "TEXT"),
    ("event_name", "TEXT"),
    ("keys_json", "TEXT"),
    ("new_image", "TEXT"),
    ("old_image", "TEXT"),
    ("sequence_number", "TEXT"),
    ("shard_id", "TEXT"),
    ("created_at", "INTEGER"),
    ("user_identity", "TEXT"),
    ("event_id", "TEXT"),
];

/// The file was written by another version of the engine.
#[derive(Debug, thiserror::Error)]
#[error("the engine's table _stream_records is not that of dynoxide 3.2.0 but has the columns: {0}")]
pub struct SchemaDiffers(String);

/// Connects to the engine's file and makes the index, once the tables are what they should be.
pub(super) fn open(path: &Path) -> Result<Connection, super::EngineError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    check(&connection)?;
    connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS booking_store_stream_order
         ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
    )?;
    Ok(connection)
}

fn check(connection: &Connection) -> Result<(), super::EngineError> {
    let mut columns = connection.prepare("SELECT name, type FROM pragma_table_info('_stream_records') ORDER BY cid")?;
    let columns = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let columns: Vec<(String, String)> = columns.collect::<rusqlite::Result<_>>()?;
    let same = columns.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).eq(STREAM_RECORDS);
    let shown = || columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect::<Vec<_>>().join(", ");
    if same { Ok(()) } else { Err(SchemaDiffers(shown()).into()) }
}

/// The highest sequence number of a table's stream, and how many records come after `position`.
pub(super) fn standing(connection: &Connection, table: &str, position: i64) -> rusqlite::Result<(i64, i64)> {
    let mut counted = connection.prepare_cached(
        "SELECT (SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) FROM _stream_records WHERE table_name = ?1),
                (SELECT COUNT(*) FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2)",
    )?;
    counted.query_row(params![table, position], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Removes up to `most` records before `position`, oldest first. The record at `position` stays: the next sequence
/// number is one more than the highest kept, so numbers can never come again.
pub(super) fn prune(connection: &Connection, table: &str, position: i64, most: i64) -> rusqlite::Result<usize> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM _stream_records WHERE id IN (
             SELECT id FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2
             ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?3)",
    )?;
    delete.execute(params![table, position, most])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_engines_table_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tables.sqlite");
        dynoxide::Database::new(path.to_str().unwrap()).unwrap();
        let connection = open(&path).unwrap();
        let plan: String = connection
            .query_row(
                "EXPLAIN QUERY PLAN SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1
                 FROM _stream_records WHERE table_name = 'x'",
                [],
                |row| row.get(3),
            )
            .unwrap();
        assert!(plan.contains("booking_store_stream_order"), "{plan}");
        connection.execute_batch("ALTER TABLE _stream_records ADD COLUMN more TEXT").unwrap();
        drop(connection);
        assert!(open(&path).unwrap_err().to_string().contains("more TEXT"));
    }
}
