//! Bugs of the reader.

use booking_store::failure::StoreFailure;
use booking_store::ports::{Claims, Stores};
use booking_store::protocol::append::Status;
use booking_store::protocol::read::{self, Outcome, Page, Query};
use booking_store::{Event, Version};
use futures::future::join;

use super::Bug;

/// The read of a reader with this bug.
pub(crate) async fn read(bug: Option<Bug>, stores: &Stores, query: &Query) -> Outcome<Page> {
    let Some(bug @ (Bug::ReadOnce | Bug::ReadAcrossMoments | Bug::SilentRecordIsEmpty | Bug::SilentArbiterIsEmpty)) =
        bug
    else {
        return read::read(stores, query).await;
    };
    let claims = stores.reservations.claims(&query.booking_code);
    let recorded = stores.events.range(&query.booking_code, query.from, query.limit, usize::MAX);
    let (claims, recorded) = join(claims, recorded).await;
    let claims = or_empty(claims, bug == Bug::SilentArbiterIsEmpty);
    let recorded = or_empty(recorded, bug == Bug::SilentRecordIsEmpty);
    match (claims, recorded) {
        (Ok(claims), Ok(recorded)) if bug == Bug::ReadAcrossMoments && is_behind(query, &claims, &recorded) => {
            read::read(stores, query).await
        }
        (Ok(claims), Ok(recorded)) => put_together(query, &claims, recorded),
        (Err(failure), _) | (_, Err(failure)) => Outcome::Unknown(failure),
    }
}

/// The record was read before a move, or a page was cut off.
fn is_behind(query: &Query, claims: &Claims, recorded: &[Event]) -> bool {
    let settled = claims.reservation.as_ref().map_or(Version::NONE, |reservation| reservation.settled);
    let last = recorded.last().map_or(query.from.previous(), |event| event.version);
    last < settled || recorded.len() >= query.limit
}

fn or_empty<T: Default>(answer: Result<T, StoreFailure>, is_enough: bool) -> Result<T, StoreFailure> {
    if is_enough { Ok(answer.unwrap_or_default()) } else { answer }
}

fn put_together(query: &Query, claims: &Claims, recorded: Vec<Event>) -> Outcome<Page> {
    let reservation = claims.reservation.as_ref();
    if reservation.is_none() && recorded.is_empty() {
        return Outcome::NotFound;
    }
    let head = reservation.map_or(Version::NONE, |reservation| reservation.head);
    let last = recorded.last().map_or(query.from.previous(), |event| event.version);
    let pending = reservation.map(|reservation| reservation.pending.as_slice()).unwrap_or_default();
    let above = pending.iter().filter(|event| event.version > last).map(|event| (event.clone(), Status::Pending));
    let mut events: Vec<_> = recorded.into_iter().map(|event| (event, Status::Recorded)).chain(above).collect();
    events.truncate(query.limit);
    let last = events.last().map(|(event, _)| event.version);
    let version = last.map_or(head, |last| head.max(last));
    let next = last.filter(|last| *last < version).map(Version::next);
    Outcome::Found(Page { version, complete: true, events, conflicts: claims.conflicts.clone(), next })
}
