//! From references to events: the record is asked first, and for what is not recorded yet the protocol's own read, which
//! knows what is pending. An event that can't be shown fails the page; there is never a hole.

use std::collections::HashMap;

use futures::future::try_join_all;

use crate::failure::{Store, StoreFailure};
use crate::feed::read::FedEvent;
use crate::feed::{Partition, Position};
use crate::limits::{FEED_CONCURRENCY, FEED_READ_BUDGET, MAX_PAGE_BYTES};
use crate::ports::Stores;
use crate::protocol::append::Status;
use crate::protocol::read::{self, Query};
use crate::{BookingCode, Event, Version};

/// A reference: what stands at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) partition: Partition,
    pub(super) position: Position,
    pub(super) booking_code: BookingCode,
    pub(super) version: Version,
}

/// Versions of one booking, without gaps.
struct Wanted<'a> {
    booking_code: &'a BookingCode,
    first: Version,
    count: usize,
}

type Found<'a> = HashMap<(&'a BookingCode, Version), (Event, Status)>;

/// The events of `entries`, in their order: all of them, or as many as a page may have bytes and its budget of time
/// allows, but at least one.
pub(super) async fn hydrate(stores: &Stores, entries: Vec<Entry>) -> Result<Vec<FedEvent>, StoreFailure> {
    let wanted = by_booking(&entries);
    let mut found = Found::new();
    let mut size = 0;
    let begun = stores.clock.now();
    for some in wanted.chunks(FEED_CONCURRENCY) {
        let read = try_join_all(some.iter().map(|wanted| events(stores, wanted))).await?;
        for (booking_code, events) in some.iter().map(|wanted| wanted.booking_code).zip(read) {
            size += events.iter().map(|(event, _)| event.wire_bytes()).sum::<usize>();
            found.extend(events.into_iter().map(|(event, status)| ((booking_code, event.version), (event, status))));
        }
        if size > MAX_PAGE_BYTES || stores.clock.now().before(FEED_READ_BUDGET) >= begun {
            break;
        }
    }
    let events = within_a_page(&entries, found);
    match entries.first() {
        // Told as such, or the consumer would ask for the same place for ever.
        Some(first) if events.is_empty() => Err(missing(&first.booking_code, first.version)),
        Some(_) | None => Ok(events),
    }
}

/// The entries of each booking, in order of their first. A booking's events stand in the feed in the order of their
/// versions and without gaps, so a stretch of a partition holds a stretch of versions.
fn by_booking(entries: &[Entry]) -> Vec<Wanted<'_>> {
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    let mut places = HashMap::new();
    for entry in entries {
        let place = *places.entry(&entry.booking_code).or_insert_with(|| {
            wanted.push(Wanted { booking_code: &entry.booking_code, first: entry.version, count: 0 });
            wanted.len() - 1
        });
        if let Some(wanted) = wanted.get_mut(place) {
            wanted.count += 1;
        }
    }
    wanted
}

/// The first of the wanted events of a booking: all, or as many as a page may have bytes.
async fn events(stores: &Stores, wanted: &Wanted<'_>) -> Result<Vec<(Event, Status)>, StoreFailure> {
    let Wanted { booking_code, first, count } = *wanted;
    let recorded = stores.events.range(booking_code, first, count, MAX_PAGE_BYTES).await?;
    let size: usize = recorded.iter().map(Event::wire_bytes).sum();
    if recorded.len() == count || size > MAX_PAGE_BYTES {
        return Ok(recorded.into_iter().map(|event| (event, Status::Recorded)).collect());
    }
    let query =
        Query { booking_code: booking_code.clone(), from: first, limit: count, min_version: None, eventual: false };
    let page = match read::read(stores, &query).await {
        read::Outcome::Found(page) => page,
        read::Outcome::NotFound => return Err(missing(booking_code, first)),
        read::Outcome::Unknown(failure) => return Err(failure),
    };
    let cut = page.next.is_some();
    if page.events.is_empty() || (page.events.len() < count && !cut) {
        return Err(missing(booking_code, first.plus(page.events.len())));
    }
    Ok(page.events)
}

/// The feed holds only what the arbiter has accepted, so this can't be: a table was restored without the others.
fn missing(booking_code: &BookingCode, version: Version) -> StoreFailure {
    StoreFailure::corrupt(Store::Events, format!("{booking_code} has no version {version}, which is in the feed"))
}

fn within_a_page<'a>(entries: &'a [Entry], mut found: Found<'a>) -> Vec<FedEvent> {
    let mut events = Vec::new();
    let mut size = 0;
    for entry in entries {
        let Some((event, status)) = found.remove(&(&entry.booking_code, entry.version)) else { break };
        size += event.wire_bytes();
        if size > MAX_PAGE_BYTES && !events.is_empty() {
            break;
        }
        let (partition, position, booking_code) = (entry.partition, entry.position, entry.booking_code.clone());
        events.push(FedEvent { partition, position, booking_code, event, status });
    }
    events
}
