//! Read: proven complete, or not told at all. 404 only when both tables said so.

use booking_store::failure::{FailureKind, Store};
use booking_store::ports::Reservations;
use booking_store::{Version, reservation};
use booking_tests::{Call, Fault, World, code, draft, event_id};
use futures::future::join;

/// A booking of `settled` settled events and `pending` more in its reservation item, recorded ones among them.
async fn booking(settled: u64, recorded: u64, pending: u64) -> World {
    let world = World::new();
    let mut head = 0;
    let mut add = async |count: u64, world: &World| {
        for n in head + 1..=head + count {
            let _ = world.append("B", Some(n - 1), &[draft(n)]).await;
        }
        head += count;
    };
    add(settled, &world).await;
    world.settle().await;
    add(recorded, &world).await;
    world.faults.down(Store::Events);
    add(pending, &world).await;
    world.faults.all_up();
    world
}

#[tokio::test]
async fn recorded_events_come_first_then_the_pending_ones_above_them() {
    let world = booking(2, 1, 2).await;
    let read = world.read("B").await.is(200);
    assert_eq!(read.versions(), [1, 2, 3, 4, 5]);
    assert_eq!(read.statuses(), ["recorded", "recorded", "recorded", "pending", "pending"]);
    assert_eq!((&read.json["version"], &read.json["complete"]), (&5.into(), &true.into()));
    world.heal().await;
}

/// The record was read before a move, the reservation after it: neither shows the events that moved. Look again.
#[tokio::test]
async fn a_move_between_the_two_answers_is_seen_and_read_again() {
    for (settled, pending) in [(0, 1), (0, 3), (2, 2)] {
        let world = booking(settled, 0, pending).await;
        let mover = world.clone();
        let settle = async move {
            tokio::task::yield_now().await;
            mover.settle().await;
        };
        world.faults.once(Call::Claims, Fault::meanwhile(settle));
        let all: Vec<_> = (1..=settled + pending).collect();
        let read = world.read("B").await.is(200);
        assert_eq!(read.versions(), all, "{}", read.text);
        assert!(read.statuses().iter().all(|status| *status == "recorded"));
        assert_eq!(read.json["next_from_version"], serde_json::Value::Null);
        world.heal().await;
    }
}

/// The other way round: the reservation first, then the move, then the record. One look is enough.
#[tokio::test]
async fn a_move_after_the_reservation_was_read_needs_no_second_look() {
    let world = booking(0, 0, 2).await;
    let mover = world.clone();
    world.faults.once(Call::Range, Fault::meanwhile(async move { mover.settle().await }));
    assert_eq!(world.read("B").await.is(200).versions(), [1, 2]);
    world.heal().await;
}

/// The booking is created between the two answers: recorded, but not yet reserved. That is no 404.
#[tokio::test]
async fn a_booking_created_between_the_two_answers_is_found() {
    let world = World::new();
    let writer = world.clone();
    let create = async move {
        let _ = writer.append("B", Some(0), &[draft(1)]).await.is(201);
    };
    world.faults.once(Call::Range, Fault::meanwhile(create));
    assert_eq!(world.read("B").await.is(200).versions(), [1]);
    world.heal().await;
}

/// A batch of which a part is recorded after the reservation was read belongs to a later moment: whole or not at all.
#[tokio::test]
async fn a_batch_is_shown_whole_or_not_at_all() {
    for recorded in 1..4 {
        let world = booking(1, 0, 0).await;
        let writer = world.clone();
        let append = async move {
            let script = (0..recorded).map(|_| Fault::Pass);
            writer.faults.script(Call::Record, script);
            writer.faults.once(Call::Record, Fault::Fail(FailureKind::Unreachable));
            let _ = writer.append("B", Some(1), &[2, 3, 4, 5].map(draft)).await.is(202);
        };
        world.faults.once(Call::Range, Fault::meanwhile(append));
        let read = world.read("B").await.is(200);
        assert_eq!((read.versions(), &read.json["version"]), (vec![1], &1.into()));
        assert!(read.json["next_from_version"].is_null());
        assert_eq!(world.read("B").await.is(200).versions(), [1, 2, 3, 4, 5]);
        world.heal().await;
    }
}

