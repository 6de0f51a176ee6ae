//! The rows of a file, read on a thread of their own a little ahead of their use: the file is never held.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::error::Error;
use crate::import::booking::Row;
use crate::import::csv::CsvRows;
use crate::import::journal::Done;
use crate::import::ndjson::NdjsonRows;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The hotel file.
    Csv,
    /// One booking with its events a line.
    Ndjson,
}

impl Format {
    /// By the file's name.
    pub fn of(path: &Path) -> Result<Self, Error> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("ndjson" | "jsonl") => Ok(Self::Ndjson),
            _ => {
                Err(Error::Usage(format!("{} says nothing of its format; give --format csv or ndjson", path.display())))
            }
        }
    }

    /// How many rows a file of so many lines has, about.
    pub fn rows(self, lines: u64) -> u64 {
        match self {
            Self::Csv => lines.saturating_sub(1),
            Self::Ndjson => lines,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        })
    }
}

/// A file and how much of it is wanted.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// Only so many of its first rows.
    pub limit: Option<u64>,
}

type Rows = Box<dyn Iterator<Item = Result<Row, Error>> + Send>;

impl Source {
    /// Starts reading; a row in `done` arrives as [`Row::Done`].
    pub fn stream(&self, done: Arc<Done>, ahead: usize) -> Result<mpsc::Receiver<Result<Row, Error>>, Error> {
        let done = move |line| done.contains(line);
        let rows: Rows = match self.format {
            Format::Csv => Box::new(CsvRows::open(&self.path, done)?),
            Format::Ndjson => Box::new(NdjsonRows::open(&self.path, done)?),
        };
        let limit = self.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let (sender, receiver) = mpsc::channel(ahead);
        tokio::task::spawn_blocking(move || {
            for row in rows.take(limit) {
                let last = row.is_err();
                if sender.blocking_send(row).is_err() || last {
                    break;
                }
            }
        });
        Ok(receiver)
    }
}
