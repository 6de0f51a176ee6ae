//! The same event ids again: the original versions, without a time window.

use std::time::Duration;

use booking_store::failure::Store;
use booking_store::limits::RECENT_EVENTS;
use booking_tests::{Draft, World, draft};

const HEAD: u64 = 45;

/// A booking of 45 events, appended one by one behind an exact version but for the first two, which came together.
async fn long_booking() -> World {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(201);
    for n in 3..=HEAD {
        let _ = world.append("B", Some(n - 1), &[draft(n)]).await.is(201);
    }
    world
}

async fn is_replayed(world: &World, expected: Option<u64>, events: &[Draft], versions: &[u64]) {
    let answer = world.append("B", expected, events).await.is(200);
    assert_eq!(answer.versions(), versions, "{expected:?}");
    assert_eq!((answer.member("status"), answer.member("uniqueness")), ("recorded", "confirmed"));
    assert_eq!(answer.json["first_version"], versions[0]);
    assert_eq!(answer.json["version"], versions[versions.len() - 1]);
    assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    assert_eq!(answer.header("etag"), Some(format!("\"{}\"", versions[versions.len() - 1]).as_str()));
    let location = format!("/bookings/B/events?from_version={}", versions[0]);
    assert_eq!(answer.header("location"), Some(location.as_str()));
}

#[tokio::test]
async fn at_once_and_months_later() {
    for settled in [false, true] {
        let world = long_booking().await;
        if settled {
            world.settle().await;
            world.wait(Duration::from_secs(200 * 24 * 3600));
        }
        is_replayed(&world, Some(0), &[draft(1), draft(2)], &[1, 2]).await;
        is_replayed(&world, Some(0), &[draft(1)], &[1]).await;
        for n in 3..=HEAD {
            is_replayed(&world, Some(n - 1), &[draft(n)], &[n]).await;
        }
        for n in HEAD - RECENT_EVENTS as u64 + 1..=HEAD {
            is_replayed(&world, None, &[draft(n)], &[n]).await;
        }
        world.heal().await;
        assert_eq!(world.recorded("B"), (1..=HEAD).collect::<Vec<_>>(), "nothing was written again");
    }
}

/// An id among the recent ones is known whatever version the retry names. The owner's is known under any version that
/// is not the booking's present one.
#[tokio::test]
async fn a_recent_id_is_known_under_any_expected_version() {
    let world = long_booking().await;
    world.settle().await;
    for expected in [None, Some(0), Some(1), Some(20), Some(HEAD), Some(HEAD + 5)] {
        is_replayed(&world, expected, &[draft(HEAD - 3)], &[HEAD - 3]).await;
    }
    for expected in [0, 1, 20, HEAD - 1, HEAD + 5] {
        is_replayed(&world, Some(expected), &[draft(1), draft(2)], &[1, 2]).await;
    }
    world.heal().await;
}

/// Consecutive events are a batch, however they came.
#[tokio::test]
async fn a_batch_accepted_in_parts_is_known_as_a_whole() {
    let world = long_booking().await;
    world.settle().await;
    is_replayed(&world, Some(2), &[draft(3), draft(4), draft(5)], &[3, 4, 5]).await;
    is_replayed(&world, None, &[draft(43), draft(44), draft(45)], &[43, 44, 45]).await;
    world.heal().await;
}

/// While events are pending, more than 32 of them, every one of them is known.
#[tokio::test]
async fn every_pending_event_is_known_at_the_end() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
    world.faults.down(Store::Events);
    for n in 2..=60 {
        let _ = world.append("B", None, &[draft(n)]).await.is(202);
    }
    for n in 2..=60 {
        let answer = world.append("B", None, &[draft(n)]).await.is(200);
        assert_eq!((answer.versions(), answer.member("status")), (vec![n], "pending"));
        assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    }
    world.heal().await;
    assert_eq!(world.recorded("B").len(), 60);
}

