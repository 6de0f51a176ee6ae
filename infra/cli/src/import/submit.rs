//! One booking against the server: claim a code with the first event, then append the others in order.
//!
//! Invariant: every event is sent with an id and an expected version that follow from the row and the claim alone, so
//! a repetition by this run or a later one meets its own events and nothing is written twice.

use std::sync::atomic::Ordering;
use std::time::Duration;

use booking_store::BookingCode;

use crate::backoff::{Patience, Patient, patiently};
use crate::client::{Failure, Server, Transient};
use crate::error::Error;
use crate::import::booking::{Booking, Rejection};
use crate::import::confirm;
use crate::import::counters::{Counters, count};
use crate::import::journal::Entry;
use crate::problem::Problem;
use crate::wire::{AppendRequest, Appended, EventStatus};

/// What all bookings in flight share.
pub struct Context {
    /// The server.
    pub server: Server,
    /// Length of derived codes.
    pub code_length: usize,
    /// How many codes a booking claims.
    pub max_claims: u16,
    /// How long one request is sent again.
    pub give_up_after: Duration,
    /// How long a deferred code may stay unconfirmed.
    pub confirm_timeout: Duration,
    /// What is counted.
    pub counters: Counters,
}

impl Context {
    /// Sends with back-off, counted.
    pub async fn patiently<T, F, Fut>(&self, send: F) -> Result<T, Failure>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        // The gauge goes down when the wait is over: at the next try, which the wrapped send begins.
        let waits = std::sync::atomic::AtomicBool::new(false);
        let resume = || {
            if waits.swap(false, Ordering::Relaxed) {
                self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
            }
        };
        let notice = |transient: &Transient, _pause: Duration| {
            self.counters.trouble(&transient.reason);
            count(&self.counters.retries);
            count(&self.counters.waiting);
            waits.store(true, Ordering::Relaxed);
        };
        let patience = Patience::For(self.give_up_after);
        let Patient { outcome, .. } = patiently(patience, &notice, || {
            resume();
            send()
        })
        .await;
        outcome
    }
}

/// What became of a booking.
#[derive(Debug)]
pub enum Ending {
    /// All its events are in the store.
    Imported(Entry),
    /// It can never be imported as it is.
    Rejected(Rejection),
    /// Not now; a later run goes on with it.
    Failed {
        /// Where its row begins.
        line: u64,
        /// Why.
        reason: String,
    },
    /// No booking can be imported: wrong address, no permission.
    Hopeless(Error),
}

/// Why a booking goes no further.
#[derive(Debug)]
pub enum Stop {
    /// It can never be imported as it is.
    Rejected(String),
    /// Not now.
    Failed(String),
    /// Nothing can be imported.
    Hopeless(Error),
}

/// What the server decided on an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the booking.
    Ours(EventStatus),
    /// The booking code belongs to another.
    Taken,
}

/// Imports one booking.
pub async fn submit(context: &Context, booking: &Booking) -> Ending {
    let line = booking.line;
    match claim_and_fill(context, booking).await {
        Ok(entry) => Ending::Imported(entry),
        Err(Stop::Rejected(reason)) => Ending::Rejected(Rejection::row(line, reason)),
        Err(Stop::Failed(reason)) => Ending::Failed { line, reason },
        Err(Stop::Hopeless(error)) => Ending::Hopeless(error),
    }
}

async fn claim_and_fill(context: &Context, booking: &Booking) -> Result<Entry, Stop> {
    let claims = if booking.code.is_some() { 1 } else { context.max_claims };
    for claim in 0..claims {
        let code = booking.code(claim, context.code_length);
        match append(context, booking, 0, &code).await? {
            Verdict::Taken => count(&context.counters.collisions),
            Verdict::Ours(status) => {
                let pending = fill(context, booking, &code).await? + u64::from(status == EventStatus::Pending);
                return Ok(Entry::Imported {
                    line: booking.line,
                    booking_code: code,
                    claim,
                    events: booking.events.len(),
                    pending,
                    collisions: u64::from(claim),
                });
            }
        }
    }
    Err(Stop::Rejected(match &booking.code {
        Some(code) => format!("booking code {code} belongs to another booking"),
        None => format!("no free booking code in {claims} claims; a longer --code-length has more"),
    }))
}

/// Appends all events after the first; says how many were answered `pending`.
async fn fill(context: &Context, booking: &Booking, code: &BookingCode) -> Result<u64, Stop> {
    let mut pending = 0;
    for index in 1..booking.events.len() {
        match append(context, booking, index, code).await? {
            Verdict::Ours(status) => pending += u64::from(status == EventStatus::Pending),
            Verdict::Taken => {
                return Err(Stop::Failed(format!("{code} was ours, and event {} was told it is not", index + 1)));
            }
        }
    }
    Ok(pending)
}

async fn append(context: &Context, booking: &Booking, index: usize, code: &BookingCode) -> Result<Verdict, Stop> {
    let version = u64::try_from(index).unwrap_or(u64::MAX);
    let Some(event) = booking.to_wire(index, code) else {
        return Err(Stop::Failed(format!("has no event {}", index + 1)));
    };
    let event_id = event.event_id;
    let request = AppendRequest { expected_version: Some(version), events: &[event] };
    let answer = match context.patiently(|| context.server.append(code, &request)).await {
        Ok(answer) => answer,
        Err(failure) => return refused(failure, index, code),
    };
    let appended: Appended = answer.read().map_err(|failure| Stop::Hopeless(Error::from_failure(failure, 1)))?;
    let verdict = match appended.status {
        EventStatus::Recorded => Verdict::Ours(EventStatus::Recorded),
        EventStatus::Pending => {
            count(&context.counters.pending);
            Verdict::Ours(EventStatus::Pending)
        }
        EventStatus::Deferred => {
            count(&context.counters.deferred);
            confirm::confirm(context, code, event_id).await?
        }
        EventStatus::Conflict => Verdict::Taken,
    };
    if let (Verdict::Ours(_), Some(found)) = (verdict, appended.version)
        && found != version + 1
    {
        return Err(Stop::Failed(format!("event {} of {code} is at version {found}", index + 1)));
    }
    if matches!(verdict, Verdict::Ours(_)) {
        count(&context.counters.events);
    }
    Ok(verdict)
}

/// What a failure means for the booking.
fn refused(failure: Failure, index: usize, code: &BookingCode) -> Result<Verdict, Stop> {
    let at = |what: String| format!("event {} of {code}: {what}", index + 1);
    let problem = match failure {
        Failure::Transient(transient) => return Err(Stop::Failed(at(format!("gave up: {}", transient.reason)))),
        Failure::Unexpected(what) => return Err(Stop::Hopeless(Error::Unexpected(what))),
        Failure::Refused(problem) => problem,
    };
    if index == 0 && problem.http_status == 409 && problem.is("booking-code-taken") {
        return Ok(Verdict::Taken);
    }
    Err(stop(problem, at))
}

fn stop(problem: Box<Problem>, at: impl Fn(String) -> String) -> Stop {
    match problem.http_status {
        401 | 403 => Stop::Hopeless(Error::Refused(problem)),
        // Not this contract's: the address is another service's.
        _ if problem.code.is_none() => Stop::Hopeless(Error::Refused(problem)),
        404 if !problem.is("booking-not-found") => Stop::Hopeless(Error::Refused(problem)),
        400 | 413 | 415 | 422 => Stop::Rejected(at(Error::Refused(problem).one_line())),
        _ => Stop::Failed(at(Error::Refused(problem).one_line())),
    }
}
