//! Exit codes: the one list of them, and the text `--help` shows.

use std::process::ExitCode;

/// How a command ended, as its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All that was asked is done. Rejected rows of an import are in the rejects file.
    Done = 0,
    /// The server refused the request, or something on this side failed.
    Failed = 1,
    /// The arguments or the input make no sense.
    Usage = 2,
    /// No such booking or event.
    NotFound = 3,
    /// The booking code belongs to another, or the version is not the expected one.
    Conflict = 4,
    /// The server could not be reached or could not know; the same command may succeed later.
    Unavailable = 5,
    /// An import or a replay ended with bookings that failed.
    Incomplete = 6,
    /// Verification found something that differs from the file.
    Mismatch = 7,
    /// Interrupted; the same command resumes an import.
    Interrupted = 130,
}

/// The exit codes as `--help` shows them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done (rows that an import rejected are in its rejects file)
  1    refused by the server, or failed on this side
  2    arguments or input make no sense
  3    no such booking or event
  4    booking code taken, or not the expected version
  5    the server cannot be reached or cannot know; try the same command again
  6    ended with bookings that failed; the same import resumes, a replay of those codes repeats
  7    verification found a difference
  130  interrupted; the same command resumes an import";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
