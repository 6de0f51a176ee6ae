//! Arguments of `bookings import`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::exit::EXIT_CODES;
use crate::import::source::Format;
use crate::spans;

const LONG_HELP: &str = "\
CSV is the hotel file (Antonio, de Almeida and Nunes, 2019): a row becomes BookingPriced on the day of booking,
BookingAmended once for each of its booking_changes, and BookingCheckedOut, BookingCancelled or BookingNoShow. Prices are
exact decimals in EUR. The data set has no price history: amendments repeat the final total. It has no times of day:
events happen at midnight UTC.

NDJSON is one booking a line:
  {\"booking_code\"?: \"…\", \"events\": [{\"type\", \"data\", \"occurred_at\"?, \"metadata\"?, \"event_id\"?}]}

Codes and event ids that the file does not give are derived from each row's content and line, so the import may be
interrupted and repeated at will: it goes on from its journal, and without the journal it finds its own events again.
A booking whose code belongs to another takes its next code.";

/// Arguments of `bookings import`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{LONG_HELP}\n\n{EXIT_CODES}"))]
pub struct ImportArgs {
    /// The file to import
    pub file: PathBuf,
    /// Format of the file; by its extension if absent
    #[arg(long)]
    pub format: Option<Format>,
    /// Length of the booking codes that are derived; short ones collide
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub code_length: usize,
    /// How many codes a booking claims before it is rejected
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    pub max_claims: u16,
    /// How many bookings at a time
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub concurrency: usize,
    /// Only the first N rows of the file
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// What is done, so that an interrupted import goes on; FILE.journal in the current directory if absent
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Forget the journal and begin anew
    #[arg(long, conflicts_with = "verify_only")]
    pub restart: bool,
    /// Where rejected rows go; FILE.rejects.ndjson in the current directory if absent
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// How long one request is sent again while the server cannot be reached or cannot know
    #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = spans::parse)]
    pub give_up_after: Duration,
    /// How long to wait until a deferred booking's code is confirmed or lost
    #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = spans::parse)]
    pub confirm_timeout: Duration,
    /// Afterwards read every imported booking back and compare each event
    #[arg(long)]
    pub verify: bool,
    /// Import nothing, only read back and compare what the journal says is imported
    #[arg(long)]
    pub verify_only: bool,
}

impl ImportArgs {
    /// The journal's place.
    pub fn journal(&self) -> PathBuf {
        self.journal.clone().unwrap_or_else(|| beside(&self.file, "journal"))
    }

    /// The rejects file's place.
    pub fn rejects(&self) -> PathBuf {
        self.rejects.clone().unwrap_or_else(|| beside(&self.file, "rejects.ndjson"))
    }
}

/// The file's name and another end, in the current directory: the file's own may not be ours to write.
fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(end);
    PathBuf::from(name)
}
