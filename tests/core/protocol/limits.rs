//! What a reservation item may hold, and what an append may bring.

use booking_store::failure::{FailureKind, Store};
use booking_store::limits::{MAX_DATA_BYTES, MAX_EVENTS_PER_APPEND, MAX_PENDING_BYTES, MAX_REQUEST_BYTES};
use booking_tests::{Call, Fault, World, body, draft};

/// A booking with as many pending events of 60,000 bytes as fit; their number.
async fn full_booking() -> (World, u64) {
    let world = World::new();
    world.faults.down(Store::Events);
    let _ = world.append("B", Some(0), &[draft(1).of_bytes(60_000)]).await.is(202);
    for n in 2.. {
        let answer = world.append("B", Some(n - 1), &[draft(n).of_bytes(60_000)]).await;
        if answer.status != 202 {
            let answer = answer.is_problem(503, "pending-limit-reached");
            assert_eq!((answer.header("retry-after"), answer.member("outcome")), (Some("2"), "not_accepted"));
            return (world, n - 1);
        }
    }
    unreachable!("the limit is never reached")
}

#[tokio::test]
async fn a_booking_with_300_kb_unsettled_takes_no_more_until_some_is_settled() {
    let (world, head) = full_booking().await;
    assert_eq!(head, MAX_PENDING_BYTES / 60_300);
    let before = world.memory.reservations.all();
    for expected in [Some(head), None] {
        world.append("B", expected, &[draft(99).of_bytes(60_000)]).await.is_problem(503, "pending-limit-reached");
    }
    assert_eq!(world.memory.reservations.all(), before, "nothing is written");
    let _ = world.append("B", None, &[draft(50)]).await.is(202);
    assert_eq!(world.read("B").await.is(200).versions().len() as u64, head + 1);
    world.heal().await;
    let _ = world.append("B", None, &[draft(99).of_bytes(60_000)]).await.is(201);
    world.heal().await;
}

/// What was accepted is known in a full item too, and a wrong version is told.
#[tokio::test]
async fn a_full_booking_still_knows_its_events_and_its_version() {
    let (world, head) = full_booking().await;
    let answer = world.append("B", Some(1), &[draft(2).of_bytes(60_000)]).await.is(200);
    assert_eq!(answer.versions(), [2]);
    world.append("B", Some(1), &[draft(99).of_bytes(60_000)]).await.is_problem(409, "version-conflict");
    world.append("B", Some(0), &[draft(99).of_bytes(60_000)]).await.is_problem(409, "booking-code-taken");
    assert_eq!(world.head_and_settled("B"), Some((head, 0)));
    world.heal().await;
}

/// Creating a booking is never blocked by its size: the largest request fits into an empty item.
#[tokio::test]
async fn the_largest_request_creates_a_booking() {
    let world = World::new();
    let count = MAX_EVENTS_PER_APPEND as u64;
    let fits = |bytes: usize| {
        let events: Vec<_> = (1..=count).map(|n| draft(n).of_bytes(bytes)).collect();
        (body(Some(0), &events).len() <= MAX_REQUEST_BYTES).then_some(events)
    };
    let events = (10_000..11_000).rev().find_map(fits).expect("some size fits");
    world.faults.down(Store::Events);
    assert_eq!(world.append("B", Some(0), &events).await.is(202).versions().len() as u64, count);
    world.heal().await;
    let largest = [4, 5, 6].map(|n| draft(n + 100).of_bytes(MAX_DATA_BYTES));
    let _ = world.append("B", None, &largest).await.is(201);
    world.heal().await;
}

/// The store's own limit, should ours be wrong: refused with nothing written, not taken for an outage.
#[tokio::test]
async fn an_item_the_store_finds_too_large_is_the_same_refusal() {
    for expected in [Some(1), None] {
        let world = World::new();
        let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
        world.faults.once(Call::Decide, Fault::Fail(FailureKind::TooLarge));
        world.append("B", expected, &[draft(2)]).await.is_problem(503, "pending-limit-reached");
        world.heal().await;
        assert_eq!(world.recorded("B"), [1]);
    }
}
