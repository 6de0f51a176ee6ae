//! Long bookings: pages by count and by bytes, payloads to the byte, the limit of what may be pending.

use serde_json::{Value, json};

use crate::system::{System, event_id};

/// An event's data with digits, spaces and characters that a careless store would change.
fn data(i: usize, bytes: usize) -> String {
    let filler = "x".repeat(bytes);
    format!("{{ \"n\":{i}.10, \"exact\" : 12345678901234567890.000000000000000001,\"é\\u0041\":\"{filler}\" }}")
}

async fn append(system: &System, code: &str, expected: usize, data: &str) -> (u16, String) {
    let id = event_id();
    let body = format!(
        "{{\"expected_version\":{expected},\"events\":[{{\"event_id\":\"{id}\",\"type\":\"T\",\"data\":{data}}}]}}"
    );
    system.post(code, body).await.outcome()
}

/// 40 events of 60 KB: more than a query's 1 MB, so a page that stops there would lose most of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_booking_is_read_whole_and_to_the_byte() {
    let system = System::start().await;
    for i in 0..40 {
        assert_eq!(append(&system, "X", i, &data(i, 60_000)).await, (201, "recorded".to_owned()));
    }
    let whole = system.get("/bookings/X/events").await;
    assert_eq!(whole.json()["events"].as_array().unwrap().len(), 40);
    assert_eq!(whole.json()["next_from_version"], Value::Null);
    for i in 0..40 {
        assert!(whole.text.contains(&format!("\"data\":{},", data(i, 60_000))), "event {i} came back changed");
    }
    let (mut from, mut seen) = (json!(1), Vec::new());
    while !from.is_null() {
        let page = system.get(&format!("/bookings/X/events?from_version={from}&limit=7")).await.json();
        seen.extend(page["events"].as_array().unwrap().iter().map(|event| event["version"].as_u64().unwrap()));
        assert_eq!((&page["version"], &page["complete"]), (&json!(40), &json!(true)));
        from = page["next_from_version"].clone();
    }
    assert_eq!(seen, (1..=40).collect::<Vec<_>>());
    system.settled().await;
    let settled = system.get("/bookings/X/events?limit=1").await;
    assert_eq!(settled.header("etag"), "\"40\"");
    system.stop().await;
}

/// What may be pending is bounded, and the refusal writes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_item_refuses_more_and_takes_it_once_settled() {
    let system = System::start().await;
    system.faults(json!({"events": "down"})).await;
    for i in 0..4 {
        assert_eq!(append(&system, "X", i, &data(i, 60_000)).await, (202, "pending".to_owned()));
    }
    assert_eq!(append(&system, "X", 4, &data(4, 60_000)).await, (202, "pending".to_owned()));
    let refused = append(&system, "X", 5, &data(5, 60_000)).await;
    assert_eq!(refused, (503, "pending-limit-reached".to_owned()));
    assert_eq!(system.get("/bookings/X").await.json()["version"], 5);
    system.heal().await;
    system.settled().await;
    assert_eq!(append(&system, "X", 5, &data(5, 60_000)).await, (201, "recorded".to_owned()));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_has_is_not_sent_again() {
    let system = System::start().await;
    system.create("X").await;
    system.settled().await;
    let http = reqwest::Client::new();
    let url = format!("{}/bookings/X/events", system.url);
    let known = http.get(&url).header("if-none-match", "\"1\"").send().await.unwrap();
    assert_eq!(known.status(), 304);
    assert_eq!(known.headers()["etag"], "\"1\"");
    let older = http.get(&url).header("if-none-match", "\"0\"").send().await.unwrap();
    assert_eq!(older.status(), 200);
    system.stop().await;
}
