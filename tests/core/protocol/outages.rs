//! PROTOCOL's last table, every row, for every way a store can refuse before it acts.

use booking_store::failure::{FailureKind, Store};
use booking_tests::{World, draft};

/// Kinds of failure of a store that has not acted. `NoAnswer` and `ServerError` can't be told from one that has.
const KINDS: [FailureKind; 7] = [
    FailureKind::Unreachable,
    FailureKind::CircuitOpen,
    FailureKind::NoAnswer,
    FailureKind::ServerError,
    FailureKind::Throttled,
    FailureKind::Contended,
    FailureKind::Refused,
];

/// One row: which stores are up, and the status and `status` of the answers.
struct Row {
    reservations: bool,
    events: bool,
    queue: bool,
    deferred_accept: bool,
    new: (u16, &'static str),
    later: (u16, &'static str),
}

const RECORDED: (u16, &str) = (201, "recorded");
const PENDING: (u16, &str) = (202, "pending");
const DEFERRED: (u16, &str) = (202, "deferred");
const UNAVAILABLE: (u16, &str) = (503, "");

const fn row(up: [bool; 3], deferred_accept: bool, new: (u16, &'static str), later: (u16, &'static str)) -> Row {
    let [reservations, events, queue] = up;
    Row { reservations, events, queue, deferred_accept, new, later }
}

const ROWS: [Row; 12] = [
    row([true, true, true], true, RECORDED, RECORDED),
    row([true, true, false], true, RECORDED, RECORDED),
    row([true, false, true], true, PENDING, PENDING),
    row([true, false, false], true, PENDING, PENDING),
    row([true, false, false], false, PENDING, PENDING),
    row([false, true, true], true, DEFERRED, UNAVAILABLE),
    row([false, false, true], true, DEFERRED, UNAVAILABLE),
    row([false, true, true], false, UNAVAILABLE, UNAVAILABLE),
    row([false, false, true], false, UNAVAILABLE, UNAVAILABLE),
    row([false, true, false], true, UNAVAILABLE, UNAVAILABLE),
    row([false, false, false], true, UNAVAILABLE, UNAVAILABLE),
    row([false, false, false], false, UNAVAILABLE, UNAVAILABLE),
];

async fn try_row(row: &Row, kind: FailureKind) {
    let world = World::with_policy(row.deferred_accept);
    let _ = world.append("OLD-1", Some(0), &[draft(1)]).await.is(201);
    let _ = world.append("OLD-2", Some(0), &[draft(2)]).await.is(201);
    world.settle().await;
    let stores = [(Store::Reservations, row.reservations), (Store::Events, row.events), (Store::Queue, row.queue)];
    for (store, _) in stores.into_iter().filter(|(_, up)| !up) {
        world.faults.down_with(store, kind);
    }
    let new = world.append("NEW", Some(0), &[draft(3)]).await;
    let exact = world.append("OLD-1", Some(1), &[draft(4)]).await;
    let end = world.append("OLD-2", None, &[draft(5)]).await;
    let outcome = if kind.certainly_no_effect() { "not_accepted" } else { "unknown" };
    for (answer, (status, word)) in [(&new, row.new), (&exact, row.later), (&end, row.later)] {
        assert_eq!((answer.status, answer.member("status")), (status, word), "{kind:?}: {}", answer.text);
        if status == 503 {
            assert_eq!(answer.member("code"), "store-unavailable");
            assert_eq!(answer.member("outcome"), outcome, "{kind:?}: {}", answer.text);
            assert_eq!(answer.header("retry-after"), Some("2"));
        }
    }
    world.heal().await;
    let versions = async |code: &str| world.read(code).await.versions();
    assert_eq!(versions("NEW").await, if row.new == UNAVAILABLE { vec![] } else { vec![1] }, "{kind:?}");
    let later = if row.later == UNAVAILABLE { vec![1] } else { vec![1, 2] };
    assert_eq!(versions("OLD-1").await, later, "{kind:?}");
    assert_eq!(versions("OLD-2").await, later, "{kind:?}");
    assert_eq!(world.read("NEW").await.status, if row.new == UNAVAILABLE { 404 } else { 200 });
}

#[tokio::test]
async fn every_row_is_answered_as_the_protocol_says() {
    for row in &ROWS {
        for kind in KINDS {
            try_row(row, kind).await;
        }
    }
}

/// A slow bus or none at all is nobody's business but the publisher's.
#[tokio::test]
async fn a_dead_bus_never_shows_in_an_answer() {
    let world = World::new();
    world.faults.down(Store::Bus);
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
    let _ = world.append("B", Some(1), &[draft(2)]).await.is(201);
    assert!(world.pump_stream().await, "the queue has it");
    assert_eq!(world.published("B"), [0u64; 0]);
    world.heal().await;
    assert_eq!(world.published("B"), [1, 2]);
}

/// What was accepted before an outage of the arbiter stays readable from the record, if the reader knows its version.
#[tokio::test]
async fn a_batch_is_accepted_pending_as_a_whole() {
    let world = World::new();
    world.faults.down(Store::Events);
    let answer = world.append("B", Some(0), &[draft(1), draft(2), draft(3)]).await.is(202);
    assert_eq!(answer.versions(), [1, 2, 3]);
    assert_eq!(world.read("B").await.is(200).statuses(), ["pending"; 3]);
    world.heal().await;
    assert_eq!(world.read("B").await.is(200).statuses(), ["recorded"; 3]);
    assert_eq!(world.published("B"), [1, 2, 3]);
}
