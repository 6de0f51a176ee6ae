//! An event id is used once: with another payload or in another batch it is refused, and nothing is written.

use booking_tests::{Draft, World, draft, event_id};

const HEAD: u64 = 40;

/// `[1, 2, 3]` together, then 37 more one by one; all settled or all pending in the item.
async fn booking(settled: bool) -> World {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1), draft(2), draft(3)]).await.is(201);
    for n in 4..=HEAD {
        let _ = world.append("B", Some(n - 1), &[draft(n)]).await.is(201);
    }
    if settled {
        world.settle().await;
    }
    world
}

async fn is_reused(world: &World, expected: Option<u64>, events: &[Draft], id: u64) {
    let before = (world.memory.reservations.all(), world.recorded("B"));
    let answer = world.append("B", expected, events).await.is_problem(422, "event-id-reused");
    assert_eq!(answer.member("event_id"), event_id(id), "{}", answer.text);
    assert_eq!((world.memory.reservations.all(), world.recorded("B")), before, "nothing is written");
}

#[tokio::test]
async fn every_part_of_the_payload_counts() {
    let others: [fn(Draft) -> Draft; 5] = [
        |draft| draft.with_data("{}"),
        |draft| draft.with_data(r#"{"total":"1.10", "currency":"EUR"}"#),
        |draft| draft.of_type("BookingCancelled"),
        |draft| draft.with_metadata("{}"),
        |draft| draft.at("2020-01-01T00:00:00Z"),
    ];
    for settled in [false, true] {
        let world = booking(settled).await;
        for other in others {
            is_reused(&world, Some(0), &[other(draft(1)), draft(2), draft(3)], 1).await;
            is_reused(&world, Some(0), &[draft(1), other(draft(2)), draft(3)], 2).await;
            is_reused(&world, Some(4), &[other(draft(5))], 5).await;
            is_reused(&world, Some(HEAD - 1), &[other(draft(HEAD))], HEAD).await;
            is_reused(&world, None, &[other(draft(HEAD - 20))], HEAD - 20).await;
        }
        world.heal().await;
    }
}

/// It begins like a batch that was accepted and goes on otherwise: its first event is the one that is reused.
#[tokio::test]
async fn a_batch_that_matches_in_part_is_refused() {
    for settled in [false, true] {
        let world = booking(settled).await;
        is_reused(&world, Some(0), &[draft(1), draft(50)], 1).await;
        is_reused(&world, Some(0), &[draft(1), draft(3)], 1).await;
        is_reused(&world, Some(HEAD - 1), &[draft(HEAD), draft(50)], HEAD).await;
        is_reused(&world, None, &[draft(HEAD), draft(50)], HEAD).await;
        is_reused(&world, None, &[draft(HEAD), draft(HEAD - 1)], HEAD).await;
        world.heal().await;
    }
}

/// A new event in front of one that was accepted before.
#[tokio::test]
async fn an_accepted_event_behind_a_new_one_is_refused() {
    let world = booking(true).await;
    is_reused(&world, None, &[draft(50), draft(HEAD)], HEAD).await;
    is_reused(&world, Some(HEAD), &[draft(50), draft(HEAD - 5)], HEAD - 5).await;
    world.append("B", Some(0), &[draft(50), draft(1)]).await.is_problem(409, "booking-code-taken");
    world.append("B", Some(7), &[draft(50), draft(HEAD)]).await.is_problem(409, "version-conflict");
    world.heal().await;
}

/// `occurred_at` left out says nothing; given, it must be the one that was given.
#[tokio::test]
async fn a_time_left_out_matches_any() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1).at("2026-11-21T10:00:00+01:00")]).await.is(201);
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(200);
    let _ = world.append("B", Some(0), &[draft(1).at("2026-11-21T09:00:00.000Z")]).await.is(200);
    is_reused(&world, Some(0), &[draft(1).at("2026-11-21T09:00:00.001Z")], 1).await;
    world.heal().await;
}

/// Event ids are the client's within a booking: the same id in two bookings is two events.
#[tokio::test]
async fn an_event_id_belongs_to_its_booking() {
    let world = World::new();
    let _ = world.append("A", Some(0), &[draft(1)]).await.is(201);
    let _ = world.append("B", Some(0), &[draft(1).with_data("{}")]).await.is(201);
    world.heal().await;
}
