//! A process may die after any step. Stream or queue own what it leaves.

use booking_store::failure::{FailureKind, Store};
use booking_tests::{Call, Fault, World, draft};

/// Where a writer of three events dies: the call, how many of its kind pass before, and whether the store still acts.
const WRITER: [(Call, usize, bool); 6] = [
    (Call::Decide, 0, true),
    (Call::Record, 0, false),
    (Call::Record, 0, true),
    (Call::Record, 1, false),
    (Call::Record, 2, false),
    (Call::Record, 2, true),
];

fn dying(world: &World, call: Call, after: usize, acts: bool) {
    world.faults.script(call, (0..after).map(|_| Fault::Pass));
    world.faults.once(call, if acts { Fault::CrashAfter } else { Fault::CrashBefore });
}

#[tokio::test]
async fn a_writer_dies_after_its_decision() {
    for (call, after, acts) in WRITER {
        for expected in [Some(0), Some(1), None] {
            let world = World::new();
            if expected != Some(0) {
                let _ = world.append("B", Some(0), &[draft(9)]).await.is(201);
            }
            let first = if expected == Some(0) { 1 } else { 2 };
            dying(&world, call, after, acts);
            let events = [draft(1), draft(2), draft(3)];
            world.append_crashing("B", expected, &events);
            let wanted: Vec<u64> = (1..first + 3).collect();
            assert_eq!(world.read("B").await.is(200).versions(), wanted, "accepted is readable");
            assert!(world.pump_stream().await);
            world.drain_queue().await;
            assert_eq!(world.published("B"), wanted, "{call:?} {after} {acts} {expected:?}");
            world.heal().await;
            let retry = world.append("B", expected, &events).await.is(200);
            assert_eq!(retry.versions(), (first..first + 3).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_writer_dies_before_its_decision_and_nothing_has_happened() {
    let world = World::new();
    world.faults.once(Call::Decide, Fault::CrashBefore);
    world.append_crashing("B", Some(0), &[draft(1)]);
    let _ = world.read("B").await.is(404);
    let _ = world.append("B", Some(0), &[draft(2)]).await.is(201);
    world.heal().await;
}

/// A writer that never came to tell the queue, in an outage: the stream tells it.
#[tokio::test]
async fn a_writer_dies_before_it_hands_over() {
    for acts in [false, true] {
        let world = World::new();
        world.faults.down(Store::Events);
        dying(&world, Call::Send, 0, acts);
        world.append_crashing("B", Some(0), &[draft(1)]);
        assert_eq!(world.memory.queue.bodies().len(), usize::from(acts));
        assert!(world.pump_stream().await);
        assert_eq!(world.memory.queue.bodies().len(), 1, "one order, whoever gave it");
        world.heal().await;
        assert_eq!(world.published("B"), [1]);
    }
}

#[tokio::test]
async fn a_publisher_dies_anywhere() {
    let steps = [(Call::Highest, 0), (Call::Publish, 0), (Call::Publish, 1), (Call::Publish, 2), (Call::Trim, 0)];
    for (call, after) in steps {
        for acts in [false, true] {
            let world = World::new();
            let _ = world.append("B", Some(0), &[draft(1), draft(2), draft(3)]).await.is(201);
            dying(&world, call, after, acts);
            world.pump_stream_crashing();
            let _ = world.append("B", Some(3), &[draft(4)]).await.is(201);
            world.heal().await;
            assert_eq!(world.head_and_settled("B"), Some((4, 4)), "{call:?} {after} {acts}");
        }
    }
}

#[tokio::test]
async fn a_publisher_dies_handing_over() {
    for acts in [false, true] {
        let world = World::new();
        world.faults.once(Call::Publish, Fault::Fail(FailureKind::Throttled));
        let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
        dying(&world, Call::Send, 0, acts);
        world.pump_stream_crashing();
        world.heal().await;
        assert_eq!(world.head_and_settled("B"), Some((1, 1)));
    }
}

#[tokio::test]
async fn a_drainer_dies_anywhere() {
    let steps = [
        (Call::Claims, 0),
        (Call::Highest, 0),
        (Call::Record, 0),
        (Call::Record, 1),
        (Call::Publish, 0),
        (Call::Publish, 1),
        (Call::Trim, 0),
    ];
    for (call, after) in steps {
        for acts in [false, true] {
            let world = World::new();
            world.faults.once(Call::Record, Fault::Fail(FailureKind::Unreachable));
            let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(202);
            dying(&world, call, after, acts);
            world.drain_queue_crashing();
            assert_eq!(world.memory.queue.bodies().len(), 1, "only what is settled is deleted");
            world.heal().await;
            assert_eq!(world.head_and_settled("B"), Some((2, 2)), "{call:?} {after} {acts}");
        }
    }
}

/// A drainer of a deferred booking, which wins or loses its code.
#[tokio::test]
async fn a_drainer_of_a_deferred_booking_dies_anywhere() {
    for (call, loses) in
        [(Call::Decide, false), (Call::Decide, true), (Call::KeepConflict, true), (Call::Claims, false)]
    {
        for acts in [false, true] {
            let world = World::new();
            world.faults.once(Call::Decide, Fault::Fail(FailureKind::Unreachable));
            let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(202);
            if loses {
                let _ = world.append("B", Some(0), &[draft(3)]).await.is(201);
            }
            dying(&world, call, 0, acts);
            world.drain_queue_crashing();
            world.heal().await;
            assert_eq!(world.published_conflicts().len(), if loses { 2 } else { 0 }, "{call:?} {acts}");
            assert_eq!(world.head_and_settled("B"), Some(if loses { (1, 1) } else { (2, 2) }));
        }
    }
}
