//! A worker's turn at a replay: from the saved place on, checkpoint after checkpoint, until its time ends.
//!
//! The order of things is what makes a crash harmless: send, save, order the next turn, delete the message. Each save is
//! conditional on the revision this worker knows; if another worker or a cancellation was there first, it stops.

use super::pacer::later;
use super::ports::Saved;
use super::slice::slice;
use super::{Pacer, Ports, Replay, Rest, Status, Turn, Waiting, Window};
use crate::Timestamp;
use crate::failure::{FailureKind, StoreFailure};
use crate::limits::{REPLAY_CHECKPOINT, REPLAY_PATIENCE};

/// How a turn ended.
#[derive(Debug)]
pub enum Ran {
    /// The replay has ended, now or before. Delete the message.
    Ended(Status),
    /// The next turn is ordered. Delete the message.
    HandedOn,
    /// The message's turn was over before; the present one is ordered again. Delete the message.
    Superseded,
    /// There is no such replay. Delete the message.
    NoSuchReplay,
    /// Another worker has saved it. Leave the message: if that worker dies, its turn is not lost.
    Overtaken,
    /// A store fails. Leave the message; it must come back later.
    Waits(StoreFailure),
}

/// What a turn did.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub ran: Ran,
    /// Events sent and saved as sent.
    pub events_sent: u64,
    /// Bookings given up.
    pub errors: u64,
}

/// How far a slice has come although it failed.
struct GoneOn {
    /// There was some progress since the turn began.
    in_this_turn: bool,
    /// The bus took some events and throttled others; the next ones come more slowly.
    slower: bool,
}

/// What to do once a checkpoint is saved.
enum Then {
    GoOn,
    End,
    HandOn,
    Wait(StoreFailure),
}

/// Works on the replay of `turn` until `deadline`. Idempotent, at least once.
pub async fn work(ports: &Ports, turn: &Turn, deadline: Timestamp) -> Report {
    let mut report = Report { ran: Ran::NoSuchReplay, events_sent: 0, errors: 0 };
    report.ran = take_turn(ports, turn, deadline, &mut report).await.unwrap_or_else(Ran::Waits);
    report
}

async fn take_turn(ports: &Ports, turn: &Turn, deadline: Timestamp, report: &mut Report) -> Result<Ran, StoreFailure> {
    let Some(mut replay) = ports.replays.get(turn.replay_id).await? else { return Ok(Ran::NoSuchReplay) };
    if replay.status != Status::Running {
        return Ok(Ran::Ended(replay.status));
    }
    if replay.turn > turn.turn {
        ports.turns.send(&replay.turn()).await?;
        return Ok(Ran::Superseded);
    }
    replay.written_by = ports.ids.event_id();
    let pacer = Pacer::new(replay.order.rate_per_s);
    let first = reached(&replay);
    loop {
        let begun = ports.clock.now();
        let mut next = replay.clone();
        let failure = slice(ports, &mut next, &pacer, deadline.min(later(begun, REPLAY_CHECKPOINT))).await;
        next.updated_at = ports.clock.now();
        next.progress.window = window(&replay, &next, begun);
        if reached(&next) != reached(&replay) {
            next.waiting = None;
        }
        let throttled = failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Throttled);
        let slower = throttled && next.progress.window.events > 0;
        if slower {
            pacer.slow_down();
        }
        let gone_on = GoneOn { in_this_turn: reached(&next) != first, slower };
        let then = decide(&mut next, failure, gone_on, deadline);
        if let Saved::Moved(other) = ports.replays.save(&next).await? {
            return Ok(overtaken(ports, next, other.map(|other| *other)).await);
        }
        report.events_sent += next.progress.events_sent - replay.progress.events_sent;
        report.errors += next.progress.errors - replay.progress.errors;
        next.revision += 1;
        match then {
            Then::GoOn => replay = next,
            Then::End => return Ok(Ran::Ended(next.status)),
            Then::Wait(failure) => return Ok(Ran::Waits(failure)),
            Then::HandOn => {
                ports.turns.send(&next.turn()).await?;
                return Ok(Ran::HandedOn);
            }
        }
    }
}

/// What is compared to tell progress from another vain try.
fn reached(replay: &Replay) -> (u64, u64, u64, Rest) {
    let versions = replay.place.open.iter().map(|open| open.next.get()).fold(0, u64::saturating_add);
    (replay.progress.bookings_done, replay.progress.events_sent, versions, replay.place.rest.clone())
}

fn window(before: &Replay, after: &Replay, begun: Timestamp) -> Window {
    Window {
        events: after.progress.events_sent - before.progress.events_sent,
        milliseconds: u64::try_from(after.updated_at.unix_milliseconds() - begun.unix_milliseconds()).unwrap_or(0),
    }
}

/// What the checkpoint says besides the figures, and what follows it.
fn decide(next: &mut Replay, failure: Option<StoreFailure>, gone_on: GoneOn, deadline: Timestamp) -> Then {
    let now = next.updated_at;
    if next.place.is_empty() {
        next.progress.bookings_total = Some(next.progress.bookings_done);
        next.end(Status::Done, now);
        return Then::End;
    }
    let Some(failure) = failure else {
        next.waiting = None;
        if now < deadline {
            return Then::GoOn;
        }
        next.turn += 1;
        return Then::HandOn;
    };
    let since = next.waiting.as_ref().map_or(now, |waiting| waiting.since);
    let patience_ends = later(since, REPLAY_PATIENCE);
    if failure.kind == FailureKind::Corrupt || now >= patience_ends {
        next.failure = Some(failure.to_string());
        next.end(Status::Failed, now);
        return Then::End;
    }
    next.waiting = Some(Waiting { since, reason: failure.to_string() });
    if gone_on.slower && now < deadline {
        // A turn of its own would begin at the full rate again, and take what publishing needs.
        return Then::GoOn;
    }
    if gone_on.in_this_turn {
        // A message of its own, so that the back-off begins anew.
        next.turn += 1;
        return Then::HandOn;
    }
    Then::Wait(failure)
}

/// Somebody else has saved the replay since this worker read it. After a cancellation the figures of what this worker
/// has sent are still added, if nothing else has happened.
async fn overtaken(ports: &Ports, mine: Replay, other: Option<Replay>) -> Ran {
    let Some(other) = other else { return Ran::NoSuchReplay };
    match other.status {
        Status::Running => Ran::Overtaken,
        Status::Done | Status::Failed => Ran::Ended(other.status),
        Status::Cancelled => {
            if other.revision == mine.revision + 1 {
                let counted = Replay { progress: mine.progress, written_by: mine.written_by, ..other };
                if let Err(failure) = ports.replays.save(&counted).await {
                    tracing::warn!(error = failure.chain(), "the last figures of a cancelled replay are not saved");
                }
            }
            Ran::Ended(Status::Cancelled)
        }
    }
}
