//! A replay's item in the replays table. What is in it but a list or map of its own is an attribute of its own.

use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

use crate::dynamodb::{Item, UnreadableItem};
use crate::replays::{
    Consumer, FailedBooking, Open, Order, Place, Progress, Replay, ReplayId, Rest, Selection, Status, Waiting, Window,
};
use crate::{EventId, Timestamp};

/// The table's key.
pub const REPLAY_ID: &str = "replay_id";
/// How often the replay was saved.
pub(super) const REVISION: &str = "revision";
/// What never changes, besides the key.
pub(super) const ORDERED: [&str; 4] = ["consumer", "selection", "rate_per_s", "started_at"];

#[derive(Serialize, Deserialize)]
struct ReplayItem {
    replay_id: ReplayId,
    consumer: Consumer,
    selection: Selection,
    rate_per_s: u32,
    status: Status,
    open: Vec<Open>,
    rest: Rest,
    bookings_done: u64,
    bookings_total: Option<u64>,
    events_sent: u64,
    errors: u64,
    failed: Vec<FailedBooking>,
    window: Window,
    waiting: Option<Waiting>,
    failure: Option<String>,
    turn: u64,
    revision: u64,
    written_by: EventId,
    started_at: Timestamp,
    updated_at: Timestamp,
    finished_at: Option<Timestamp>,
}

/// The item of `replay`.
///
/// # Errors
/// None in practice: every field is an attribute.
pub fn encode(replay: &Replay) -> Result<Item, UnreadableItem> {
    let Replay { order, place, progress, .. } = replay.clone();
    Ok(to_item(ReplayItem {
        replay_id: order.replay_id,
        consumer: order.consumer,
        selection: order.selection,
        rate_per_s: order.rate_per_s,
        status: replay.status,
        open: place.open,
        rest: place.rest,
        bookings_done: progress.bookings_done,
        bookings_total: progress.bookings_total,
        events_sent: progress.events_sent,
        errors: progress.errors,
        failed: progress.failed,
        window: progress.window,
        waiting: replay.waiting.clone(),
        failure: replay.failure.clone(),
        turn: replay.turn,
        revision: replay.revision,
        written_by: replay.written_by,
        started_at: replay.started_at,
        updated_at: replay.updated_at,
        finished_at: replay.finished_at,
    })?)
}

