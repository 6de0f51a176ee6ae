//! The price projection as its users see it: from an append to `GET /prices/…`, through bus, rule, queue and table.

use serde_json::{Value, json};

use crate::system::{Answer, System, event_id};

async fn append(system: &System, code: &str, expected: u64, kind: &str, data: Value) {
    let event = json!({"event_id": event_id(), "type": kind, "data": data});
    system.deliver(code, &json!({"expected_version": expected, "events": [event]}).to_string()).await;
}

/// The price, once it is of this version.
async fn price(system: &System, code: &str, version: u64) -> Answer {
    let path = format!("/prices/{code}");
    let known = || async {
        let answer = system.get(&path).await;
        answer.status == 200 && answer.json()["version"] == version
    };
    system.until("the price is known", known).await;
    system.get(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_follows_the_events() {
    let system = System::start().await;
    assert_eq!(system.get("/prices/ROOM-7").await.status, 404);
    append(&system, "ROOM-7", 0, "BookingPriced", json!({"total": "120.00", "currency": "EUR"})).await;
    let priced = price(&system, "ROOM-7", 1).await.json();
    assert_eq!(
        (&priced["total"], &priced["currency"], &priced["state"]),
        (&json!("120.00"), &json!("EUR"), &json!("priced"))
    );
    append(&system, "ROOM-7", 1, "RoomChanged", json!({"room": 8})).await;
    append(&system, "ROOM-7", 2, "BookingAmended", json!({"total": "99.90"})).await;
    append(&system, "ROOM-7", 3, "BookingCancelled", json!({})).await;
    let ended = price(&system, "ROOM-7", 4).await.json();
    assert_eq!(
        (&ended["total"], &ended["currency"], &ended["state"]),
        (&json!("99.90"), &json!("EUR"), &json!("cancelled"))
    );
    let status = system.get("/local/status").await.json();
    let queue = status["queues"].as_array().unwrap().iter().find(|queue| queue["queue"] == "PriceQueue").unwrap();
    assert_eq!(queue["dead_letters"], 0, "{status}");
    system.stop().await;
}

/// An event that the projection refuses parks its booking and no other; nothing of it is a dead letter yet.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_price_parks_its_booking_alone() {
    let system = System::start().await;
    append(&system, "BAD", 0, "BookingPriced", json!({"total": "1.00"})).await;
    append(&system, "BAD", 1, "BookingAmended", json!({"total": "nothing"})).await;
    append(&system, "GOOD", 0, "BookingPriced", json!({"total": "2.00"})).await;
    assert_eq!(price(&system, "GOOD", 1).await.json()["total"], "2.00");
    let parked = || async { !system.get("/prices/BAD").await.json()["parked"].is_null() };
    system.until("parked", parked).await;
    let shown = system.get("/prices/BAD").await.json();
    assert_eq!(
        (&shown["version"], &shown["total"], &shown["parked"]["version"]),
        (&json!(1), &json!("1.00"), &json!(2))
    );
    system.stop().await;
}

/// What no projection can read goes to its dead letters at once, and the queue goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_message_is_a_dead_letter() {
    let system = System::start().await;
    assert_eq!(
        system.ask("POST", "/local/queues/PriceQueue/messages", Some(json!({"not": "an envelope"}))).await.status,
        202
    );
    system.create("X").await;
    let letters = || async {
        let letters = system.get("/local/dead-letters").await.json();
        letters["dead_letters"]
            .as_array()
            .unwrap()
            .iter()
            .any(|letter| letter["source"] == "queue PriceQueue" && letter["queue"] == "PriceDeadLetterQueue")
    };
    system.until("a dead letter", letters).await;
    assert_eq!(system.ask("POST", "/local/queues/PriceQueue/redrive", None).await.json(), json!({"sent": 1}));
    system.until("it is no better now", letters).await;
    assert_eq!(system.ask("POST", "/local/queues/FallbackQueue/redrive", None).await.status, 409);
    system.stop().await;
}

/// A lost event is fetched from the source when the next one shows the gap; one that comes late or twice changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn gaps_are_filled_from_the_source() {
    let system = System::start().await;
    system.faults(json!({"delivery": "lossy", "delivery_seed": 3})).await;
    for version in 0..40 {
        append(&system, "LONG", version, "BookingAmended", json!({"total": format!("{version}.50")})).await;
    }
    system.settled().await;
    system.faults(json!({"delivery": "up"})).await;
    append(&system, "LONG", 40, "BookingAmended", json!({"total": "1000.00"})).await;
    assert_eq!(price(&system, "LONG", 41).await.json()["total"], "1000.00");
    let rule = system.rule_status("PriceRule").await;
    assert!(rule["dropped"].as_u64() > Some(0) && rule["duplicated"].as_u64() > Some(0), "{rule}");
    system.stop().await;
}
