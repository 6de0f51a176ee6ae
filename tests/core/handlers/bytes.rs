//! The client's `data` and `metadata`, byte for byte: append, read, bus; recorded, pending, deferred and lost.

use booking_store::bus_entry;
use booking_store::failure::Store;
use booking_tests::{World, draft, event_id};
use serde_json::{Value, json};

/// Objects that a parser and a printer would change.
const AWKWARD: [&str; 9] = [
    "{}",
    "{ }",
    r#"{"b":1,"a":2,"b":3}"#,
    r#"{"price":1.10,"zero":-0.0,"exp":1E+2,"big":123456789012345678901234567890.000000000000000000010}"#,
    "{\n\t\"lines\" :\r\n [ 1 ,2 ]\n}",
    r#"{"escaped":"\u0041\/\ud83c\udfe8","raw":"🏨 Zürich"}"#,
    r#"{"html":"<a href='x'>&amp;</a>","quote":"\"\\"}"#,
    r#"{"nested":{"null":null,"list":[[],{},[{}]]},"":""}"#,
    "{\"nul\":\"\\u0000\",\"del\":\"\u{7f}\",\"bom\":\"\u{feff}\"}",
];

/// The `detail` of everything the bus has taken of events, and of conflicts.
fn details(world: &World) -> Vec<String> {
    let entries = world.memory.bus.entries();
    let details = entries.iter().map(|entry| bus_entry::detail(&entry.as_handed_over()));
    details.collect::<Result<_, _>>().expect("details serialise")
}

fn carries(text: &str, json: &str) -> bool {
    text.contains(&format!(r#""data":{json},"metadata":{json}"#))
}

#[tokio::test]
async fn from_the_append_to_the_bus() {
    for json in AWKWARD {
        let world = World::new();
        let event = draft(1).with_data(json).with_metadata(json);
        let _ = world.append("B", Some(0), std::slice::from_ref(&event)).await.is(201);
        assert!(carries(&world.read("B").await.text, json), "recorded: {json}");
        world.heal().await;
        assert!(carries(&world.read("B").await.text, json), "settled: {json}");
        let one = world.get(&format!("/bookings/B/events/{}", event_id(1))).await;
        assert!(carries(&one.text, json), "one event: {json}");
        assert!(carries(&details(&world)[0], json), "bus: {json}");
        let _ = world.append("B", Some(0), &[event]).await.is(200);
    }
}

/// Through the reservation item's stream image and the queue.
#[tokio::test]
async fn by_way_of_an_outage() {
    for (down, status) in [(Store::Events, "pending"), (Store::Reservations, "deferred")] {
        for json in AWKWARD {
            let world = World::new();
            world.faults.down(down);
            let event = draft(1).with_data(json).with_metadata(json);
            let answer = world.append("B", Some(0), &[event]).await.is(202);
            assert_eq!(answer.member("status"), status);
            if status == "pending" {
                assert!(carries(&world.read("B").await.text, json), "pending: {json}");
            }
            world.heal().await;
            assert!(carries(&world.read("B").await.text, json), "settled: {json}");
            assert!(carries(&details(&world)[0], json), "bus: {json}");
        }
    }
}

#[tokio::test]
async fn of_an_event_that_lost_its_code() {
    for json in AWKWARD {
        let world = World::new();
        world.faults.down(Store::Reservations);
        let _ = world.append("B", Some(0), &[draft(1).with_data(json).with_metadata(json)]).await.is(202);
        world.faults.all_up();
        let _ = world.append("B", Some(0), &[draft(2)]).await.is(201);
        world.heal().await;
        assert!(carries(&world.read("B").await.text, json), "read: {json}");
        assert!(details(&world).iter().any(|detail| carries(detail, json)), "bus: {json}");
    }
}

#[tokio::test]
async fn what_the_bus_is_told() {
    let world = World::new();
    world.faults.down(Store::Reservations);
    let _ = world.append("B", Some(0), &[draft(9)]).await.is(202);
    world.faults.all_up();
    let _ = world.append("B", Some(0), &[draft(1), draft(2).at("2020-02-29T23:59:59.999Z")]).await.is(201);
    world.heal().await;
    let told: Vec<Value> = details(&world).iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
    let price = |n| json!({"total": format!("{n}.10"), "currency": "EUR"});
    let event = |n: u64, occurred_at: &str| {
        json!({
            "booking_code": "B",
            "version": n,
            "previous_version": n - 1,
            "event_id": event_id(n),
            "type": "BookingPriced",
            "occurred_at": occurred_at,
            "accepted_at": "2026-11-21T09:00:00.002Z",
            "data": price(n),
            "metadata": null,
        })
    };
    assert!(told.contains(&event(1, "2026-11-21T09:00:00.002Z")), "{told:?}");
    assert!(told.contains(&event(2, "2020-02-29T23:59:59.999Z")), "{told:?}");
    let lost = told.iter().find(|detail| detail["event_id"] == event_id(9)).expect("the conflict is told");
    assert_eq!((&lost["owner_event_id"], &lost["data"]), (&json!(event_id(1)), &price(9)));
    assert_eq!(lost["accepted_at"], "2026-11-21T09:00:00.001Z");
    let entries = world.memory.bus.entries();
    let types = entries.iter().map(|entry| bus_entry::detail_type(&entry.as_handed_over()).to_owned());
    let types: std::collections::BTreeSet<_> = types.collect();
    assert_eq!(types.into_iter().collect::<Vec<_>>(), ["BookingCodeConflict", "BookingPriced"]);
    assert_eq!(bus_entry::SOURCE, "booking.events");
}
