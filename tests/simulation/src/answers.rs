//! What a client may be told: every answer against the truth between the moments it was asked and given.
//!
//! The ledger knows the order in which appends took effect, so an answer is linearizable if it is right at one moment
//! of its call. An append whose outcome was unknown may or may not have taken effect.

use booking_store::limits::MAX_PAGE_CONFLICT_BYTES;
use booking_store::protocol::append::{Append, Outcome as Appended, Status};
use booking_store::protocol::lookup::{Located, Summary};
use booking_store::protocol::read::{Outcome, Page, Query};
use booking_store::{Conflict, Event, EventId, ExpectedVersion, NewEvent, Version};

use crate::ledger::{Booking, Mark, Violation, hold};
use crate::place::Turn;
use crate::workload::event_name;

/// Checks the answer to an append, and remembers what the client was told.
///
/// # Errors
/// The answer is wrong, or breaks a promise.
pub(crate) fn appended(
    booking: &mut Booking,
    request: &Append,
    outcome: &Appended,
    turn: Turn,
    before: Mark,
) -> Result<(), Violation> {
    let code = &request.booking_code;
    match outcome {
        Appended::Accepted { events, status, .. } => accepted(booking, request, events, *status)?,
        Appended::Deferred { .. } => {
            hold!(request.expected == ExpectedVersion::New, "{turn} was deferred, but not for a new booking");
            booking.deferred.extend(request.events.iter().cloned());
        }
        Appended::BookingCodeTaken => {
            hold!(
                request.expected == ExpectedVersion::New,
                "{turn} was told that {code} is taken, but did not claim it"
            );
            hold!(booking.head() > 0, "{turn} was told that {code} is taken, and it is not");
            let first = request.events.first().and_then(|event| booking.with_id(event.event_id));
            let own = first.is_some_and(|event| event.version.get() <= before.head);
            hold!(!own, "{turn} was told that {code} is taken, by its own event");
        }
        Appended::VersionConflict { expected, actual } => {
            let real = (before.head..=booking.head()).contains(&actual.get()) && booking.heads.contains(&actual.get());
            hold!(real && expected != actual, "{turn} expected {expected} and was told {actual}, which never was");
        }
        Appended::BookingNotFound => {
            hold!(before.head == 0, "{turn} was told that there is no {code}, and there is");
        }
        Appended::EventIdReused(id) => {
            hold!(
                booking.with_id(*id).is_some(),
                "{turn} was told that it reuses {}, and it does not",
                event_name(*id)
            );
        }
        Appended::PendingLimitReached | Appended::Unavailable { .. } => {}
    }
    Ok(())
}

fn accepted(booking: &mut Booking, request: &Append, events: &[Event], status: Status) -> Result<(), Violation> {
    let code = &booking.code;
    let same = events.len() == request.events.len()
        && request.events.iter().zip(events).all(|(offered, accepted)| offered.is_same_as(accepted));
    hold!(same, "{code}: the accepted events are not those of the request");
    let first = events.first().map_or(0, |event| event.version.get());
    for (version, event) in (first..).zip(events) {
        hold!(booking.at(version) == Some(event), "{code} version {version} was acknowledged and is another event");
        hold!(status == Status::Pending || version <= booking.recorded, "{code} version {version} is not recorded");
        let conflict = booking.conflicts.iter().any(|(conflict, _)| event_matches(conflict, event));
        hold!(!conflict, "invariant 2: {} is acknowledged and a conflict", event_name(event.event_id));
    }
    match request.expected {
        ExpectedVersion::New => hold!(first == 1, "{code}: a new booking begins at version {first}"),
        ExpectedVersion::Exact(version) => {
            hold!(first == version.get() + 1, "{code}: version {version} was expected, {first} assigned");
        }
        ExpectedVersion::Any => {}
    }
    booking.confirmed.extend(events.iter().map(|event| event.event_id));
    booking.told = booking.told.max(first + events.len() as u64 - 1);
    Ok(())
}

fn event_matches(conflict: &Conflict, event: &Event) -> bool {
    NewEvent::is_same_as(&conflict.event, event)
}

/// Whether the answer promises that the request had no effect and will have none.
pub(crate) fn promises_no_effect(outcome: &Appended) -> bool {
    match outcome {
        Appended::Accepted { .. } | Appended::Deferred { .. } => false,
        Appended::Unavailable { outcome_unknown, .. } => !outcome_unknown,
        Appended::BookingCodeTaken
        | Appended::VersionConflict { .. }
        | Appended::BookingNotFound
        | Appended::EventIdReused(_)
        | Appended::PendingLimitReached => true,
    }
}

