//! `bookings tail`: the feed of all bookings, page after page, and what comes after it.
//!
//! The position is written to the checkpoint file after the page was printed, never before: an interruption prints a
//! page again rather than leave it out. A single partition's position, a bare number, is kept with the partition.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::{Answer, Failure, Server};
use crate::error::Error;
use crate::exit::{EXIT_CODES, Exit};
use crate::read::asked;
use crate::wire::{FeedHeads, FeedPage, FeedQuery};
use crate::{spans, table};

/// Arguments of `bookings tail`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct TailArgs {
    /// Go on after this position, as an earlier answer gave it in `next`; without it from the beginning
    #[arg(long, value_name = "POSITION")]
    pub after: Option<String>,
    /// Keep the position in FILE: go on after the one it holds, and write it after each page
    #[arg(long, value_name = "FILE", conflicts_with = "after")]
    pub checkpoint: Option<PathBuf>,
    /// Only what comes from now on; with --checkpoint, unless the file holds a position
    #[arg(long, conflicts_with = "after")]
    pub from_now: bool,
    /// Only this partition of the feed; several readers share the work that way
    #[arg(long, value_name = "N")]
    pub partition: Option<u16>,
    /// The most events of one request
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u32,
    /// Wait for what comes after the end
    #[arg(short, long)]
    pub follow: bool,
    /// How long to wait at the end before asking again
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = spans::parse)]
    pub poll: Duration,
    /// How often to ask again when the server cannot be reached or cannot know; with --follow there is no end to it
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,
}

/// What is shown of an event.
#[derive(Debug, Deserialize)]
struct Fed<'a> {
    partition: u16,
    position: u64,
    booking_code: String,
    version: u64,
    #[serde(rename = "type")]
    event_type: String,
    accepted_at: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Reads and prints; with `--json` one event a line, byte for byte as the server sent it.
pub async fn run(args: &TailArgs, server: &Server, json: bool) -> Result<Exit, Error> {
    let mut after = match &args.checkpoint {
        Some(file) => kept(file, args.partition)?,
        None => args.after.clone(),
    };
    if after.is_none() && args.from_now {
        let head = head(args, server).await?;
        // At once, or what comes before the next run would be left out with the past.
        args.checkpoint.iter().try_for_each(|file| keep(file, args.partition, &head))?;
        after = Some(head);
    }
    let mut query = FeedQuery { after, partition: args.partition, limit: args.limit };
    loop {
        let page = patient(args, || server.feed(&query)).await?;
        let page: FeedPage = page.read().map_err(|failure| Error::from_failure(failure, 1))?;
        match print(&page, json) {
            // Whoever read this has enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Exit::Done),
            printed => printed?,
        }
        if let Some(file) = args.checkpoint.as_ref().filter(|_| !page.events.is_empty()) {
            keep(file, args.partition, &page.next)?;
        }
        let waits = page.end || page.events.is_empty();
        query.after = Some(page.next);
        if waits && !args.follow {
            if let Some(next) = query.after.filter(|_| args.checkpoint.is_none()) {
                eprintln!("position: {next}");
            }
            return Ok(Exit::Done);
        }
        if waits {
            tokio::time::sleep(args.poll).await;
        }
    }
}

/// Where the feed ends now.
async fn head(args: &TailArgs, server: &Server) -> Result<String, Error> {
    let answer = patient(args, || server.feed_partitions()).await?;
    let heads: FeedHeads = answer.read().map_err(|failure| Error::from_failure(failure, 1))?;
    let Some(partition) = args.partition else { return Ok(heads.next) };
    match heads.positions.get(usize::from(partition)) {
        Some(position) => Ok(position.to_string()),
        None => Err(Error::Usage(format!("--partition: the feed has {} partitions, from 0 on", heads.positions.len()))),
    }
}

/// Asks until there is an answer, with --follow without end.
async fn patient<F, Fut>(args: &TailArgs, send: F) -> Result<Answer, Error>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<Answer, Failure>>,
{
    asked(if args.follow { u32::MAX } else { args.retries }, send).await
}

fn print(page: &FeedPage, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        for event in &page.events {
            writeln!(out, "{}", event.get())?;
        }
    } else {
        let rows: Result<Vec<_>, _> =
            page.events.iter().map(|event| serde_json::from_str(event.get()).map(row)).collect();
        out.write_all(table::layout(&rows.map_err(io::Error::other)?).as_bytes())?;
    }
    out.flush()
}

fn row(event: Fed<'_>) -> Vec<String> {
    vec![
        format!("{}:{}", event.partition, event.position),
        table::cell(&event.booking_code, 64),
        event.version.to_string(),
        table::cell(&event.event_type, 40),
        table::cell(&event.accepted_at, 30),
        table::cell(event.data.get(), 100),
    ]
}

/// The position in `file`; none if there is no such file yet.
fn kept(file: &Path, partition: Option<u16>) -> Result<Option<String>, Error> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", file, error)),
    };
    let Some(text) = Some(text.trim()).filter(|text| !text.is_empty()) else { return Ok(None) };
    let (of, position) = match text.split_once(':') {
        Some((of, position)) => (Some(of.to_owned()), position),
        None => (None, text),
    };
    if of != partition.map(|partition| partition.to_string()) {
        let of = of.map_or_else(|| "the whole feed".to_owned(), |of| format!("partition {of}"));
        return Err(Error::Usage(format!("--checkpoint {} holds a position of {of}", file.display())));
    }
    Ok(Some(position.to_owned()))
}

/// Replaces the position in `file`, whole or not at all.
fn keep(file: &Path, partition: Option<u16>, position: &str) -> Result<(), Error> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let of = partition.map_or_else(String::new, |partition| format!("{partition}:"));
    std::fs::write(&new, format!("{of}{position}\n")).map_err(|error| Error::file("write", &new, error))?;
    std::fs::rename(&new, file).map_err(|error| Error::file("replace", file, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkpoint_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("position");
        assert_eq!(kept(&file, None).unwrap(), None);
        keep(&file, None, "v1-0-7").unwrap();
        keep(&file, None, "v1-3-7").unwrap();
        assert_eq!(kept(&file, None).unwrap().as_deref(), Some("v1-3-7"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(kept(folder.path(), None).is_err());
    }

    /// Partition 5 at partition 3's position would leave events out without a word.
    #[test]
    fn a_position_is_of_its_partition() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("position");
        keep(&file, Some(3), "1000").unwrap();
        assert_eq!(kept(&file, Some(3)).unwrap().as_deref(), Some("1000"));
        assert!(kept(&file, Some(5)).unwrap_err().to_string().ends_with("of partition 3"));
        assert!(kept(&file, None).is_err());
        keep(&file, None, "v1-3-7").unwrap();
        assert!(kept(&file, Some(3)).unwrap_err().to_string().ends_with("of the whole feed"));
    }
}
