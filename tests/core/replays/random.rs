//! Any faults at any calls, in any number, while new events are appended: all is sent in the end, and counted once.

use std::time::Duration;

use booking_store::failure::FailureKind;
use booking_tests::{Call, Fault, draft, sqs_event};
use proptest::collection::vec;
use proptest::prelude::*;

use super::rig::{ID, Rig, VISIBILITY, or_die};

const BOOKINGS: [(&str, u64); 5] = [("A", 7), ("B", 1), ("C", 11), ("D", 3), ("E", 2)];
const CALLS: [Call; 7] = [
    Call::GetReplay,
    Call::SaveReplay,
    Call::SendTurn,
    Call::BookingsPage,
    Call::Range,
    Call::Publish,
    Call::BackOffTurn,
];

/// What befalls a call, as a number.
fn fault(rig: &Rig, kind: u8) -> Fault {
    match kind {
        0 => Fault::CrashBefore,
        1 => Fault::CrashAfter,
        2 => Fault::Unknown,
        3 => Fault::Fail(FailureKind::Unreachable),
        4 => Fault::Fail(FailureKind::Throttled),
        5 => {
            // Another worker gets the same message, as if it had become visible again.
            let other = rig.clone();
            Fault::meanwhile(async move {
                let body = format!(r#"{{"replay_id":"{}","turn":0}}"#, ID);
                let twin =
                    booking_tests::Delivered { receipt: "twin".to_owned(), group: "g".to_owned(), body, receives: 1 };
                or_die(other.work(sqs_event(&[twin]))).await;
            })
        }
        6 => {
            let world = rig.world.clone();
            Fault::meanwhile(async move {
                let n = 1_000 + world.memory.reservations.stream(0).len() as u64;
                let _ = world.append("A", None, &[draft(n)]).await;
            })
        }
        _ => Fault::Pass,
    }
}

async fn survives(rate: u32, budget: u64, script: Vec<(usize, u8)>) {
    let rig = Rig { budget: Duration::from_secs(budget), ..Rig::with(&BOOKINGS).await };
    rig.order_all_at(rate).await;
    for (call, kind) in script {
        rig.world.faults.once(CALLS[call], fault(&rig, kind));
    }
    for _ in 0..400 {
        if rig.turns.bodies().is_empty() {
            break;
        }
        // A worker that hangs has died: its time-out ends it, and its message comes back.
        if rig.deliver_or_die().await.is_none() {
            rig.world.wait(VISIBILITY);
        }
    }
    rig.world.faults.forget();
    rig.run().await;
    let shown = rig.shown().await;
    assert_eq!(shown["status"], "done", "{shown}");
    assert_eq!(shown["errors"], 0, "{shown}");
    let sent = rig.sent();
    let last = |code: &str| sent[code].iter().max().copied().unwrap_or(0);
    let listed = BOOKINGS.map(|(code, events)| (code, events.max(last(code))));
    rig.all_sent(&listed);
    let (least, most) = (events(&BOOKINGS), events(&listed));
    // Of two workers the one that loses may have listed `A` when it had grown further.
    let told = shown["events_sent"].as_u64().unwrap();
    assert!((least..=most).contains(&told), "each is counted once: {told} of {sent:?}");
}

fn events(bookings: &[(&str, u64)]) -> u64 {
    bookings.iter().map(|(_, events)| events).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_faults_anywhere(
        rate in 1u32..20,
        budget in 5u64..30,
        script in vec((0usize..CALLS.len(), 0u8..10), 0..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(survives(rate, budget, script));
    }
}
