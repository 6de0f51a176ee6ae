//! A worker that dies at any of its calls, before it or behind it, and a message that comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use booking_store::failure::FailureKind;
use booking_tests::{Call, Fault, sqs_event};

use super::rig::{Rig, VISIBILITY};

const BOOKINGS: [(&str, u64); 4] = [("A", 9), ("B", 1), ("C", 12), ("D", 8)];

/// Thirty events, in turns of 12 s with checkpoints after 5 s and 10 s, at two events a second.
async fn ordered() -> Rig {
    let rig = Rig { budget: Duration::from_secs(12), ..Rig::with(&BOOKINGS).await };
    rig.order_all_at(2).await;
    rig.world.faults.take_calls();
    rig
}

/// Every call of a run without faults: its kind and which of its kind it is.
async fn calls() -> Vec<(Call, usize)> {
    let rig = ordered().await;
    rig.run().await;
    rig.done(&BOOKINGS).await;
    let mut seen: BTreeMap<Call, usize> = BTreeMap::new();
    let calls = rig.world.faults.take_calls().into_iter().map(|call| {
        let nth = seen.entry(call).or_default();
        *nth += 1;
        (call, *nth - 1)
    });
    // The last call is the test's own look at the replay.
    let mut calls: Vec<_> = calls.collect();
    calls.pop();
    calls
}

/// A rig in which the `nth` call of a kind meets `fault`.
async fn with_fault((call, nth): (Call, usize), fault: Fault) -> Rig {
    let rig = ordered().await;
    rig.world.faults.script(call, (0..nth).map(|_| Fault::Pass).chain([fault]));
    rig
}

#[tokio::test]
async fn it_dies_anywhere_and_goes_on() {
    let calls = calls().await;
    assert!(calls.len() > 40, "{calls:?}");
    for place in calls {
        for acts in [false, true] {
            let rig = with_fault(place, if acts { Fault::CrashAfter } else { Fault::CrashBefore }).await;
            rig.deliver_until_it_crashes().await;
            rig.run().await;
            rig.done(&BOOKINGS).await;
            rig.nothing_skipped();
        }
    }
}

/// A call that fails, or acts without an answer: the turn ends or goes on, and nothing is lost or counted twice.
#[tokio::test]
async fn any_call_fails_once_and_it_goes_on() {
    for place in calls().await {
        for fault in [Fault::Fail(FailureKind::Throttled), Fault::Fail(FailureKind::NoAnswer), Fault::Unknown] {
            let rig = with_fault(place, fault).await;
            rig.run().await;
            rig.done(&BOOKINGS).await;
            rig.nothing_skipped();
        }
    }
}

/// The process that ordered the next turn dies before its message is deleted: the message comes back, and orders that turn
/// again, long after the queue would drop the twin. The twins end, and the chain of turns is one.
#[tokio::test]
async fn turns_do_not_multiply() {
    let rig = Rig { budget: Duration::from_secs(2), ..ordered().await };
    for _ in 0..3 {
        let received = rig.receive().unwrap();
        assert!(rig.work(sqs_event(&[received])).await.is_empty());
        // Not deleted. It comes back in front of the turn that it has ordered.
        rig.world.wait(VISIBILITY);
    }
    assert_eq!(rig.turns.bodies().len(), 4, "turn 0, and turn 1 three times");
    // Turn 0 again, which orders turn 1 for the fourth time, and these.
    for _ in 0..5 {
        assert_eq!(rig.deliver().await, Some(false));
    }
    for turn in 2.. {
        assert!(turn < 20, "it never ends");
        let Some(body) = rig.turns.bodies().pop() else { break };
        assert_eq!(rig.turns.bodies().len(), 1, "behind turn 1 there is one of each: {body}");
        assert_eq!(rig.deliver().await, Some(false));
    }
    rig.done(&BOOKINGS).await;
}
