//! Publish: the stream of the reservations table to the bus, lowest version first, and the queue for what can't be.

use booking_store::failure::{FailureKind, Store};
use booking_tests::{Call, Fault, World, draft};

fn fail() -> Fault {
    Fault::Fail(FailureKind::ServerError)
}

#[tokio::test]
async fn what_is_recorded_is_published_and_trimmed_without_the_queue() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(201);
    let _ = world.append("B", None, &[draft(3)]).await.is(201);
    world.faults.take_calls();
    assert!(world.pump_stream().await);
    assert_eq!(world.published("B"), [1, 2, 3]);
    assert_eq!(world.head_and_settled("B"), Some((3, 3)));
    let calls = world.faults.take_calls();
    assert!(!calls.contains(&Call::Send), "{calls:?}");
    world.heal().await;
}

#[tokio::test]
async fn a_failure_in_the_middle_stops_there_and_the_queue_goes_on() {
    for fails_at in 0..5 {
        let world = World::new();
        let events: Vec<_> = (1..=5).map(draft).collect();
        let _ = world.append("B", Some(0), &events).await.is(201);
        let script = (0..=fails_at).map(|i| if i == fails_at { fail() } else { Fault::Pass });
        world.faults.script(Call::Publish, script);
        assert!(world.pump_stream().await, "the queue has it");
        assert_eq!(world.published("B"), (1..=fails_at).collect::<Vec<_>>());
        assert_eq!(world.head_and_settled("B"), Some((5, 0)), "nothing is trimmed that was not published");
        let _ = world.append("B", Some(5), &[draft(6)]).await.is(201);
        world.heal().await;
        let first_time = world.published("B").into_iter().skip(usize::try_from(fails_at).unwrap());
        assert_eq!(first_time.collect::<Vec<_>>()[..6], [1, 2, 3, 4, 5, 6]);
    }
}

/// The writer is still between its decision and its record when the stream delivers: nothing unrecorded is published.
#[tokio::test]
async fn a_writer_still_at_work_is_left_to_the_queue() {
    for recorded in 0..3 {
        let world = World::new();
        let stream = world.clone();
        let deliver = async move {
            assert!(stream.pump_stream().await);
            assert_eq!(stream.published("B"), [0u64; 0]);
            assert_eq!(stream.memory.queue.bodies().len(), 1);
        };
        world.faults.script(Call::Record, (0..recorded).map(|_| Fault::Pass));
        world.faults.once(Call::Record, Fault::meanwhile(deliver));
        let _ = world.append("B", Some(0), &[draft(1), draft(2), draft(3)]).await.is(201);
        world.heal().await;
        assert_eq!(world.published("B"), [1, 2, 3]);
    }
}

#[tokio::test]
async fn a_record_that_can_not_be_read_is_left_to_the_queue() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
    world.faults.once(Call::Highest, fail());
    assert!(world.pump_stream().await);
    assert_eq!((world.published("B").len(), world.memory.queue.bodies().len()), (0, 1));
    world.heal().await;
}

#[tokio::test]
async fn one_bookings_trouble_does_not_hold_up_the_others() {
    let world = World::new();
    let _ = world.append("A", Some(0), &[draft(1)]).await.is(201);
    let _ = world.append("B", Some(0), &[draft(2)]).await.is(201);
    let _ = world.append("C", Some(0), &[draft(3)]).await.is(201);
    world.faults.script(Call::Publish, [Fault::Pass, fail()]);
    assert!(world.pump_stream().await);
    let published = ["A", "B", "C"].map(|code| world.published(code).len());
    assert_eq!(published.iter().sum::<usize>(), 2, "{published:?}");
    world.heal().await;
}

/// Bus and queue both gone: only then does the stream wait, at the lowest record that nobody has taken.
#[tokio::test]
async fn without_bus_and_queue_the_stream_delivers_again() {
    let world = World::new();
    for (n, code) in ["A", "B", "C"].into_iter().enumerate() {
        let _ = world.append(code, Some(0), &[draft(n as u64)]).await.is(201);
    }
    world.faults.down(Store::Bus);
    world.faults.down(Store::Queue);
    assert!(!world.pump_stream().await);
    assert!(!world.pump_stream().await);
    assert_eq!(world.memory.queue.bodies().len(), 0);
    world.faults.up(Store::Bus);
    assert!(world.pump_stream().await);
    assert_eq!(["A", "B", "C"].map(|code| world.published(code)), [[1], [1], [1]]);
    world.heal().await;
}

#[tokio::test]
async fn images_delivered_again_and_old_ones_change_nothing() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
    assert!(world.pump_stream().await);
    let _ = world.append("B", Some(1), &[draft(2), draft(3)]).await.is(201);
    assert!(world.pump_stream().await);
    let _ = world.append("B", Some(3), &[draft(4)]).await.is(201);
    for _ in 0..2 {
        world.rewind_stream();
        assert!(world.pump_stream().await);
        assert_eq!(world.head_and_settled("B"), Some((4, 4)));
    }
    assert!(world.memory.queue.bodies().is_empty(), "an old image is settled, not somebody's work left");
    world.heal().await;
}

/// An old image delivered alone, after newer ones were published: it is published again, never for the first time, and
/// trims nothing that is newer.
#[tokio::test]
async fn an_old_image_delivered_late_trims_only_what_it_shows() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
    let old = world.memory.reservations.stream(0);
    assert!(world.pump_stream().await);
    let _ = world.append("B", Some(1), &[draft(2)]).await.is(201);
    let event = booking_tests::stream_event(&[(0, old[0].clone())]);
    let response = publish::handle(&world.stores, event).await;
    assert!(response.batch_item_failures.is_empty());
    assert_eq!(world.head_and_settled("B"), Some((2, 1)));
    assert_eq!(world.published("B"), [1, 1]);
    world.heal().await;
}

/// A bus that refuses everything for a while, appends going on: each event's first publication is in its place.
#[tokio::test]
async fn order_holds_through_a_flapping_bus() {
    let world = World::new();
    let mut head = 0;
    for round in 0..12u64 {
        let events: Vec<_> = (0..=round % 3).map(|i| draft(round * 10 + i)).collect();
        let _ = world.append("B", if head == 0 { Some(0) } else { None }, &events).await.is(201);
        head += events.len() as u64;
        world.faults.script(Call::Publish, (0..round % 4).map(|i| if i % 2 == 0 { Fault::Pass } else { fail() }));
        world.pump_stream().await;
        world.drain_queue().await;
        world.wait(std::time::Duration::from_secs(30));
    }
    world.heal().await;
    assert_eq!(world.head_and_settled("B"), Some((head, head)));
}
