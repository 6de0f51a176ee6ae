//! `bookings read`: a booking's events, page after page, or one event.

use booking_store::BookingCode;
use clap::Args;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::backoff::{Patience, patiently};
use crate::client::{Answer, Failure, Server, Transient};
use crate::error::Error;
use crate::exit::{EXIT_CODES, Exit};
use crate::wire::{Consistency, EventStatus, Page, ReadQuery, StoredEvent};
use crate::{spans, table};

/// Arguments of `bookings read`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct ReadArgs {
    /// Booking code
    pub code: BookingCode,
    /// First version to read
    #[arg(long, value_name = "N", conflicts_with = "event_id")]
    pub from_version: Option<u64>,
    /// Read one page of at most N events; without it all pages are read
    #[arg(long, value_name = "N", conflicts_with = "event_id")]
    pub limit: Option<u32>,
    /// The version you know the booking has: proof enough of completeness when a store does not answer
    #[arg(long, value_name = "N", conflicts_with = "event_id")]
    pub min_version: Option<u64>,
    /// strong = everything accepted or an error, eventual = what is known
    #[arg(long, conflicts_with = "event_id")]
    pub consistency: Option<Consistency>,
    /// Only this event, also one that lost its booking code
    #[arg(long, value_name = "UUID")]
    pub event_id: Option<Uuid>,
    /// How often to ask again when the server cannot be reached or cannot know
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,
}

/// Reads and prints. With `--json` every page is printed as the server sent it, one document a page.
pub async fn run(args: &ReadArgs, server: &Server, json: bool) -> Result<Exit, Error> {
    match args.event_id {
        Some(event_id) => one_event(args, event_id, server, json).await,
        None => all_pages(args, server, json).await,
    }
}

async fn one_event(args: &ReadArgs, event_id: Uuid, server: &Server, json: bool) -> Result<Exit, Error> {
    let answer = asked(args.retries, || server.event(&args.code, event_id)).await?;
    if json {
        println!("{}", String::from_utf8_lossy(&answer.body));
        return Ok(Exit::Done);
    }
    let event: StoredEvent = answer.read().map_err(|failure| Error::from_failure(failure, 1))?;
    let optional = |text: &Option<String>| text.as_deref().unwrap_or("-").to_owned();
    let raw =
        |text: &Option<Box<RawValue>>| text.as_ref().map_or("-".to_owned(), |raw| table::cell(raw.get(), usize::MAX));
    let rows = [
        ("booking code", args.code.to_string()),
        ("event", event.event_id.to_string()),
        ("status", status_word(event.status).to_owned()),
        ("version", event.version.map_or("-".to_owned(), |version| version.to_string())),
        ("type", table::cell(&event.event_type, 128)),
        ("occurred at", optional(&event.occurred_at)),
        ("accepted at", optional(&event.accepted_at)),
        ("data", table::cell(event.data.get(), usize::MAX)),
        ("metadata", raw(&event.metadata)),
    ];
    print!("{}", table::layout(&rows.map(|(name, value)| vec![name.to_owned(), value])));
    Ok(Exit::Done)
}

async fn all_pages(args: &ReadArgs, server: &Server, json: bool) -> Result<Exit, Error> {
    let mut query = ReadQuery {
        from_version: args.from_version,
        limit: args.limit,
        min_version: args.min_version,
        consistency: args.consistency,
    };
    loop {
        let answer = asked(args.retries, || server.read(&args.code, &query)).await?;
        let page: Page = answer.read().map_err(|failure| Error::from_failure(failure, 1))?;
        if json {
            println!("{}", String::from_utf8_lossy(&answer.body));
        } else {
            print!("{}", table::layout(&page.events.iter().map(row).collect::<Vec<_>>()));
        }
        match page.next_from_version {
            // Without this check a server that answers the same page for ever would be read for ever.
            Some(next) if args.limit.is_none() && query.from_version.unwrap_or(0) < next => {
                query.from_version = Some(next);
            }
            more => {
                if !json {
                    print!("{}", closing(&page, more));
                }
                return Ok(Exit::Done);
            }
        }
    }
}

/// Sends a question with a few retries, told on standard error.
pub async fn asked<F, Fut>(retries: u32, send: F) -> Result<Answer, Error>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<Answer, Failure>>,
{
    let notice = |transient: &Transient, pause: std::time::Duration| {
        eprintln!("{}; asking again in {}", transient.reason, spans::show(pause));
    };
    let patient = patiently(Patience::Retries(retries), &notice, send).await;
    patient.outcome.map_err(|failure| Error::from_failure(failure, patient.retries.saturating_add(1)))
}

fn row(event: &StoredEvent) -> Vec<String> {
    vec![
        event.version.map_or("-".to_owned(), |version| version.to_string()),
        status_word(event.status).to_owned(),
        table::cell(&event.event_type, 40),
        table::cell(event.occurred_at.as_deref().unwrap_or("-"), 30),
        event.event_id.to_string(),
        table::cell(event.data.get(), 100),
    ]
}

fn closing(page: &Page, more: Option<u64>) -> String {
    let mut out = format!("{}", page.booking_code);
    if let Some(version) = page.version {
        out.push_str(&format!(": version {version}"));
    }
    if !page.complete {
        out.push_str(", INCOMPLETE: a store did not answer, there may be more");
    }
    if let Some(next) = more {
        out.push_str(&format!(", goes on with --from-version {next}"));
    }
    out.push('\n');
    for conflict in &page.conflicts {
        out.push_str(&format!("conflict: {}\n", table::cell(conflict.get(), 300)));
    }
    out
}

fn status_word(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Recorded => "recorded",
        EventStatus::Pending => "pending",
        EventStatus::Deferred => "deferred",
        EventStatus::Conflict => "conflict",
    }
}
