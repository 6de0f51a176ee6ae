//! What can go wrong in a command. A message never repeats its cause; [`report`] walks the chain.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};

use projection::http::Unauthorized;

use crate::client::Failure;
use crate::exit::Exit;
use crate::problem::Problem;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments or the input make no sense; nothing was sent.
    #[error("{0}")]
    Usage(String),
    /// There are no credentials to sign with; nothing was sent.
    #[error("--sign")]
    Unsigned(#[source] Unauthorized),
    /// A file could not be opened, read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Standard input or output failed.
    #[error("cannot use standard input or output")]
    Stream(#[from] io::Error),
    /// The server refused, with its own words.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// Tried as often as allowed.
    #[error("gave up after {tries} tries: {reason}")]
    Unavailable {
        /// How many requests were sent.
        tries: u32,
        /// What the last one met.
        reason: String,
    },
    /// An answer outside the contract.
    #[error("{0}")]
    Unexpected(String),
    /// The journal cannot be used for this import.
    #[error("{0}")]
    Journal(String),
}

impl Error {
    /// A file error, with what was tried.
    pub fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Error::File { action, path: path.to_owned(), source }
    }

    /// What a request ended with, after `tries` requests.
    pub fn from_failure(failure: Failure, tries: u32) -> Self {
        match failure {
            Failure::Transient(transient) => Error::Unavailable { tries, reason: transient.reason },
            Failure::Refused(problem) => Error::Refused(problem),
            Failure::Unexpected(what) => Error::Unexpected(what),
        }
    }

    /// The exit code this error ends the process with.
    pub fn exit(&self) -> Exit {
        match self {
            Error::Usage(_) | Error::Journal(_) | Error::Unsigned(_) => Exit::Usage,
            Error::Refused(problem) => problem.exit(),
            Error::Unavailable { .. } => Exit::Unavailable,
            Error::File { .. } | Error::Stream(_) | Error::Unexpected(_) => Exit::Failed,
        }
    }
}

/// The message of an error with those of its causes.
pub fn report(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
