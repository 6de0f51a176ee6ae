//! Replay: tell a retry of an append from a new one, by event id, without a time window.
//!
//! The deciding condition refuses a decision whose ids it has seen. This module reads the refusal: the reservation says
//! at which version the first event of the decision would be if it was accepted before, and what is stored there tells.

use crate::failure::StoreFailure;
use crate::limits::MAX_PAGE_BYTES;
use crate::ports::Stores;
use crate::{Decision, Event, EventId, ExpectedVersion, Reservation, Version};

/// What a refused decision turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The very same events were accepted before, the last of them at this version.
    Replay {
        /// The events as they were accepted.
        events: Vec<Event>,
    },
    /// An event id was used before for another payload, or outside this batch.
    EventIdReused(EventId),
    /// The code belongs to another booking.
    BookingCodeTaken,
    /// The booking is at another version.
    VersionConflict(Version),
    /// The reservation item has no room.
    PendingLimitReached,
}

/// Reads the refusal of `decision` by a booking in the state `old`.
///
/// # Errors
/// The events table may be needed to tell, and may not answer.
pub async fn explain(stores: &Stores, decision: &Decision, old: &Reservation) -> Result<Refusal, StoreFailure> {
    if let Some(first) = first_version(decision, old) {
        let stored = stored(stores, old, first, decision.events.len()).await?;
        if stored.first().map(|event| event.event_id) == decision.event_ids().next() {
            return Ok(compare(decision, stored));
        }
    }
    Ok(match decision.expected {
        ExpectedVersion::New => Refusal::BookingCodeTaken,
        ExpectedVersion::Exact(version) if version != old.head => Refusal::VersionConflict(old.head),
        ExpectedVersion::Exact(_) | ExpectedVersion::Any => {
            let reused = decision.event_ids().find(|id| old.version_of(*id).is_some());
            reused.map_or(Refusal::PendingLimitReached, Refusal::EventIdReused)
        }
    })
}

/// Where the first event of `decision` stands, or would stand, if it was accepted before.
fn first_version(decision: &Decision, old: &Reservation) -> Option<Version> {
    let known = decision.event_ids().next().and_then(|id| old.version_of(id));
    known.or(match decision.expected {
        // Further back than the recent ids, the expected version still names the place.
        ExpectedVersion::Exact(version) if version.next() <= old.forgotten() => Some(version.next()),
        ExpectedVersion::Exact(_) | ExpectedVersion::New | ExpectedVersion::Any => None,
    })
}

/// The accepted events from `first` on, up to `count`, from the item where it has them and else from the record.
async fn stored(stores: &Stores, old: &Reservation, first: Version, count: usize) -> Result<Vec<Event>, StoreFailure> {
    let mut events = if first <= old.settled {
        let settled = count.min(old.settled.count_since(first.previous()));
        stores.events.range(&old.booking_code, first, settled, MAX_PAGE_BYTES).await?
    } else {
        Vec::new()
    };
    let mut next = events.last().map_or(first, |event| event.version.next());
    while let Some(event) = old.pending_at(next).filter(|_| events.len() < count) {
        next = event.version.next();
        events.push(event.clone());
    }
    Ok(events)
}

/// Whether `stored` is the whole decision; if not, which event id was used for something else.
fn compare(decision: &Decision, stored: Vec<Event>) -> Refusal {
    let first = decision.event_ids().next();
    for (i, offered) in decision.events.iter().enumerate() {
        match stored.get(i) {
            Some(event) if offered.is_same_as(event) => {}
            Some(event) if offered.event_id == event.event_id => return Refusal::EventIdReused(offered.event_id),
            // The batch goes on otherwise than it did: it is the first event that belongs to another one.
            Some(_) | None => return Refusal::EventIdReused(first.unwrap_or(offered.event_id)),
        }
    }
    Refusal::Replay { events: stored }
}
