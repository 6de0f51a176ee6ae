//! Tables that contradict each other, as after a restore of one of them: nothing is repaired, published or trimmed. What
//! is accepted stays pending and readable, and the dead-letter queue says why.

use booking_store::Version;
use booking_store::failure::Store;
use booking_store::ports::{Events, Reservations};
use booking_tests::{World, code, draft, event_id};

/// The drainer gives up on booking `B` for `reason`.
async fn is_left_to_people(world: &World, reason: &str) {
    assert!(world.pump_stream().await, "the queue has it");
    assert!(world.drain_queue().await > 0);
    let letters = world.memory.queue.dead_letters();
    assert!(!letters.is_empty() && letters.iter().all(|letter| letter.reason.contains(reason)), "{letters:?}");
    assert!(world.memory.queue.bodies().is_empty());
}

/// The record holds another event at the version the arbiter gave out.
#[tokio::test]
async fn a_version_recorded_as_another_event_is_never_taken_for_ours() {
    let world = World::new();
    let stranger = {
        let other = World::new();
        let _ = other.append("B", Some(0), &[draft(9)]).await.is(201);
        other.memory.events.of(&code("B")).remove(0)
    };
    world.memory.events.record(&code("B"), &stranger).await.unwrap();
    let answer = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(202);
    assert_eq!((answer.member("status"), answer.versions()), ("pending", vec![1, 2]));
    assert_eq!(world.recorded("B"), [1], "nothing is put above it");
    let reason = format!("version 1 is recorded as event {}, but reserved for event {}", event_id(9), event_id(1));
    is_left_to_people(&world, &reason).await;
    assert_eq!((world.published("B"), world.head_and_settled("B")), (vec![], Some((2, 0))));
}

/// The record has lost what the reservation knows to be settled.
#[tokio::test]
async fn a_record_below_what_is_settled_is_not_written_to() {
    let (world, b) = (World::new(), code("B"));
    world.faults.down(Store::Events);
    let _ = world.append("B", Some(0), &[draft(1), draft(2)]).await.is(202);
    world.faults.all_up();
    world.lose_stream_and_queue();
    let reservation = world.memory.reservations.claims(&b).await.unwrap().reservation.unwrap();
    let trim = reservation.trim(Version::FIRST).unwrap();
    world.memory.reservations.trim(&b, &trim).await.unwrap();
    let _ = world.append("B", Some(2), &[draft(3)]).await.is(202);
    assert_eq!(world.recorded("B"), [0u64; 0]);
    is_left_to_people(&world, "recorded up to 0, but settled up to 1").await;
    assert_eq!((world.published("B"), world.head_and_settled("B")), (vec![], Some((3, 1))));
}