/// It moves at every look: the read gives up with 503, not with half of it.
#[tokio::test]
async fn a_record_that_never_reaches_what_is_settled_is_503() {
    let world = booking(0, 0, 2).await;
    let trim = reservation::Trim { from: Version::NONE, to: Version::FIRST, events: 1, bytes: 0, forget: 0 };
    let reservation = world.memory.reservations.claims(&code("B")).await.unwrap().reservation.unwrap();
    let bytes = reservation.pending[0].pending_bytes();
    world.memory.reservations.trim(&code("B"), &reservation::Trim { bytes, ..trim }).await.unwrap();
    world.faults.take_calls();
    world.read("B").await.is_problem(503, "store-unavailable");
    let looks = world.faults.take_calls().into_iter().filter(|call| *call == Call::Claims).count();
    assert_eq!(looks, booking_store::limits::MAX_READ_ATTEMPTS);
}

/// One row: which stores answer, the query, and the versions shown with `complete`, or none for a 503.
type Row = (&'static [Store], &'static str, Option<(&'static [u64], bool)>);
const EVENTS: &[Store] = &[Store::Events];
const ARBITER: &[Store] = &[Store::Reservations];
const BOTH: &[Store] = &[Store::Reservations, Store::Events];

async fn try_rows(settled: u64, recorded: u64, pending: u64, rows: &[Row]) {
    for (down, query, shown) in rows {
        let world = booking(settled, recorded, pending).await;
        down.iter().for_each(|store| world.faults.down(*store));
        let answer = world.get(&format!("/bookings/B/events{query}")).await;
        match shown {
            Some((versions, complete)) => {
                let answer = answer.is(200);
                assert_eq!(answer.versions(), *versions, "{down:?} {query}");
                assert_eq!(answer.json["complete"], *complete, "{down:?} {query}");
                assert!(*complete || answer.header("etag").is_none(), "what is incomplete has no tag");
            }
            None => {
                let answer = answer.is_problem(503, "store-unavailable");
                assert_eq!(answer.header("retry-after"), Some("2"));
            }
        }
        world.heal().await;
    }
}

#[tokio::test]
async fn a_booking_with_nothing_settled_is_read_without_the_record() {
    let rows: [Row; 6] = [
        (EVENTS, "", Some((&[1, 2, 3], true))),
        (EVENTS, "?from_version=2", Some((&[2, 3], true))),
        (EVENTS, "?min_version=3", Some((&[1, 2, 3], true))),
        (EVENTS, "?consistency=eventual", Some((&[1, 2, 3], true))),
        (EVENTS, "?limit=2", Some((&[1, 2], true))),
        (BOTH, "", None),
    ];
    try_rows(0, 0, 3, &rows).await;
    try_rows(0, 2, 1, &rows).await;
}

#[tokio::test]
async fn a_booking_with_something_settled_needs_the_record_for_it() {
    let rows: [Row; 6] = [
        (EVENTS, "", None),
        (EVENTS, "?min_version=4", None),
        (EVENTS, "?from_version=2", None),
        (EVENTS, "?from_version=3", Some((&[3, 4], true))),
        (EVENTS, "?consistency=eventual", Some((&[3, 4], false))),
        (EVENTS, "?consistency=eventual&from_version=4", Some((&[4], true))),
    ];
    try_rows(2, 1, 1, &rows).await;
}

#[tokio::test]
async fn without_the_arbiter_the_record_proves_what_the_reader_knows() {
    let rows: [Row; 10] = [
        (ARBITER, "", None),
        (ARBITER, "?min_version=3", Some((&[1, 2, 3], true))),
        (ARBITER, "?min_version=1", Some((&[1, 2, 3], true))),
        (ARBITER, "?min_version=3&from_version=3", Some((&[3], true))),
        (ARBITER, "?min_version=3&limit=1", Some((&[1], true))),
        (ARBITER, "?min_version=4", None),
        (ARBITER, "?min_version=4&consistency=eventual", Some((&[1, 2, 3], false))),
        (ARBITER, "?consistency=eventual", Some((&[1, 2, 3], false))),
        (BOTH, "?min_version=1", None),
        (BOTH, "?consistency=eventual", None),
    ];
    try_rows(2, 1, 1, &rows).await;
}

/// Pages of the record alone join as pages do.
#[tokio::test]
async fn pages_without_the_arbiter_join_up_to_what_is_recorded() {
    let world = booking(2, 1, 1).await;
    world.faults.down(Store::Reservations);
    for limit in 1..=4 {
        let (mut from, mut shown) = (1, Vec::new());
        loop {
            let path = format!("/bookings/B/events?min_version=3&limit={limit}&from_version={from}");
            let page = world.get(&path).await.is(200);
            assert_eq!((&page.json["version"], &page.json["complete"]), (&3.into(), &true.into()));
            shown.extend(page.versions());
            let Some(next) = page.json["next_from_version"].as_u64() else { break };
            assert_eq!(next, shown.len() as u64 + 1);
            from = next;
        }
        assert_eq!(shown, [1, 2, 3], "{limit}");
    }
    let beyond = world.get("/bookings/B/events?min_version=3&from_version=9").await.is(200);
    assert_eq!((beyond.versions(), &beyond.json["version"]), (vec![], &3.into()));
    assert!(beyond.json["next_from_version"].is_null());
    world.heal().await;
}

/// Without the arbiter, what is recorded between the two looks at the record must not be missing from the page.
#[tokio::test]
async fn a_record_that_grows_while_the_arbiter_is_silent_is_read_again() {
    let world = booking(2, 0, 0).await;
    let silence = || Fault::Fail(FailureKind::Unreachable);
    let writer = world.clone();
    let append = async move {
        let _ = writer.append("B", Some(2), &[draft(3)]).await.is(201);
    };
    world.faults.script(Call::Claims, [silence(), silence()]);
    world.faults.once(Call::Highest, Fault::meanwhile(append));
    world.faults.take_calls();
    let page = world.get("/bookings/B/events?min_version=2").await.is(200);
    assert_eq!((page.versions(), &page.json["version"]), (vec![1, 2, 3], &3.into()));
    let looks = world.faults.take_calls().into_iter().filter(|call| *call == Call::Highest).count();
    assert_eq!(looks, 2);
    world.heal().await;
}

#[tokio::test]
async fn a_404_needs_the_word_of_both() {
    let queries = ["", "?consistency=eventual", "?min_version=1"];
    let paths = queries.map(|query| format!("/bookings/NONE/events{query}"));
    let one_event = format!("/bookings/NONE/events/{}", event_id(1));
    for path in paths.iter().map(String::as_str).chain(["/bookings/NONE", &one_event]) {
        let world = World::new();
        world.get(path).await.is_problem(404, "booking-not-found");
        for down in [EVENTS, ARBITER, BOTH] {
            for kind in [FailureKind::Unreachable, FailureKind::NoAnswer, FailureKind::Throttled, FailureKind::Refused]
            {
                down.iter().for_each(|store| world.faults.down_with(*store, kind));
                world.get(path).await.is_problem(503, "store-unavailable");
                world.faults.all_up();
            }
        }
        world.heal().await;
    }
}

#[tokio::test]
async fn one_event_is_found_wherever_it_is() {
    let world = booking(40, 1, 1).await;
    for (n, status) in [(1, "recorded"), (5, "recorded"), (40, "recorded"), (41, "recorded"), (42, "pending")] {
        let one = world.get(&format!("/bookings/B/events/{}", event_id(n))).await.is(200);
        assert_eq!((&one.json["version"], one.member("status")), (&n.into(), status));
    }
    world.get(&format!("/bookings/B/events/{}", event_id(99))).await.is_problem(404, "event-not-found");
    world.faults.down(Store::Events);
    let known = world.get(&format!("/bookings/B/events/{}", event_id(42))).await.is(200);
    assert_eq!(known.member("status"), "pending");
    for n in [1, 5, 40, 99] {
        world.get(&format!("/bookings/B/events/{}", event_id(n))).await.is_problem(503, "store-unavailable");
    }
    world.heal().await;
}

/// An event that moves from the item to the record between the two looks for it.
#[tokio::test]
async fn one_event_is_found_while_it_moves() {
    let world = booking(1, 0, 1).await;
    let mover = world.clone();
    world.faults.once(Call::Range, Fault::meanwhile(async move { mover.settle().await }));
    let one = world.get(&format!("/bookings/B/events/{}", event_id(2))).await.is(200);
    assert_eq!((&one.json["version"], one.member("status")), (&2.into(), "recorded"));
    world.heal().await;
}

/// Reads beside a writer and a settler, at every point where they can meet.
#[tokio::test]
async fn a_confirmed_event_is_shown_at_every_moment_of_its_move() {
    for call in [Call::Highest, Call::Record, Call::Publish, Call::Trim] {
        let world = booking(1, 0, 2).await;
        let reader = world.clone();
        let read = async move {
            let (all, some) = join(reader.read("B"), reader.get("/bookings/B/events?from_version=3")).await;
            assert_eq!((all.is(200).versions(), some.is(200).versions()), (vec![1, 2, 3], vec![3]));
        };
        world.faults.once(call, Fault::meanwhile(read));
        world.heal().await;
    }
}
