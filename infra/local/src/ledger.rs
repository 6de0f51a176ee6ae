//! One SQLite file for all that is not a table: queues, dead letters, bus deliveries and what is on its way to targets,
//! rules, checkpoints of the stream.
//!
//! A thread owns the connection and works off one transaction after the other, so no asynchronous task ever waits on
//! SQLite or holds a lock. A call that returned `Ok` survives `kill -9`; the last moments before a power cut may be
//! lost (write-ahead log with `synchronous = NORMAL`), as with the tables.

use std::path::Path;
use std::thread;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

/// Jobs that may wait for the thread; whoever comes later waits to hand in its job.
const MAX_WAITING: usize = 1024;
/// Raised whenever [`SCHEMA`] changes.
const SCHEMA_VERSION: i64 = 2;
const SCHEMA: &str = include_str!("ledger.sql");
/// Statements kept prepared.
const PREPARED: usize = 128;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Why the ledger could not do it.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// SQLite said no; the transaction is rolled back.
    #[error("the ledger refused")]
    Sqlite(#[from] rusqlite::Error),
    /// The thread is gone.
    #[error("the ledger is closed")]
    Closed,
    /// The file is of another version of this program.
    #[error("the ledger has schema version {0}, this program has {SCHEMA_VERSION}; use another data directory")]
    OtherVersion(i64),
}

/// A handle to the ledger's thread. The thread ends with the last handle, after the jobs handed in.
#[derive(Clone)]
pub struct Ledger {
    jobs: mpsc::Sender<Job>,
}

impl Ledger {
    /// Opens or creates the file.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let mut connection = Connection::open(path)?;
        prepare(&mut connection)?;
        let (jobs, mut waiting) = mpsc::channel::<Job>(MAX_WAITING);
        let name = thread::Builder::new().name("ledger".to_owned());
        name.spawn(move || {
            while let Some(job) = waiting.blocking_recv() {
                job(&mut connection);
            }
        })
        .map_err(|_| LedgerError::Closed)?;
        Ok(Self { jobs })
    }

    /// Runs `work` in one transaction and commits it if it returns `Ok`.
    pub async fn write<T, F>(&self, work: F) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run(TransactionBehavior::Immediate, work).await
    }

    /// Runs `work` in a transaction that sees one state of the file.
    pub async fn read<T, F>(&self, work: F) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run(TransactionBehavior::Deferred, work).await
    }

    async fn run<T, F>(&self, behavior: TransactionBehavior, work: F) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Nobody waits any more if the caller was cancelled; the work is done all the same.
            let _ = answer.send(in_transaction(connection, behavior, work));
        });
        self.jobs.send(job).await.map_err(|_| LedgerError::Closed)?;
        Ok(answered.await.map_err(|_| LedgerError::Closed)??)
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

fn prepare(connection: &mut Connection) -> Result<(), LedgerError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != 0 && version != SCHEMA_VERSION {
        return Err(LedgerError::OtherVersion(version));
    }
    if version == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_what_it_confirmed_and_nothing_of_a_failed_transaction() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.sqlite");
        let rules = |t: &Transaction<'_>| t.query_row("SELECT COUNT(*) FROM rules", [], |row| row.get::<_, i64>(0));
        let put = "INSERT INTO rules (name, pattern, retry, created_at) VALUES (?1, '{}', '{}', 0)";
        {
            let ledger = Ledger::open(&path).unwrap();
            ledger.write(move |t| t.execute(put, ["kept"])).await.unwrap();
            let failed = ledger.write(move |t| t.execute(put, ["lost"]).and_then(|_| t.execute(put, ["kept"]))).await;
            assert!(matches!(failed, Err(LedgerError::Sqlite(_))));
        }
        assert_eq!(Ledger::open(&path).unwrap().read(rules).await.unwrap(), 1);
    }

    #[test]
    fn refuses_the_file_of_another_version() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.sqlite");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Ledger::open(&path), Err(LedgerError::OtherVersion(99))));
    }
}
