//! A deferred claim: ask for its event until the code is ours, or another's.
//!
//! While the arbiter is out, the claim stands in the queue and nobody knows; a 404 says only that it is not drained.

use std::time::{Duration, Instant};

use booking_store::BookingCode;
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::client::Failure;
use crate::error::Error;
use crate::import::counters::count;
use crate::import::submit::{Context, Stop, Verdict};
use crate::wire::{EventState, EventStatus};

/// Waits for the verdict on a deferred event, at most `confirm_timeout`.
pub async fn confirm(context: &Context, code: &BookingCode, event_id: Uuid) -> Result<Verdict, Stop> {
    context.counters.trouble("deferred: the booking code is to be confirmed");
    count(&context.counters.waiting);
    let verdict = ask(context, code, event_id).await;
    context.counters.waiting.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    verdict
}

async fn ask(context: &Context, code: &BookingCode, event_id: Uuid) -> Result<Verdict, Stop> {
    let started = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(200));
    loop {
        let mut retry_after = None;
        let answer = context.server.event(code, event_id).await;
        match answer.and_then(|answer| answer.read::<EventState>()) {
            Ok(EventState { status: status @ (EventStatus::Recorded | EventStatus::Pending) }) => {
                return Ok(Verdict::Ours(status));
            }
            Ok(EventState { status: EventStatus::Conflict }) => return Ok(Verdict::Taken),
            Ok(EventState { status: EventStatus::Deferred }) => {}
            Err(Failure::Transient(transient)) => retry_after = transient.retry_after,
            Err(Failure::Refused(problem)) if problem.http_status == 404 && problem.code.is_some() => {}
            Err(failure) => return Err(Stop::Hopeless(Error::from_failure(failure, 1))),
        }
        let pause = backoff.pause(retry_after);
        if started.elapsed() + pause > context.confirm_timeout {
            return Err(Stop::Failed(format!("{code} is deferred and was not confirmed in time")));
        }
        tokio::time::sleep(pause).await;
    }
}
