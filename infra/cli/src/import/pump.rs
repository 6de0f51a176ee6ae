//! Work on the rows of a file, so many at a time, with one owner of everything that is written down.
//!
//! Rows run as tasks; what they come to is handed to one [`Work`], so journal, rejects and summary need no locks.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::error::Error;
use crate::import::booking::Row;

/// A task of a row.
pub type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What is done with the rows.
pub trait Work {
    /// What a row comes to.
    type Outcome: Send + 'static;
    /// Starts a row, unless nothing is to be done for it.
    fn start(&mut self, row: Row) -> Result<Option<Task<Self::Outcome>>, Error>;
    /// Takes down what a row came to; an error ends everything.
    fn finish(&mut self, outcome: Self::Outcome) -> Result<(), Error>;
    /// Called a few times a second.
    fn tick(&mut self);
}

/// Runs all rows; true if an interruption left some of them.
pub async fn pump<W: Work>(
    mut rows: mpsc::Receiver<Result<Row, Error>>,
    concurrency: usize,
    mut interrupt: watch::Receiver<bool>,
    work: &mut W,
) -> Result<bool, Error> {
    let mut running = JoinSet::new();
    let mut more = true;
    let mut interrupted = false;
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    while more || !running.is_empty() {
        tokio::select! {
            biased;
            Ok(_) = interrupt.wait_for(|now| *now), if !interrupted => {
                interrupted = true;
                more = false;
            }
            _ = ticks.tick() => work.tick(),
            Some(joined) = running.join_next() => {
                // A task that panicked has an outcome nobody knows; its row is not written down, so it is repeated.
                work.finish(joined.map_err(|error| Error::Unexpected(format!("a task failed: {error}")))?)?;
            }
            row = rows.recv(), if more && running.len() < concurrency => match row {
                Some(row) => {
                    if let Some(task) = work.start(row?)? {
                        running.spawn(task);
                    }
                }
                None => more = false,
            },
        }
    }
    Ok(interrupted)
}