/// The replay of `item`.
///
/// # Errors
/// The item is not what [`encode`] makes, or its parts contradict each other.
pub fn decode(item: impl Into<serde_dynamo::Item>) -> Result<Replay, UnreadableItem> {
    let item: ReplayItem = serde_dynamo::from_item(item.into())?;
    let replay = Replay {
        order: Order {
            replay_id: item.replay_id,
            consumer: item.consumer,
            selection: item.selection,
            rate_per_s: item.rate_per_s,
        },
        status: item.status,
        place: Place { open: item.open, rest: item.rest },
        progress: Progress {
            bookings_done: item.bookings_done,
            bookings_total: item.bookings_total,
            events_sent: item.events_sent,
            errors: item.errors,
            failed: item.failed,
            window: item.window,
        },
        waiting: item.waiting,
        failure: item.failure,
        turn: item.turn,
        revision: item.revision,
        written_by: item.written_by,
        started_at: item.started_at,
        updated_at: item.updated_at,
        finished_at: item.finished_at,
    };
    if replay.is_sound() { Ok(replay) } else { Err(UnreadableItem::Unsound("a replay")) }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::ports::Cursor;
    use crate::{Version, arbitrary};

    fn selection() -> impl Strategy<Value = Selection> {
        prop_oneof![
            vec(arbitrary::booking_code(), 1..5).prop_map(Selection::BookingCodes),
            (arbitrary::timestamp(), arbitrary::timestamp()).prop_map(|(from, to)| Selection::Accepted { from, to }),
            Just(Selection::All),
        ]
    }

    fn open() -> impl Strategy<Value = Open> {
        let moment = || option::of(arbitrary::timestamp());
        let versions = (1..u64::MAX, option::of(0..u64::MAX));
        (arbitrary::booking_code(), versions, moment(), any::<u32>(), moment()).prop_map(
            |(booking_code, (next, up_to), accepted_at, attempts, retry_at)| Open {
                booking_code,
                next: Version::new(next),
                up_to: up_to.map(Version::new),
                accepted_at,
                attempts,
                retry_at,
            },
        )
    }

    fn rest() -> impl Strategy<Value = Rest> {
        let cursor = ("\\PC{0,12}", "\\PC{0,12}").prop_map(|(booking_code, item)| Cursor { booking_code, item });
        prop_oneof![(0usize..9).prop_map(Rest::Codes), option::of(cursor).prop_map(Rest::Scan), Just(Rest::Nothing)]
    }

    fn failed() -> impl Strategy<Value = FailedBooking> {
        (arbitrary::booking_code(), any::<u64>(), "\\PC{0,20}").prop_map(|(booking_code, version, reason)| {
            FailedBooking { booking_code, version: Version::new(version), reason }
        })
    }

    /// Any values of the right types; sound ones are filtered out of them.
    fn replay() -> impl Strategy<Value = Replay> {
        let status =
            prop_oneof![Just(Status::Running), Just(Status::Done), Just(Status::Cancelled), Just(Status::Failed)];
        let order = (arbitrary::event_id(), "[A-Za-z0-9._-]{1,64}", selection(), 1u32..=1000);
        let figures = (any::<[u64; 4]>(), option::of(any::<u64>()), vec(failed(), 0..3));
        let told = (option::of((arbitrary::timestamp(), "\\PC{0,20}")), option::of("\\PC{0,20}"));
        let saved =
            (any::<[u64; 2]>(), arbitrary::event_id(), arbitrary::timestamp(), option::of(arbitrary::timestamp()));
        (order, status, vec(open(), 0..4), rest(), figures, told, saved).prop_map(
            |(order, status, open, rest, (counts, bookings_total, failed), (waiting, failure), saved)| {
                let (replay_id, consumer, selection, rate_per_s) = order;
                let ([turn, revision], written_by, started_at, finished_at) = saved;
                let consumer = Consumer::parse(&consumer).unwrap();
                let order = Order { replay_id: replay_id.into(), consumer, selection, rate_per_s };
                let progress = Progress {
                    bookings_done: counts[0],
                    bookings_total,
                    events_sent: counts[1],
                    errors: counts[0] / 2,
                    failed,
                    window: Window { events: counts[2], milliseconds: counts[3] },
                };
                let waiting = waiting.map(|(since, reason)| Waiting { since, reason });
                let place = Place { open, rest };
                Replay {
                    order,
                    status,
                    place,
                    progress,
                    waiting,
                    failure,
                    turn,
                    revision,
                    written_by,
                    started_at,
                    updated_at: started_at,
                    finished_at,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn round_trips_what_is_sound_and_refuses_the_rest(replay in replay()) {
            let decoded = decode(encode(&replay).unwrap());
            if replay.is_sound() {
                prop_assert_eq!(decoded.unwrap(), replay);
            } else {
                prop_assert!(matches!(decoded, Err(UnreadableItem::Unsound(_))));
            }
        }

        #[test]
        fn refuses_an_item_without_one_of_its_fields(replay in replay(), nth in any::<prop::sample::Index>()) {
            let mut item = encode(&Replay { status: Status::Running, finished_at: None, ..replay }).unwrap();
            let optional = ["bookings_total", "waiting", "failure", "finished_at"];
            let mut names: Vec<_> = item.keys().filter(|name| !optional.contains(&name.as_str())).cloned().collect();
            names.sort_unstable();
            item.remove(nth.get(&names));
            prop_assert!(matches!(decode(item), Err(UnreadableItem::Fields(_))));
        }
    }
}
