//! Reading everything back: each booking of the journal must hold exactly the row's events, in order.
//!
//! Compared are event ids, types, moments, `data` byte for byte, and `metadata`. An event more than the row has is a
//! difference too: it would be a duplicate. What it does not do: it never trusts the journal for content, only for
//! which claim won; the events are derived from the file again.

use std::sync::Arc;
use std::time::Instant;

use booking_store::BookingCode;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::client::Failure;
use crate::error::Error;
use crate::import::booking::{Booking, Row};
use crate::import::counters::Verification;
use crate::import::journal::Done;
use crate::import::pump::{Task, Work, pump};
use crate::import::run::seconds;
use crate::import::source::Source;
use crate::import::submit::Context;
use crate::progress::Progress;
use crate::timestamp;
use crate::wire::{Consistency, EventStatus, Page, ReadQuery, StoredEvent};

/// Differences beyond so many are only counted.
const SHOWN: usize = 20;

/// Reads back every booking that is done.
pub async fn verify(
    context: Arc<Context>,
    source: &Source,
    concurrency: usize,
    done: Done,
    interrupt: watch::Receiver<bool>,
) -> Result<Verification, Error> {
    let rows = source.stream(Arc::new(Done::default()), concurrency * 2)?;
    let progress = Progress::new("verifying", done.imported(), 0);
    let expected = done.imported();
    let started = Instant::now();
    let mut verifying = Verifying { context, done, found: Verification::default(), progress };
    let ended = pump(rows, concurrency, interrupt, &mut verifying).await;
    verifying.progress.finish();
    let mut found = verifying.found;
    found.interrupted = ended?;
    found.elapsed_seconds = seconds(started.elapsed());
    if found.bookings < expected && !found.interrupted {
        return Err(Error::Journal(format!(
            "the file has only {} of the journal's {expected} bookings",
            found.bookings
        )));
    }
    Ok(found)
}

/// What reading one booking back found.
#[derive(Debug, Default)]
struct Compared {
    line: u64,
    code: String,
    events: u64,
    pending: u64,
    difference: Option<String>,
}

struct Verifying {
    context: Arc<Context>,
    done: Done,
    found: Verification,
    progress: Progress,
}

impl Work for Verifying {
    type Outcome = Result<Compared, Error>;

    fn start(&mut self, row: Row) -> Result<Option<Task<Self::Outcome>>, Error> {
        let Row::Booking(booking) = row else { return Ok(None) };
        let Some(claim) = self.done.claim(booking.line) else { return Ok(None) };
        let context = Arc::clone(&self.context);
        let code = booking.code(claim, context.code_length);
        Ok(Some(Box::pin(async move { compare(&context, &booking, &code).await })))
    }

    fn finish(&mut self, outcome: Self::Outcome) -> Result<(), Error> {
        let compared = outcome?;
        self.found.bookings += 1;
        self.found.events += compared.events;
        self.found.pending += compared.pending;
        if let Some(difference) = compared.difference {
            self.found.mismatched += 1;
            if self.found.mismatches.len() < SHOWN {
                let line = format!("line {}, booking {}: {difference}", compared.line, compared.code);
                self.progress.say(&line);
                self.found.mismatches.push(line);
            }
        }
        self.progress.advance();
        Ok(())
    }

    fn tick(&mut self) {
        let found = &self.found;
        self.progress.tick(&if found.mismatched > 0 { format!("{} differ", found.mismatched) } else { String::new() });
    }
}

/// Reads all pages of a booking and compares event by event.
async fn compare(context: &Context, booking: &Booking, code: &BookingCode) -> Result<Compared, Error> {
    let mut compared = Compared { line: booking.line, code: code.to_string(), ..Compared::default() };
    let mut next = 0;
    let mut query = ReadQuery { from_version: Some(1), consistency: Some(Consistency::Strong), ..ReadQuery::default() };
    loop {
        let answer = match context.patiently(|| context.server.read(code, &query)).await {
            Ok(answer) => answer,
            Err(Failure::Refused(problem)) if problem.is("booking-not-found") => {
                compared.difference = Some("is not there".to_owned());
                return Ok(compared);
            }
            Err(failure) => return Err(Error::from_failure(failure, 1)),
        };
        let page: Page = answer.read().map_err(|failure| Error::from_failure(failure, 1))?;
        for event in &page.events {
            if let Err(difference) = same(booking, next, code, event) {
                compared.difference = Some(format!("event {}: {difference}", next + 1));
                return Ok(compared);
            }
            next += 1;
            compared.events += 1;
            compared.pending += u64::from(event.status != EventStatus::Recorded);
        }
        match page.next_from_version {
            Some(from) if query.from_version < Some(from) => query.from_version = Some(from),
            _ => break,
        }
    }
    if next < booking.events.len() {
        compared.difference = Some(format!("has {next} of {} events", booking.events.len()));
    }
    Ok(compared)
}

fn same(booking: &Booking, index: usize, code: &BookingCode, found: &StoredEvent) -> Result<(), String> {
    let Some(expected) = booking.to_wire(index, code) else {
        return Err(format!("is not in the file: {} {}", found.event_type, found.event_id));
    };
    if found.event_id != expected.event_id {
        return Err(format!("has the id {} and not {}", found.event_id, expected.event_id));
    }
    if found.version != u64::try_from(index + 1).ok() {
        return Err(format!("is at version {:?}", found.version));
    }
    if found.event_type != expected.event_type.as_str() {
        return Err(format!("is a {} and not a {}", found.event_type, expected.event_type.as_str()));
    }
    if found.data.get() != expected.data.get() {
        return Err(format!("has the data {} and not {}", found.data.get(), expected.data.get()));
    }
    // The contract writes moments in UTC with milliseconds, however the file writes them.
    let moment = |text: &str| timestamp::parse(text).ok().and_then(timestamp::show);
    if let Some(at) = expected.occurred_at
        && moment(at) != found.occurred_at.as_deref().and_then(moment)
    {
        return Err(format!("occurred at {:?} and not {at}", found.occurred_at));
    }
    if let Some(metadata) = expected.metadata
        && !found.metadata.as_ref().is_some_and(|found| same_json(found, metadata))
    {
        return Err(format!("has other metadata than {}", metadata.get()));
    }
    Ok(())
}

/// The contract keeps `data` byte for byte; of `metadata` only the meaning is compared.
fn same_json(left: &RawValue, right: &RawValue) -> bool {
    let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
    left.get() == right.get() || value(left).is_some_and(|left| Some(left) == value(right))
}