/// Checks a page.
///
/// # Errors
/// It shows what never was, or hides what was acknowledged.
pub(crate) fn read(booking: &Booking, query: &Query, outcome: &Outcome<Page>, before: Mark) -> Result<(), Violation> {
    let code = &booking.code;
    let page = match outcome {
        Outcome::Found(page) => page,
        Outcome::NotFound => {
            hold!(before.head == 0, "invariant 3: {code} is not found at version {}", before.head);
            return Ok(());
        }
        Outcome::Unknown(_) => return Ok(()),
    };
    let (version, from) = (page.version.get(), query.from.get());
    hold!(version <= booking.head(), "a page of {code} shows version {version} before it is accepted");
    shown(booking, page, query)?;
    if !page.complete {
        hold!(query.eventual, "an incomplete page of {code} was not asked for");
        return Ok(());
    }
    let weak = query.min_version.is_some();
    let proven = query.min_version.map_or(before.head, |min| min.get().min(before.head));
    hold!(version >= proven, "invariant 3: a page of {code} ends at {version}, {proven} was accepted before");
    // Without the arbiter the reader is promised its own version, and no moment at which this was all.
    hold!(weak || booking.heads.contains(&version), "{code} never was at version {version}, as a page says");
    let wanted = (version + 1).saturating_sub(from);
    let count = page.events.len() as u64;
    hold!(count == wanted.min(query.limit as u64), "a page of {code} has {count} of {wanted} events");
    let next = (count > 0 && from + count <= version).then(|| Version::new(from + count));
    hold!(page.next == next, "the next page of {code} begins at {next:?}, not at {:?}", page.next);
    let kept = page.conflicts.len();
    let bytes: u64 = booking.conflicts.iter().map(|(conflict, _)| conflict.event.pending_bytes()).sum();
    let fits = bytes <= MAX_PAGE_CONFLICT_BYTES as u64;
    hold!(weak || !fits || kept >= before.conflicts, "a page of {code} shows {kept} of {} conflicts", before.conflicts);
    Ok(())
}

/// Everything a page shows is true, in order.
fn shown(booking: &Booking, page: &Page, query: &Query) -> Result<(), Violation> {
    let code = &booking.code;
    let first = page.events.first().map_or(query.from, |(event, _)| event.version);
    hold!(first == query.from || !page.complete, "a page of {code} begins at {first}, not at {}", query.from);
    hold!(page.events.len() <= query.limit, "a page of {code} is longer than {}", query.limit);
    for (version, (event, status)) in (first.get()..).zip(&page.events) {
        hold!(booking.at(version) == Some(event), "a page of {code} shows another event as version {version}");
        let recorded = *status == Status::Pending || version <= booking.recorded;
        hold!(recorded, "a page of {code} shows version {version} as recorded");
    }
    for conflict in &page.conflicts {
        let kept = booking.conflicts.iter().any(|(kept, _)| kept == conflict);
        hold!(kept, "a page of {code} shows a conflict that is none");
    }
    Ok(())
}

/// Checks where an event was found.
///
/// # Errors
/// It is not there, or is there and was not found.
pub(crate) fn located(
    booking: &Booking,
    id: EventId,
    outcome: &Outcome<Located>,
    before: Mark,
) -> Result<(), Violation> {
    let (code, name) = (&booking.code, event_name(id));
    let accepted = booking.with_id(id);
    let version = accepted.map_or(u64::MAX, |event| event.version.get());
    let kept = booking.conflicts.iter().position(|(conflict, _)| conflict.event.event_id == id);
    match outcome {
        Outcome::Found(Located::Event(event, status)) => {
            hold!(accepted == Some(event), "{name} of {code} is found as another event");
            hold!(*status == Status::Pending || version <= booking.recorded, "{name} of {code} is shown as recorded");
        }
        Outcome::Found(Located::Conflict(conflict)) => {
            hold!(version > before.head, "{name} of {code} is accepted and found as a conflict");
            let same = kept.is_some_and(|position| booking.conflicts[position].0 == *conflict);
            hold!(same, "{name} of {code} is found as a conflict and is none");
        }
        Outcome::Found(Located::NoSuchEvent) => {
            hold!(version > before.head, "invariant 3: {name} of {code} is accepted and not found");
            hold!(
                kept.is_none_or(|position| position >= before.conflicts),
                "the conflict {name} of {code} is not found"
            );
            hold!(booking.head() > 0, "{code} is said to exist and does not");
        }
        Outcome::NotFound => hold!(before.head == 0, "invariant 3: {code} is not found at version {}", before.head),
        Outcome::Unknown(_) => {}
    }
    Ok(())
}

/// Checks a booking's state.
///
/// # Errors
/// It never was in that state during the call.
pub(crate) fn summary(booking: &Booking, outcome: &Outcome<Summary>, before: Mark) -> Result<(), Violation> {
    let code = &booking.code;
    match outcome {
        Outcome::Found((reservation, conflicts)) => {
            let (head, settled) = (reservation.head.get(), reservation.settled.get());
            let real = head >= before.head && booking.heads.contains(&head);
            hold!(real, "{code} is said to be at {head}");
            hold!(
                (before.settled..=booking.settled).contains(&settled),
                "{code} is said to be settled up to {settled}"
            );
            hold!(
                booking.between(settled, head).eq(&reservation.pending),
                "{code} is said to have other events pending"
            );
            hold!((before.conflicts..=booking.conflicts.len()).contains(&conflicts.len()), "{code} hides conflicts");
        }
        Outcome::NotFound => hold!(before.head == 0, "invariant 3: {code} is not found at version {}", before.head),
        Outcome::Unknown(_) => {}
    }
    Ok(())
}
