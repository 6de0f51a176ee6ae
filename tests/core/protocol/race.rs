//! The race of the problem statement: node A decides and fails to record, node B claims the same code. One arbiter,
//! asked first and always, so the code has one owner whatever else fails.

use booking_store::failure::{FailureKind, Store};
use booking_tests::{Call, Fault, World, draft, event_id};

/// What becomes of A's append after its decision.
const AFTER_THE_DECISION: [&str; 5] =
    ["record fails", "record is unknown", "queue fails too", "crash", "still at work"];

async fn a_decides(world: &World, then: &str) {
    let append = async || world.append("LH4711", Some(0), &[draft(1)]).await;
    match then {
        "record fails" => world.faults.once(Call::Record, Fault::Fail(FailureKind::Unreachable)),
        "record is unknown" => world.faults.once(Call::Record, Fault::Unknown),
        "queue fails too" => {
            world.faults.once(Call::Record, Fault::Fail(FailureKind::NoAnswer));
            world.faults.once(Call::Send, Fault::Fail(FailureKind::NoAnswer));
        }
        "crash" => {
            world.faults.once(Call::Record, Fault::CrashBefore);
            return world.append_crashing("LH4711", Some(0), &[draft(1)]);
        }
        _ => {
            let node_b = world.clone();
            let claim = async move { node_b_claims(&node_b).await };
            world.faults.once(Call::Record, Fault::meanwhile(claim));
            let _ = append().await.is(201);
            return;
        }
    }
    let answer = append().await.is(202);
    assert_eq!((answer.member("status"), answer.member("uniqueness")), ("pending", "confirmed"));
}

async fn node_b_claims(world: &World) {
    for other_stores_down in [false, true] {
        if other_stores_down {
            world.faults.down(Store::Events);
            world.faults.down(Store::Queue);
        }
        world.append("LH4711", Some(0), &[draft(2)]).await.is_problem(409, "booking-code-taken");
        world.faults.all_up();
    }
}

#[tokio::test]
async fn the_second_claimant_is_told_whatever_became_of_the_first() {
    for then in AFTER_THE_DECISION {
        let world = World::new();
        a_decides(&world, then).await;
        node_b_claims(&world).await;
        let read = world.read("LH4711").await.is(200);
        assert_eq!(read.event_ids(), [event_id(1)], "{then}");
        world.heal().await;
        node_b_claims(&world).await;
        let read = world.read("LH4711").await.is(200);
        assert_eq!((read.event_ids(), read.statuses()), (vec![event_id(1)], vec!["recorded"]), "{then}");
        assert!(world.published_conflicts().is_empty(), "{then}");
    }
}

/// The events table is no arbiter: it is not even asked when a code is claimed.
#[tokio::test]
async fn a_claim_is_decided_by_the_reservation_alone() {
    let world = World::new();
    let _ = world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    world.faults.take_calls();
    world.append("LH4711", Some(0), &[draft(2)]).await.is_problem(409, "booking-code-taken");
    assert_eq!(world.faults.take_calls(), [Call::Decide]);
    let _ = world.append("LH4712", Some(0), &[draft(3)]).await.is(201);
    assert_eq!(world.faults.take_calls(), [Call::Decide, Call::Record]);
    world.heal().await;
}

/// Two writers behind the same version: one gets the next one, the other the actual version and nothing written.
#[tokio::test]
async fn of_two_writers_behind_one_version_one_is_told_the_actual_version() {
    let world = World::new();
    let _ = world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    let other = world.clone();
    let first = async move {
        let _ = other.append("LH4711", Some(1), &[draft(2), draft(3)]).await.is(201);
    };
    world.faults.once(Call::Decide, Fault::meanwhile(first));
    let answer = world.append("LH4711", Some(1), &[draft(4)]).await.is_problem(409, "version-conflict");
    assert_eq!((&answer.json["expected_version"], &answer.json["actual_version"]), (&1.into(), &3.into()));
    world.heal().await;
    assert_eq!(world.read("LH4711").await.event_ids(), [event_id(1), event_id(2), event_id(3)]);
}

/// Writers at the end don't conflict: both get a version, and the later one records the earlier one's event first.
#[tokio::test]
async fn two_writers_at_the_end_both_get_a_version() {
    let world = World::new();
    let _ = world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    let other = world.clone();
    let second = async move {
        let answer = other.append("LH4711", None, &[draft(3)]).await.is(201);
        assert_eq!(answer.versions(), [3]);
        assert_eq!(other.recorded("LH4711"), [1, 2, 3], "the second writer helped the first");
    };
    world.faults.once(Call::Record, Fault::meanwhile(second));
    let answer = world.append("LH4711", None, &[draft(2)]).await.is(201);
    assert_eq!(answer.versions(), [2]);
    world.heal().await;
    assert_eq!(world.published("LH4711"), [1, 2, 3]);
}
