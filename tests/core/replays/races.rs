//! Two workers on one replay, and a cancellation in the middle of one.

use std::time::Duration;

use booking_store::failure::FailureKind;
use booking_store::limits::REPLAY_CHECKPOINT;
use booking_tests::{Call, Fault, sqs_event};
use serde_json::json;

use super::rig::Rig;

const BOOKINGS: [(&str, u64); 3] = [("A", 9), ("B", 1), ("C", 20)];

/// Before the first worker's nth save another one has the same message and works as long as it may.
#[tokio::test]
async fn of_two_workers_the_later_one_to_save_stops() {
    // A turn of 12 s saves after 5 s, after 10 s and at its end.
    for (saves_before, winners_figure) in [(0, 12), (1, 5 + 12), (2, 10 + 12)] {
        let rig = Rig { budget: Duration::from_secs(12), ..Rig::with(&BOOKINGS).await };
        rig.order_all_at(1).await;
        let message = rig.receive().unwrap();
        let (other, twin) = (rig.clone(), message.clone());
        let meanwhile = Fault::meanwhile(async move {
            assert!(other.work(sqs_event(&[twin])).await.is_empty());
        });
        rig.world.faults.script(Call::SaveReplay, (0..saves_before).map(|_| Fault::Pass).chain([meanwhile]));
        let kept = rig.work(sqs_event(std::slice::from_ref(&message))).await;
        assert_eq!(
            kept,
            std::slice::from_ref(&message.receipt),
            "the winner may die yet: the loser leaves the message"
        );
        assert_eq!(rig.shown().await["events_sent"], winners_figure, "what the loser sent is not counted");
        rig.run().await;
        rig.done(&BOOKINGS).await;
    }
}

/// A slow worker finds the replay ended by another one.
#[tokio::test]
async fn a_worker_behind_the_end_deletes_its_message() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    let message = rig.receive().unwrap();
    let (other, twin) = (rig.clone(), message.clone());
    let meanwhile = Fault::meanwhile(async move { drop(other.work(sqs_event(&[twin])).await) });
    rig.world.faults.once(Call::SaveReplay, meanwhile);
    assert!(rig.work(sqs_event(std::slice::from_ref(&message))).await.is_empty());
    rig.turns.delete(&message.receipt);
    rig.done(&BOOKINGS).await;
}

/// A cancellation is heeded at the next checkpoint, and what was sent until then is counted.
#[tokio::test]
async fn a_cancellation_ends_it_within_a_checkpoint() {
    for already_sent in [0, 4, 17] {
        let rig = Rig::with(&BOOKINGS).await;
        rig.order_all_at(1).await;
        let other = rig.clone();
        let cancelled = Fault::meanwhile(async move {
            let answer = other.cancel().await.is(200);
            assert_eq!(answer.json["status"], "cancelled");
        });
        rig.world.faults.script(Call::Publish, (0..already_sent).map(|_| Fault::Pass).chain([cancelled]));
        rig.run().await;
        rig.world.faults.assert_spent();
        let shown = rig.shown().await;
        assert_eq!((&shown["status"], &shown["events_sent"]), (&json!("cancelled"), &json!(rig.sendings())));
        let sent_since = rig.sendings() - already_sent;
        assert!(sent_since <= REPLAY_CHECKPOINT.as_secs(), "{sent_since} events after the cancellation");
        assert!(rig.sendings() < 30 && !shown["finished_at"].is_null());
        let again = rig.cancel().await.is(200);
        assert_eq!(again.json, shown, "a second cancellation changes nothing");
    }
}

#[tokio::test]
async fn a_replay_cancelled_before_its_first_turn_sends_nothing() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    let _ = rig.cancel().await.is(200);
    rig.run().await;
    assert_eq!((rig.sendings(), &rig.shown().await["status"]), (0, &json!("cancelled")));
    assert!(rig.turns.bodies().is_empty());
}

/// The worker saves between the cancellation's look and its write: it looks again, and gives up only after many times.
#[tokio::test]
async fn a_cancellation_that_is_overtaken_tries_again() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all_at(1).await;
    let saves = |rig: &Rig| {
        let store = rig.replays.clone();
        Fault::meanwhile(async move {
            use booking_store::replays::{ReplayId, Replays};
            let replay = store.get(ReplayId::parse(super::rig::ID).unwrap()).await.unwrap().unwrap();
            store.save(&replay).await.unwrap();
        })
    };
    rig.world.faults.script(Call::SaveReplay, [saves(&rig), saves(&rig)]);
    assert_eq!(rig.cancel().await.is(200).json["status"], "cancelled");

    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all_at(1).await;
    rig.world.faults.script(Call::SaveReplay, (0..8).map(|_| saves(&rig)));
    let answer = rig.cancel().await;
    answer.clone().is_problem(503, "store-unavailable");
    assert_eq!(answer.json["outcome"], "not_accepted");
    assert_eq!(rig.shown().await["status"], "running");
    assert_eq!(rig.cancel().await.is(200).json["status"], "cancelled");
}

#[tokio::test]
async fn a_cancellation_without_an_answer_is_unknown_and_may_be_sent_again() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    rig.world.faults.once(Call::SaveReplay, Fault::Unknown);
    let answer = rig.cancel().await;
    answer.clone().is_problem(503, "store-unavailable");
    assert_eq!(answer.json["outcome"], "unknown");
    let _ = rig.cancel().await.is(200);
    rig.world.faults.once(Call::GetReplay, Fault::Fail(FailureKind::NoAnswer));
    let answer = rig.cancel().await;
    answer.clone().is_problem(503, "store-unavailable");
    assert_eq!(answer.json["outcome"], "not_accepted", "a look changes nothing");
}

#[tokio::test]
async fn what_has_ended_can_not_be_cancelled() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    rig.run().await;
    rig.cancel().await.is_problem(409, "replay-not-running");
    rig.done(&BOOKINGS).await;
}