/// A retry finishes what the first request left: its answer tells the status of now.
#[tokio::test]
async fn a_retry_records_what_the_first_request_could_not() {
    for expected in [Some(1), None] {
        let world = World::new();
        let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
        world.faults.down(Store::Events);
        let _ = world.append("B", expected, &[draft(2)]).await.is(202);
        world.faults.up(Store::Events);
        is_replayed(&world, expected, &[draft(2)], &[2]).await;
        assert_eq!(world.recorded("B"), [1, 2]);
        world.heal().await;
    }
}

/// Of an event older than the item remembers only the record can tell. Without it the answer is "unknown", not a lie.
#[tokio::test]
async fn a_settled_event_is_not_known_without_the_record() {
    let world = long_booking().await;
    world.settle().await;
    world.faults.down(Store::Events);
    for (expected, n) in [(Some(0), 1), (Some(4), 5), (None, HEAD)] {
        let answer = world.append("B", expected, &[draft(n)]).await.is_problem(503, "store-unavailable");
        assert_eq!(answer.member("outcome"), "unknown");
    }
    world.append("B", Some(0), &[draft(99)]).await.is_problem(409, "booking-code-taken");
    world.heal().await;
    assert_eq!(world.recorded("B").len() as u64, HEAD);
}

/// The same request twice at once: one is decided, the other finds it.
#[tokio::test]
async fn a_request_and_its_twin_get_the_same_versions() {
    for expected in [Some(0), Some(1), None] {
        let world = World::new();
        let first = if expected == Some(0) { 1 } else { 2 };
        if first == 2 {
            let _ = world.append("B", Some(0), &[draft(9)]).await.is(201);
        }
        let twin = world.clone();
        let other = async move {
            let answer = twin.append("B", expected, &[draft(1)]).await.is(201);
            assert_eq!(answer.versions(), [first]);
        };
        world.faults.once(booking_tests::Call::Decide, booking_tests::Fault::meanwhile(other));
        world.wait(Duration::from_millis(5));
        let answer = world.append("B", expected, &[draft(1)]).await;
        assert_eq!(answer.versions(), [first]);
        world.heal().await;
        assert_eq!(world.recorded("B").len() as u64, first);
    }
}

/// Our own write refused because the first answer was lost below us looks like a twin sent in the same moment. Both are told
/// the truth: these ids were accepted before, once.
#[tokio::test]
async fn a_retry_inside_one_store_call_is_told_as_a_replay() {
    for expected in [Some(0), Some(1), None] {
        let world = World::new();
        if expected != Some(0) {
            let _ = world.append("B", Some(0), &[draft(9)]).await.is(201);
        }
        let below = world.clone();
        // What an attempt that was not answered leaves: the same decision, taken.
        let attempt = async move {
            use booking_store::ports::Reservations;
            let decision = booking_store::Decision {
                booking_code: booking_tests::code("B"),
                expected: expected.into(),
                events: serde_json::from_str(&format!("[{}]", draft(1).json())).unwrap(),
                accepted_at: below.now(),
            };
            below.memory.reservations.decide(&decision).await.unwrap();
        };
        world.faults.once(booking_tests::Call::Decide, booking_tests::Fault::meanwhile(attempt));
        let answer = world.append("B", expected, &[draft(1)]).await.is(200);
        assert_eq!(answer.header("idempotency-replayed"), Some("true"));
        world.heal().await;
    }
}

/// What the recent ids prove needs no record; only further back it must be asked.
#[tokio::test]
async fn a_certain_conflict_is_told_without_the_record() {
    let world = long_booking().await;
    world.settle().await;
    world.faults.down(Store::Events);
    let forgotten = HEAD - RECENT_EVENTS as u64;
    for expected in forgotten..HEAD {
        world.append("B", Some(expected), &[draft(99)]).await.is_problem(409, "version-conflict");
    }
    world.append("B", Some(forgotten - 1), &[draft(99)]).await.is_problem(503, "store-unavailable");
}

/// The item holds the owner's id for ever, so the first event is recognised at the end too.
#[tokio::test]
async fn the_first_event_is_recognised_for_ever() {
    let world = long_booking().await;
    world.settle().await;
    for expected in [None, Some(HEAD)] {
        let _ = world.append("B", expected, &[draft(1), draft(2)]).await.is(200);
    }
}
