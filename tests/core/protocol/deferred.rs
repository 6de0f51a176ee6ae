//! New bookings taken while the arbiter is unreachable: won or lost later, never lost altogether.

use std::time::Duration;

use booking_store::failure::{FailureKind, Store};
use booking_tests::{Call, Fault, World, draft, event_id};

async fn deferred(world: &World, code: &str, events: &[booking_tests::Draft]) {
    world.faults.down(Store::Reservations);
    let answer = world.append(code, Some(0), events).await.is(202);
    assert_eq!((answer.member("status"), answer.member("uniqueness")), ("deferred", "unconfirmed"));
    assert!(answer.json["version"].is_null() && answer.json["events"][0]["version"].is_null());
    world.faults.up(Store::Reservations);
}

#[tokio::test]
async fn a_deferred_booking_wins_its_code() {
    let world = World::new();
    deferred(&world, "B", &[draft(1), draft(2)]).await;
    assert_eq!(world.drain_queue().await, 1);
    assert_eq!((world.recorded("B"), world.published("B")), (vec![1, 2], vec![1, 2]));
    world.append("B", Some(0), &[draft(3)]).await.is_problem(409, "booking-code-taken");
    let _ = world.append("B", Some(2), &[draft(4)]).await.is(201);
    world.heal().await;
}

/// What a deferred event says of its acceptance is when it was acknowledged, not when it was drained.
#[tokio::test]
async fn a_deferred_event_keeps_its_time_of_acceptance() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    let acknowledged = world.now().to_string();
    world.wait(Duration::from_secs(7200));
    world.heal().await;
    let read = world.read("B").await.is(200);
    assert_eq!(read.json["events"][0]["accepted_at"], acknowledged);
    assert_eq!(read.json["events"][0]["occurred_at"], acknowledged);
}

#[tokio::test]
async fn while_the_arbiter_is_down_the_message_waits_and_reads_do_not_know() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    world.faults.down(Store::Reservations);
    assert_eq!(world.drain_queue().await, 0);
    assert_eq!(world.memory.queue.bodies().len(), 1);
    world.read("B").await.is_problem(503, "store-unavailable");
    world.heal().await;
    assert_eq!(world.recorded("B"), [1]);
}

