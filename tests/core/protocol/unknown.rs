//! Calls that act and whose answer is lost. "Unknown" is an outcome of its own, and a retry finds out.

use booking_store::failure::{FailureKind, Store};
use booking_tests::{Call, Fault, World, draft, event_id};

/// Expected version, and the version the event gets.
const LATER: [(Option<u64>, u64); 2] = [(Some(1), 2), (None, 2)];

#[tokio::test]
async fn a_new_booking_decided_without_an_answer_is_deferred_and_found_to_be_ours() {
    let world = World::new();
    world.faults.once(Call::Decide, Fault::Unknown);
    let answer = world.append("B", Some(0), &[draft(1)]).await.is(202);
    assert_eq!(answer.member("status"), "deferred");
    assert_eq!(world.read("B").await.is(200).statuses(), ["pending"], "it was accepted after all");
    world.heal().await;
    assert_eq!((world.recorded("B"), world.published("B")), (vec![1], vec![1]));
    assert!(world.published_conflicts().is_empty());
}

#[tokio::test]
async fn a_new_booking_decided_without_an_answer_is_unknown_when_it_can_not_be_deferred() {
    for deferred_accept in [false, true] {
        let world = World::with_policy(deferred_accept);
        world.faults.once(Call::Decide, Fault::Unknown);
        world.faults.down(Store::Queue);
        let answer = world.append("B", Some(0), &[draft(1)]).await.is_problem(503, "store-unavailable");
        assert_eq!(answer.member("outcome"), "unknown");
        let retry = world.append("B", Some(0), &[draft(1)]).await.is(200);
        assert_eq!((retry.member("status"), retry.versions()), ("recorded", vec![1]));
        world.append("B", Some(0), &[draft(2)]).await.is_problem(409, "booking-code-taken");
        world.heal().await;
    }
}

#[tokio::test]
async fn a_later_event_decided_without_an_answer_is_unknown_and_its_retry_finds_it() {
    for (expected, version) in LATER {
        let world = World::new();
        let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
        world.faults.once(Call::Decide, Fault::Unknown);
        let answer = world.append("B", expected, &[draft(2)]).await.is_problem(503, "store-unavailable");
        assert_eq!(answer.member("outcome"), "unknown");
        let retry = world.append("B", expected, &[draft(2)]).await.is(200);
        assert_eq!((retry.member("status"), retry.versions()), ("recorded", vec![version]));
        assert_eq!(retry.header("idempotency-replayed"), Some("true"));
        world.heal().await;
        assert_eq!(world.recorded("B"), [1, 2]);
    }
}

/// Nobody retries: the stream has seen it.
#[tokio::test]
async fn an_unknown_decision_nobody_asks_about_heals_all_the_same() {
    for (expected, version) in LATER {
        let world = World::new();
        let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
        world.faults.once(Call::Decide, Fault::Unknown);
        let _ = world.append("B", expected, &[draft(2)]).await.is(503);
        world.heal().await;
        assert_eq!(world.published("B"), (1..=version).collect::<Vec<_>>());
    }
}

/// A retry in between may itself go unanswered, any number of times: one version.
#[tokio::test]
async fn however_often_the_answer_is_lost_there_is_one_version() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
    world.faults.silent(Store::Reservations);
    for _ in 0..4 {
        let _ = world.append("B", None, &[draft(2)]).await.is(503);
        let _ = world.append("B", Some(1), &[draft(2)]).await.is(503);
    }
    world.heal().await;
    assert_eq!(world.read("B").await.event_ids(), [event_id(1), event_id(2)]);
}

#[tokio::test]
async fn an_event_recorded_without_an_answer_is_pending_and_then_recorded_once() {
    for unanswered in 0..3 {
        let world = World::new();
        world.faults.script(
            Call::Record,
            (0..3).map(|i| if i == unanswered { Fault::Unknown } else { Fault::Pass }).take(unanswered + 1),
        );
        let answer = world.append("B", Some(0), &[draft(1), draft(2), draft(3)]).await.is(202);
        assert_eq!((answer.member("status"), answer.versions()), ("pending", vec![1, 2, 3]));
        assert_eq!(world.recorded("B").len(), unanswered + 1);
        let read = world.read("B").await.is(200);
        assert_eq!(read.versions(), [1, 2, 3]);
        world.heal().await;
        assert_eq!(world.published("B"), [1, 2, 3]);
    }
}

#[tokio::test]
async fn a_trim_without_an_answer_publishes_nothing_twice() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(201);
    world.faults.once(Call::Trim, Fault::Unknown);
    assert!(world.pump_stream().await);
    assert_eq!(world.head_and_settled("B"), Some((2, 2)));
    assert_eq!(world.memory.queue.bodies().len(), 1, "the queue looks after it");
    world.heal().await;
    assert_eq!(world.published("B"), [1, 2]);
}

#[tokio::test]
async fn a_publication_without_an_answer_is_made_again() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(201);
    world.faults.once(Call::Publish, Fault::Unknown);
    assert!(world.pump_stream().await);
    assert_eq!(world.published("B"), [1], "it stopped at the doubt");
    world.heal().await;
    assert_eq!(world.published("B"), [1, 1, 2]);
}

#[tokio::test]
async fn a_message_sent_without_an_answer_is_there() {
    let world = World::new();
    world.faults.down(Store::Events);
    world.faults.once(Call::Send, Fault::Unknown);
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
    assert_eq!(world.memory.queue.bodies().len(), 1);
    world.heal().await;
}

/// The arbiter is down for certain, and the queue's answer is lost: the event may come to be, so it is unknown.
#[tokio::test]
async fn a_deferral_without_an_answer_is_unknown_and_nothing_is_lost() {
    let world = World::new();
    world.faults.down_with(Store::Reservations, FailureKind::Unreachable);
    world.faults.once(Call::Send, Fault::Unknown);
    let answer = world.append("B", Some(0), &[draft(1)]).await.is_problem(503, "store-unavailable");
    assert_eq!(answer.member("outcome"), "unknown");
    world.heal().await;
    assert_eq!(world.recorded("B"), [1], "the message was there");
    let retry = world.append("B", Some(0), &[draft(1)]).await.is(200);
    assert_eq!(retry.versions(), [1]);
}

#[tokio::test]
async fn a_conflict_kept_without_an_answer_is_kept_once() {
    let world = World::new();
    world.faults.once(Call::Decide, Fault::Fail(FailureKind::Unreachable));
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
    let _ = world.append("B", Some(0), &[draft(2)]).await.is(201);
    world.faults.once(Call::KeepConflict, Fault::Unknown);
    world.heal().await;
    assert_eq!(world.published_conflicts(), [event_id(1)]);
}
