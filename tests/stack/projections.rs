//! What leaves the store: by the bus to the price projection, by a replay to it alone, and by the feed to whoever asks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::aws::Answer;
use crate::system::{System, event_id};

/// Appends one event of a type at the end of a booking, or creates it.
async fn tell(system: &System, code: &str, version: u64, kind: &str, data: Value) {
    let event = json!({"event_id": event_id(), "type": kind, "data": data});
    let answer = system.post(code, json!({"expected_version": version, "events": [event]}).to_string()).await;
    assert_eq!(answer.outcome(), (201, "recorded".to_owned()), "{answer:?}");
}

async fn price(system: &System, code: &str, min_version: u64) -> Answer {
    system.get(&format!("/prices/{code}?min_version={min_version}")).await
}

/// Waits until the projection has a version, and gives its answer.
async fn price_at(system: &System, code: &str, version: u64) -> Answer {
    let what = format!("the price of {code} at version {version}");
    system.until(&what, || async { price(system, code, version).await.status == 200 }).await;
    price(system, code, version).await
}

/// Append, stream, bus, rule, queue, projection, table, API.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_becomes_a_price() {
    let system = System::take().await;
    assert_eq!(price(&system, "R1", 1).await.outcome(), (503, "projection-behind".to_owned()));
    assert_eq!(system.get("/prices/R1").await.outcome(), (404, "price-not-found".to_owned()));
    tell(&system, "R1", 0, "BookingPriced", json!({"total": "120.00", "currency": "EUR"})).await;
    let priced = price_at(&system, "R1", 1).await;
    assert_eq!((&priced.json()["total"], &priced.json()["state"]), (&json!("120.00"), &json!("priced")), "{priced:?}");
    let (url, known) = (system.url("/prices/R1"), [("if-none-match", priced.header("etag"))]);
    let same = system.aws.send("execute-api", "GET", &url, &known, Vec::new()).await;
    assert_eq!((same.status, same.text.as_str()), (304, ""), "{same:?}");
    tell(&system, "R1", 1, "RoomChanged", json!({"room": 7})).await;
    tell(&system, "R1", 2, "BookingAmended", json!({"total": 99.95})).await;
    tell(&system, "R1", 3, "BookingCancelled", json!({})).await;
    let cancelled = price_at(&system, "R1", 4).await.json();
    let shown = ["version", "total", "currency", "state", "parked"].map(|name| cancelled[name].clone());
    assert_eq!(shown, [json!(4), json!("99.95"), json!("EUR"), json!("cancelled"), json!(null)], "{cancelled}");
    system.settled("R1", &[1, 2, 3, 4]).await;
}

/// The projection has lost a booking's record; a replay for it alone brings it back, and no other consumer is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_makes_the_price_anew() {
    let system = System::take().await;
    for code in ["R2", "R3"] {
        tell(&system, code, 0, "BookingPriced", json!({"total": "5.00"})).await;
        tell(&system, code, 1, "BookingAmended", json!({"total": "6.00"})).await;
        let _ = price_at(&system, code, 2).await;
        system.settled(code, &[1, 2]).await;
        let key = json!({"booking_code": {"S": code}, "item": {"S": "price-projection"}});
        let delete = json!({"TableName": system.stack.outputs["PricesTableName"], "Key": key});
        system.aws.json("dynamodb", "DynamoDB_20120810.DeleteItem", &delete).await;
        assert_eq!(system.get(&format!("/prices/{code}")).await.status, 404);
    }
    let delivered = system.delivered().await.len();
    let order = json!({"booking_codes": ["R2", "R3"], "consumer": "price-projection", "rate_per_s": 1000});
    let headers = [("content-type", "application/json")];
    let url = system.url("/replays");
    let begun = system.aws.send("execute-api", "POST", &url, &headers, order.to_string().into_bytes()).await;
    assert_eq!((begun.status, &begun.json()["status"]), (202, &json!("running")), "{begun:?}");
    let location = begun.header("location").to_owned();
    let status = || async { system.get(&location).await.json()["status"].as_str().unwrap_or_default().to_owned() };
    system.until("the replay is done", || async { status().await == "done" }).await;
    let done = system.get(&location).await.json();
    assert_eq!((&done["bookings_done"], &done["events_sent"], &done["errors"]), (&json!(2), &json!(4), &json!(0)));
    for code in ["R2", "R3"] {
        let again = price_at(&system, code, 2).await.json();
        assert_eq!((&again["total"], &again["state"]), (&json!("6.00"), &json!("amended")), "{again}");
    }
    assert_eq!(system.delivered().await.len(), delivered, "nobody but the consumer gets a replay");
    assert_eq!(system.get("/replays/0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a1").await.status, 404);
}

/// Reads the feed from the beginning to its end, page by page.
async fn feed(system: &System) -> Vec<Value> {
    let (mut events, mut after) = (Vec::new(), String::new());
    loop {
        let page = system.get(&format!("/feed?limit=7{after}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let page = page.json();
        events.extend(page["events"].as_array().unwrap().clone());
        after = format!("&after={}", page["next"].as_str().unwrap());
        if page["end"] == true {
            return events;
        }
    }
}

/// Everything the store has accepted for the tests before is in the feed too; it is checked like the rest.
#[tokio::test(flavor = "multi_thread")]
async fn the_feed_has_every_event_exactly_once() {
    let system = System::take().await;
    let codes: Vec<String> = (0..12).map(|n| format!("F{n}")).collect();
    for code in &codes {
        let events: Vec<_> = (0..3).map(|_| json!({"event_id": event_id(), "type": "T", "data": {}})).collect();
        let many = system.post(code, json!({"expected_version": 0, "events": events}).to_string()).await;
        assert_eq!(many.status, 201, "{many:?}");
        assert_eq!(system.append(code, json!(3), &event_id()).await.status, 201);
    }
    let fed = |events: &[Value], code: &str| {
        let own = events.iter().filter(|event| event["booking_code"] == code);
        own.map(|event| event["version"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let complete = || async {
        let events = feed(&system).await;
        codes.iter().all(|code| fed(&events, code).len() >= 4)
    };
    system.until("the feed has them", complete).await;
    let events = feed(&system).await;
    let mut positions: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut bookings = BTreeSet::new();
    for event in &events {
        positions.entry(event["partition"].as_u64().unwrap()).or_default().push(event["position"].as_u64().unwrap());
        bookings.insert(event["booking_code"].as_str().unwrap().to_owned());
    }
    for (partition, positions) in &positions {
        let all: Vec<u64> = (1..=positions.len() as u64).collect();
        assert_eq!(*positions, all, "partition {partition}");
    }
    for code in &bookings {
        let versions = fed(&events, code);
        assert_eq!(versions, (1..=versions.len() as u64).collect::<Vec<_>>(), "{code}");
    }
    let heads = system.get("/feed/partitions").await.json();
    let sum: u64 = heads["positions"].as_array().unwrap().iter().map(|head| head.as_u64().unwrap()).sum();
    assert_eq!((&heads["partitions"], sum), (&json!(16), events.len() as u64), "{heads}");
}
