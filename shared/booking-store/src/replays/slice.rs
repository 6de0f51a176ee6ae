//! What a replay does between two checkpoints.

use futures::stream::{self, StreamExt};

use super::ports::Listed;
use super::shift::{Ended, Shift};
use super::{Open, Pacer, Place, Ports, Progress, Replay, Rest, Selection};
use crate::failure::StoreFailure;
use crate::limits::{MAX_REPLAY_OPEN, REPLAY_CONCURRENCY, REPLAY_SCAN_PAGE};
use crate::{BookingCode, Timestamp};

/// Goes on with `replay` until `until`, its end, or a failing store. Only the copy in memory changes: whoever saves it
/// makes it true.
pub(super) async fn slice(ports: &Ports, replay: &mut Replay, pacer: &Pacer, until: Timestamp) -> Option<StoreFailure> {
    let Replay { order, place, progress, .. } = replay;
    let shift = Shift::new(ports, order, pacer, until);
    // No more bookings side by side than events a second: a page read for a moment that does not come is read in vain.
    let concurrency = REPLAY_CONCURRENCY.min(order.rate_per_s as usize).max(1);
    while !place.is_empty() && !shift.is_over() {
        // Also while all that are open have failed before: they must not hold up the rest.
        let only_retries = place.open.iter().all(|open| open.retry_at.is_some());
        if only_retries && place.rest != Rest::Nothing && place.open.len() < MAX_REPLAY_OPEN {
            if let Err(failure) = take_more(ports, &order.selection, place, progress).await {
                return Some(failure);
            }
            continue;
        }
        let ready = take_ready(place, ports.clock.now());
        if ready.is_empty() {
            let retry_at = place.open.iter().filter_map(|open| open.retry_at).min();
            ports.pauses.until(retry_at.map_or(until, |at| at.min(until))).await;
            continue;
        }
        let walks = stream::iter(ready).map(|open| shift.walk(open)).buffer_unordered(concurrency);
        let ended: Vec<_> = walks.collect().await;
        for (sent, ended) in ended {
            progress.events_sent += sent;
            match ended {
                Ended::Done => progress.bookings_done += 1,
                Ended::Later(open) => place.open.push(open),
                Ended::GivenUp(failed) => progress.give_up(failed),
            }
        }
    }
    shift.into_failure()
}

/// Takes out the open bookings that may be tried now, those that have failed before behind the others.
fn take_ready(place: &mut Place, now: Timestamp) -> Vec<Open> {
    let (mut ready, waiting): (Vec<_>, _) =
        std::mem::take(&mut place.open).into_iter().partition(|open| open.is_ready(now));
    place.open = waiting;
    ready.sort_by_key(|open| open.retry_at.is_some());
    ready
}

/// Takes the next bookings of the selection.
async fn take_more(
    ports: &Ports,
    selection: &Selection,
    place: &mut Place,
    progress: &mut Progress,
) -> Result<(), StoreFailure> {
    match (selection, &place.rest) {
        (Selection::BookingCodes(codes), Rest::Codes(first)) => {
            let (taken, rest) = next_codes(codes, *first);
            place.open.extend(taken.iter().cloned().map(Open::named));
            place.rest = rest;
        }
        (Selection::Accepted { .. } | Selection::All, Rest::Scan(after)) => {
            let page = ports.bookings.page(after.as_ref(), REPLAY_SCAN_PAGE).await?;
            let (taken, too_late): (Vec<_>, Vec<_>) =
                page.bookings.into_iter().partition(|listed| may_hold(selection, listed));
            progress.bookings_done += too_late.len() as u64;
            place.open.extend(taken.into_iter().map(Open::listed));
            place.rest = page.next.map_or(Rest::Nothing, |next| Rest::Scan(Some(next)));
        }
        // `Replay::is_sound` keeps the other two apart.
        (_, Rest::Nothing) | (Selection::BookingCodes(_), Rest::Scan(_)) | (_, Rest::Codes(_)) => {
            place.rest = Rest::Nothing;
        }
    }
    Ok(())
}

fn next_codes(codes: &[BookingCode], first: usize) -> (&[BookingCode], Rest) {
    let end = first.saturating_add(REPLAY_SCAN_PAGE).min(codes.len());
    let rest = if end < codes.len() { Rest::Codes(end) } else { Rest::Nothing };
    (codes.get(first..end).unwrap_or_default(), rest)
}

/// Whether a booking may have a selected event: none counts as accepted before its first.
fn may_hold(selection: &Selection, listed: &Listed) -> bool {
    match selection {
        Selection::Accepted { to, .. } => listed.created_at < *to,
        Selection::BookingCodes(_) | Selection::All => true,
    }
}