#[tokio::test]
async fn a_deferred_booking_that_lost_its_code_is_kept_shown_and_told() {
    let world = World::new();
    deferred(&world, "B", &[draft(1).with_metadata(r#"{"by":"hotel"}"#), draft(2)]).await;
    let _ = world.append("B", Some(0), &[draft(3)]).await.is(201);
    assert_eq!(world.drain_queue().await, 1);
    let read = world.read("B").await.is(200);
    assert_eq!(read.event_ids(), [event_id(3)]);
    let conflicts = read.json["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 2);
    assert_eq!(conflicts[0]["event_id"], event_id(1));
    assert_eq!(conflicts[0]["owner_event_id"], event_id(3));
    assert_eq!((&conflicts[0]["status"], &conflicts[0]["version"]), (&"conflict".into(), &serde_json::Value::Null));
    assert_eq!(conflicts[0]["metadata"]["by"], "hotel");
    assert!(world.pump_stream().await);
    assert_eq!(world.published_conflicts(), [event_id(1), event_id(2)]);
    let mut one = world.get(&format!("/bookings/B/events/{}", event_id(2))).await.is(200);
    assert_eq!((one.member("status"), one.member("booking_code")), ("conflict", "B"));
    assert_eq!(one.member("event_id"), event_id(2));
    one = world.get("/bookings/B").await.is(200);
    assert_eq!((&one.json["version"], &one.json["conflicts"]), (&1.into(), &2.into()));
    world.append("B", Some(0), &[draft(1), draft(2)]).await.is_problem(409, "booking-code-taken");
    world.heal().await;
    assert_eq!(world.published("B"), [1]);
}

#[tokio::test]
async fn of_two_deferred_bookings_of_one_code_the_first_in_the_queue_wins() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    deferred(&world, "B", &[draft(2)]).await;
    world.heal().await;
    assert_eq!(world.read("B").await.event_ids(), [event_id(1)]);
    assert_eq!(world.published_conflicts(), [event_id(2)]);
}

/// The same event id with another payload is another event to the queue; the one that comes second is a conflict, not
/// silently dropped.
#[tokio::test]
async fn the_same_event_id_with_another_payload_is_kept_as_a_conflict() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    deferred(&world, "B", &[draft(1).with_data(r#"{"total":"2"}"#)]).await;
    world.heal().await;
    let read = world.read("B").await.is(200);
    assert_eq!(read.json["events"][0]["data"]["total"], "1.10");
    assert_eq!(read.json["conflicts"][0]["data"]["total"], "2");
    assert_eq!(world.published_conflicts(), [event_id(1)]);
}

/// A third payload under the id of a kept conflict has nowhere to go but the dead-letter queue; it is not lost.
#[tokio::test]
async fn a_second_conflict_of_one_event_id_goes_to_the_dead_letters() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(9)]).await.is(201);
    deferred(&world, "B", &[draft(1)]).await;
    deferred(&world, "B", &[draft(1).with_data(r#"{"total":"2"}"#)]).await;
    world.heal().await;
    let letters = world.memory.queue.dead_letters();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].reason.contains(&event_id(1)), "{}", letters[0].reason);
    assert!(letters[0].body.contains(r#"{"total":"2"}"#));
}

/// The client sends the same request again, within the queue's deduplication and after it.
#[tokio::test]
async fn a_deferred_request_sent_again_is_one_booking() {
    for pause in [1, 600] {
        let world = World::new();
        deferred(&world, "B", &[draft(1)]).await;
        world.wait(Duration::from_secs(pause));
        deferred(&world, "B", &[draft(1)]).await;
        assert_eq!(world.memory.queue.bodies().len(), if pause < 300 { 1 } else { 2 });
        world.heal().await;
        assert_eq!(world.recorded("B"), [1]);
        assert!(world.published_conflicts().is_empty());
        let answer = world.append("B", Some(0), &[draft(1)]).await.is(200);
        assert_eq!(answer.versions(), [1]);
    }
}

/// The arbiter is back before the drainer: the retry decides, and the message finds it is ours already.
#[tokio::test]
async fn a_deferred_booking_retried_before_it_is_drained_is_confirmed() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    let answer = world.append("B", Some(0), &[draft(1)]).await.is(201);
    assert_eq!((answer.member("status"), answer.member("uniqueness")), ("recorded", "confirmed"));
    world.heal().await;
    assert_eq!(world.published("B"), [1]);
    assert!(world.published_conflicts().is_empty());
}

/// Until the arbiter has decided there is no booking to append to.
#[tokio::test]
async fn a_deferred_booking_takes_no_later_event_before_it_is_decided() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    world.append("B", Some(1), &[draft(2)]).await.is_problem(404, "booking-not-found");
    world.append("B", None, &[draft(2)]).await.is_problem(404, "booking-not-found");
    world.drain_queue().await;
    let _ = world.append("B", Some(1), &[draft(2)]).await.is(201);
    world.heal().await;
}

#[tokio::test]
async fn a_deferred_booking_decided_in_an_outage_of_the_record_waits_for_it() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    world.faults.down(Store::Events);
    assert_eq!(world.drain_queue().await, 0);
    assert_eq!(world.head_and_settled("B"), Some((1, 0)), "decided");
    assert_eq!(world.read("B").await.is(200).statuses(), ["pending"]);
    world.append("B", Some(0), &[draft(2)]).await.is_problem(409, "booking-code-taken");
    world.heal().await;
    assert_eq!(world.published("B"), [1]);
}

#[tokio::test]
async fn a_conflict_the_bus_does_not_take_goes_by_the_queue() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    let _ = world.append("B", Some(0), &[draft(2)]).await.is(201);
    world.pump_stream().await;
    assert_eq!(world.drain_queue().await, 1);
    world.faults.down(Store::Bus);
    assert!(world.pump_stream().await, "the queue has it");
    let bodies = world.memory.queue.bodies();
    assert!(bodies.len() == 1 && bodies[0].contains("publish_conflict"), "{bodies:?}");
    assert_eq!(world.drain_queue().await, 0, "the bus is still down");
    world.faults.up(Store::Bus);
    world.wait(Duration::from_secs(1));
    assert_eq!(world.drain_queue().await, 1);
    assert_eq!(world.published_conflicts(), [event_id(1)]);
    world.heal().await;
}

#[tokio::test]
async fn a_conflict_that_neither_bus_nor_queue_take_stays_in_the_stream() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    let _ = world.append("B", Some(0), &[draft(2)]).await.is(201);
    assert_eq!(world.drain_queue().await, 1);
    world.faults.down(Store::Bus);
    world.faults.down(Store::Queue);
    assert!(!world.pump_stream().await);
    world.heal().await;
    assert_eq!(world.published_conflicts(), [event_id(1)]);
}

#[tokio::test]
async fn a_conflict_that_can_not_be_kept_yet_keeps_its_message() {
    let world = World::new();
    deferred(&world, "B", &[draft(1), draft(2)]).await;
    let _ = world.append("B", Some(0), &[draft(3)]).await.is(201);
    world.faults.script(Call::KeepConflict, [Fault::Pass, Fault::Fail(FailureKind::Throttled)]);
    assert_eq!(world.drain_queue().await, 0);
    assert_eq!(world.memory.queue.bodies().len(), 1);
    world.heal().await;
    assert_eq!(world.published_conflicts(), [event_id(1), event_id(2)]);
}

/// Whether a deferred event is ours may need the record; without it the drainer must not call it a conflict.
#[tokio::test]
async fn without_the_record_the_drainer_does_not_guess() {
    let world = World::new();
    deferred(&world, "B", &[draft(1)]).await;
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
    assert!(world.pump_stream().await, "settled: only the record knows the payload now");
    world.faults.down(Store::Events);
    assert_eq!(world.drain_queue().await, 0);
    world.heal().await;
    assert!(world.published_conflicts().is_empty());
}

/// Part of a deferred batch was accepted by another request: that part has lost nothing, the rest has.
#[tokio::test]
async fn what_the_booking_has_of_a_deferred_batch_is_no_conflict() {
    for settled in [false, true] {
        let world = World::new();
        let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
        if settled {
            world.settle().await;
        }
        deferred(&world, "B", &[draft(1), draft(2)]).await;
        world.heal().await;
        assert_eq!(world.read("B").await.event_ids(), [event_id(1)]);
        assert_eq!(world.published_conflicts(), [event_id(2)]);
    }
}
