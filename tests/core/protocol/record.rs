//! Record: lowest version first, helping others; what fails is left to the queue, and to the stream if that fails too.

use booking_store::failure::{FailureKind, Store};
use booking_store::limits::RECORD_BUDGET;
use booking_tests::{Call, Fault, World, draft};

fn fail() -> Fault {
    Fault::Fail(FailureKind::Unreachable)
}

#[tokio::test]
async fn a_writer_first_records_what_others_left_pending() {
    for expected in [Some(2), None] {
        let world = World::new();
        world.faults.once(Call::Record, fail());
        let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(202);
        world.faults.take_calls();
        let answer = world.append("B", expected, &[draft(3)]).await.is(201);
        assert_eq!(answer.versions(), [3]);
        assert_eq!(world.recorded("B"), [1, 2, 3]);
        let calls = world.faults.take_calls();
        assert_eq!(calls, [Call::Decide, Call::Highest, Call::Record, Call::Record, Call::Record]);
        world.heal().await;
    }
}

#[tokio::test]
async fn a_helping_writer_skips_what_is_recorded() {
    let world = World::new();
    world.faults.script(Call::Record, [Fault::Pass, fail()]);
    let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(202);
    assert_eq!(world.recorded("B"), [1]);
    world.faults.take_calls();
    let _ = world.append("B", Some(2), &[draft(3)]).await.is(201);
    assert_eq!(world.faults.take_calls(), [Call::Decide, Call::Highest, Call::Record, Call::Record]);
    world.heal().await;
}

#[tokio::test]
async fn a_writer_that_fails_to_help_leaves_its_own_event_pending() {
    for helped in 0..2 {
        let world = World::new();
        world.faults.once(Call::Record, fail());
        let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(202);
        let script = (0..=helped).map(|i| if i == helped { fail() } else { Fault::Pass });
        world.faults.script(Call::Record, script);
        let answer = world.append("B", Some(2), &[draft(3)]).await.is(202);
        assert_eq!((answer.member("status"), answer.versions()), ("pending", vec![3]));
        assert_eq!(world.recorded("B").len(), helped);
        world.heal().await;
        assert_eq!(world.published("B"), [1, 2, 3]);
    }
}

/// Whether others' events are recorded can't be seen: the writer does not put its own above them.
#[tokio::test]
async fn a_writer_that_can_not_look_records_nothing() {
    let world = World::new();
    world.faults.once(Call::Record, fail());
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
    world.faults.once(Call::Highest, fail());
    let _ = world.append("B", Some(1), &[draft(2)]).await.is(202);
    assert_eq!(world.recorded("B"), [0u64; 0]);
    world.heal().await;
}

#[tokio::test]
async fn what_is_left_pending_is_in_the_queue_and_drained() {
    let world = World::new();
    world.faults.once(Call::Record, fail());
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
    assert_eq!(world.memory.queue.bodies().len(), 1);
    assert_eq!(world.drain_queue().await, 1);
    assert_eq!((world.recorded("B"), world.published("B")), (vec![1], vec![1]));
    assert_eq!(world.head_and_settled("B"), Some((1, 1)), "settled without the stream");
    world.heal().await;
}

#[tokio::test]
async fn the_stream_heals_what_the_queue_did_not_take() {
    let world = World::new();
    world.faults.down(Store::Events);
    world.faults.down(Store::Queue);
    let answer = world.append("B", Some(0), &[draft(1)]).await.is(202);
    assert_eq!(answer.member("status"), "pending");
    assert_eq!(world.memory.queue.bodies().len(), 0);
    assert_eq!(world.read("B").await.is(200).statuses(), ["pending"]);
    assert!(!world.pump_stream().await, "neither bus nor queue has it: the stream must keep it");
    world.faults.up(Store::Queue);
    assert!(world.pump_stream().await);
    assert_eq!(world.memory.queue.bodies().len(), 1);
    world.heal().await;
    assert_eq!(world.published("B"), [1]);
}

/// Two recorders of one version: the first stands, the second finds its own id there.
#[tokio::test]
async fn two_recorders_of_one_event_agree() {
    let world = World::new();
    let drainer = world.clone();
    let settle = async move {
        assert!(drainer.pump_stream().await);
        assert_eq!(drainer.drain_queue().await, 1);
        assert_eq!(drainer.head_and_settled("B"), Some((2, 2)));
    };
    world.faults.once(Call::Record, Fault::meanwhile(settle));
    let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(201);
    world.heal().await;
    assert_eq!(world.published("B"), [1, 2]);
}

/// A slow table must not keep a writer from its answer: what is not recorded within the budget is pending.
#[tokio::test]
async fn a_writer_gives_up_recording_when_its_time_is_up() {
    let world = World::new();
    let slow = |world: &World| {
        let clock = world.clone();
        Fault::meanwhile(async move { clock.wait(RECORD_BUDGET / 4) })
    };
    let events: Vec<_> = (1..=10).map(draft).collect();
    world.faults.script(Call::Record, (0..5).map(|_| slow(&world)));
    let answer = world.append("B", Some(0), &events).await.is(202);
    assert_eq!((answer.member("status"), answer.versions().len()), ("pending", 10));
    assert_eq!(world.recorded("B"), [1, 2, 3, 4, 5]);
    assert_eq!(world.memory.queue.bodies().len(), 1);
    world.faults.script(Call::Record, (0..5).map(|_| slow(&world)));
    assert_eq!(world.drain_queue().await, 1, "the drainer goes on where the writer stopped");
    world.heal().await;
    assert_eq!(world.recorded("B").len(), 10);
}
