//! Drain: fallback queue to settled, in order, without ever deleting what is not.

use std::time::Duration;

use booking_store::failure::{FailureKind, Store};
use booking_store::limits::MAX_TRIM;
use booking_tests::{Call, Fault, World, draft, event_id};

/// Forty appends of one booking and five others, events table down; everything comes out in version order.
#[tokio::test]
async fn after_a_long_outage_everything_is_settled_in_version_order() {
    let world = World::new();
    world.faults.down(Store::Events);
    for n in 1..=40 {
        let expected = if n % 3 == 0 { None } else { Some(n - 1) };
        let _ = world.append("LONG", expected, &[draft(n)]).await.is(202);
        world.wait(Duration::from_secs(60));
        if n % 8 == 0 {
            let _ = world.append(&format!("OTHER-{n}"), Some(0), &[draft(100 + n)]).await.is(202);
            world.pump_stream().await;
            world.drain_queue().await;
        }
    }
    assert_eq!(world.recorded("LONG"), [0u64; 0]);
    assert_eq!(world.read("LONG").await.is(200).versions(), (1..=40).collect::<Vec<_>>());
    world.heal().await;
    assert_eq!(world.published("LONG"), (1..=40).collect::<Vec<_>>(), "each once, in order");
    assert_eq!(world.read("LONG").await.statuses(), ["recorded"; 40]);
}

#[tokio::test]
async fn a_failing_store_keeps_the_message_and_backs_off_further_each_time() {
    for (call, store) in
        [(Call::Claims, Store::Reservations), (Call::Highest, Store::Events), (Call::Publish, Store::Bus)]
    {
        let world = World::new();
        world.faults.once(Call::Record, Fault::Fail(FailureKind::Unreachable));
        let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
        world.faults.down(store);
        for pause in [1, 2, 4, 8, 16] {
            world.faults.take_calls();
            assert_eq!(world.drain_queue().await, 0);
            let calls = world.faults.take_calls();
            assert!(calls.contains(&call) && calls.ends_with(&[Call::BackOff]), "{calls:?}");
            world.wait(Duration::from_secs(pause) - Duration::from_millis(1));
            assert!(world.memory.queue.receive(1, Duration::ZERO).is_empty(), "hidden for {pause} s");
            world.wait(Duration::from_millis(1));
        }
        assert_eq!(world.memory.queue.bodies().len(), 1);
        assert!(world.memory.queue.dead_letters().is_empty());
        world.heal().await;
        assert_eq!(world.published("B"), [1]);
    }
}

/// An outage of days must not push good messages to the dead-letter queue.
#[tokio::test]
async fn after_days_of_outage_the_message_is_still_there() {
    let world = World::new();
    world.faults.down(Store::Events);
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
    world.pump_stream().await;
    for _ in 0..4 * 24 * 3 {
        assert_eq!(world.drain_queue().await, 0);
        world.wait(Duration::from_secs(900));
    }
    assert!(world.memory.queue.dead_letters().is_empty());
    let received = world.memory.queue.receive(1, Duration::ZERO);
    assert!(received[0].receives < booking_store::limits::DRAIN_MAX_RECEIVES, "{}", received[0].receives);
    world.heal().await;
}

/// One message settles the whole booking; the others for it find nothing left to do.
#[tokio::test]
async fn an_order_to_settle_what_is_settled_does_nothing() {
    let world = World::new();
    world.faults.script(Call::Record, [Fault::Fail(FailureKind::Throttled)]);
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
    world.faults.once(Call::Highest, Fault::Fail(FailureKind::Throttled));
    let _ = world.append("B", Some(1), &[draft(2)]).await.is(202);
    assert_eq!(world.memory.queue.bodies().len(), 2);
    assert_eq!(world.drain_queue().await, 2);
    assert_eq!(world.published("B"), [1, 2]);
    world.heal().await;
}

/// An append between the drainer's look and its trim survives the trim.
#[tokio::test]
async fn what_is_appended_while_draining_is_not_trimmed() {
    for call in [Call::Record, Call::Publish, Call::Trim] {
        let world = World::new();
        world.faults.once(Call::Record, Fault::Fail(FailureKind::Unreachable));
        let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
        let writer = world.clone();
        let append = async move {
            let _ = writer.append("B", Some(1), &[draft(2)]).await.is(201);
        };
        world.faults.once(call, Fault::meanwhile(append));
        assert_eq!(world.drain_queue().await, 1);
        assert_eq!(world.head_and_settled("B"), Some((2, 1)), "{call:?}");
        assert_eq!(world.read("B").await.event_ids(), [event_id(1), event_id(2)]);
        world.heal().await;
        assert_eq!(world.published("B"), [1, 2]);
    }
}

/// Drainer and publisher settle the same booking at once.
#[tokio::test]
async fn a_publisher_overtakes_the_drainer() {
    for call in [Call::Publish, Call::Trim] {
        let world = World::new();
        world.faults.once(Call::Record, Fault::Unknown);
        let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
        let publisher = world.clone();
        let publish = async move {
            let _ = publisher.append("B", Some(1), &[draft(2)]).await.is(201);
            assert!(publisher.pump_stream().await);
        };
        world.faults.once(call, Fault::meanwhile(publish));
        assert_eq!(world.drain_queue().await, 1);
        world.heal().await;
        assert_eq!(world.head_and_settled("B"), Some((2, 2)));
    }
}

/// More events pending than one trim removes.
#[tokio::test]
async fn more_pending_events_than_one_trim_takes() {
    let world = World::new();
    world.faults.down(Store::Events);
    for n in 0..10u64 {
        let events: Vec<_> = (1..=25).map(|i| draft(n * 25 + i)).collect();
        let expected = if n == 0 { Some(0) } else { None };
        let _ = world.append("B", expected, &events).await.is(202);
    }
    world.faults.all_up();
    world.faults.take_calls();
    assert_eq!(world.drain_queue().await, 10);
    let trims = world.faults.take_calls().into_iter().filter(|call| *call == Call::Trim).count();
    assert_eq!(trims, 3);
    assert_eq!(world.published("B"), (1..=250).collect::<Vec<_>>());
    world.heal().await;
}

/// A backlog longer than one trim makes progress however often it is interrupted.
#[tokio::test]
async fn what_was_published_of_a_long_backlog_is_settled_before_the_rest() {
    let world = World::new();
    world.faults.down(Store::Events);
    for n in 0..6u64 {
        let events: Vec<_> = (1..=25).map(|i| draft(n * 25 + i)).collect();
        let _ = world.append("B", if n == 0 { Some(0) } else { None }, &events).await.is(202);
    }
    world.faults.all_up();
    world.faults.script(Call::Publish, (0..120).map(|_| Fault::Pass));
    world.faults.once(Call::Publish, Fault::Fail(FailureKind::Throttled));
    assert_eq!(world.drain_queue().await, 0);
    assert_eq!(world.published("B").len(), 120);
    assert_eq!(world.head_and_settled("B"), Some((150, MAX_TRIM as u64)));
    world.heal().await;
}
