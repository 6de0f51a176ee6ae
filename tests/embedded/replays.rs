//! Replays from order to end: to the one consumer, in each booking's order, at their rate; resumed after a restart.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::system::{System, event_id};

/// Orders a replay; its id.
async fn order(system: &System, order: Value) -> String {
    let answer = system.ask("POST", "/replays", Some(order)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json()["replay_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/replays/{id}"));
    id
}

async fn done(system: &System, id: &str) -> Value {
    let path = format!("/replays/{id}");
    system.until("the replay is done", || async { system.get(&path).await.json()["status"] == "done" }).await;
    system.get(&path).await.json()
}

/// The versions that a replay sent, by booking, in order.
async fn sent(system: &System, id: &str) -> BTreeMap<String, Vec<u64>> {
    let mut sent: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for entry in system.bus().await {
        if entry["source"] == "booking.events.replay" && entry["detail"]["replay_id"] == id {
            assert_eq!(entry["detail"]["consumer"], "finance");
            let code = entry["detail"]["booking_code"].as_str().unwrap().to_owned();
            sent.entry(code).or_default().push(entry["detail"]["version"].as_u64().unwrap());
        }
    }
    sent
}

async fn write(system: &System, bookings: usize, events: usize) {
    for n in 0..bookings {
        for version in 0..events {
            let event = json!({"event_id": event_id(), "type": "BookingPriced", "data": {"total": "1.00"}});
            let body = json!({"expected_version": version, "events": [event]});
            system.deliver(&format!("B{n}"), &body.to_string()).await;
        }
    }
    system.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_what_is_ordered_to_its_consumers_rule_only() {
    let system = System::start().await;
    let pattern = json!({"source": ["booking.events.replay"], "detail": {"consumer": ["finance"]}});
    let rule = json!({"pattern": pattern, "target": {"queue": "finance"}});
    assert_eq!(system.ask("PUT", "/local/rules/finance", Some(rule)).await.status, 200);
    write(&system, 5, 3).await;
    let before = system.rule_status("PriceRule").await["delivered"].clone();

    let id = order(&system, json!({"booking_codes": ["B1", "B3", "NOBODY"], "consumer": "finance"})).await;
    let view = done(&system, &id).await;
    assert_eq!((&view["events_sent"], &view["consumer"]), (&json!(6), &json!("finance")), "{view}");
    let expected = BTreeMap::from(["B1", "B3"].map(|code| (code.to_owned(), vec![1, 2, 3])));
    assert_eq!(sent(&system, &id).await, expected);
    system.until("delivered", || async { system.rule_status("finance").await["delivered"] == 6 }).await;
    assert_eq!(system.rule_status("PriceRule").await["delivered"], before, "no new event for anybody else");
    assert_eq!(system.rule_status("PriceReplayRule").await["delivered"], 0);

    let all = order(&system, json!({"all": true, "consumer": "finance", "rate_per_s": 1000})).await;
    assert_eq!(done(&system, &all).await["bookings_done"], 5);
    assert_eq!(sent(&system, &all).await.len(), 5);
    system.stop().await;
}

/// A restart, and one more, in the middle: the replay goes on where it was, and is done.
#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut system = System::start_in(Some(directory.path().to_owned())).await;
    write(&system, 30, 4).await;
    let id = order(&system, json!({"all": true, "consumer": "finance", "rate_per_s": 20})).await;
    let mut before = 0;
    for _ in 0..2 {
        let more = || async { sent(&system, &id).await.values().map(Vec::len).sum::<usize>() > before + 5 };
        system.until("some are sent", more).await;
        before = sent(&system, &id).await.values().map(Vec::len).sum();
        assert_eq!(system.get(&format!("/replays/{id}")).await.json()["status"], "running");
        system.stop().await;
        system = System::start_in(Some(directory.path().to_owned())).await;
    }
    let view = done(&system, &id).await;
    assert_eq!((&view["bookings_done"], &view["errors"]), (&json!(30), &json!(0)), "{view}");
    let sent = sent(&system, &id).await;
    assert_eq!(sent.len(), 30);
    for (code, versions) in sent {
        // At least once: after a restart a booking may begin anew. What comes for the first time comes in order.
        let mut first: Vec<u64> = Vec::new();
        for version in &versions {
            if !first.contains(version) {
                first.push(*version);
            }
        }
        assert_eq!(first, [1, 2, 3, 4], "{code}: {versions:?}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn can_be_cancelled_and_pauses_while_the_bus_is_down() {
    let system = System::start().await;
    write(&system, 20, 2).await;
    let id = order(&system, json!({"all": true, "consumer": "finance", "rate_per_s": 5})).await;
    let cancelled = system.ask("POST", &format!("/replays/{id}/cancel"), None).await;
    assert_eq!((cancelled.status, &cancelled.json()["status"]), (200, &json!("cancelled")));
    system.faults(json!({"bus": "down"})).await;
    let paused = order(&system, json!({"booking_codes": ["B1"], "consumer": "finance"})).await;
    let waits = || async { !system.get(&format!("/replays/{paused}")).await.json()["waiting_for"].is_null() };
    system.until("it waits for the bus", waits).await;
    system.heal().await;
    assert_eq!(done(&system, &paused).await["events_sent"], 2);
    assert_eq!(system.get(&format!("/replays/{id}")).await.json()["status"], "cancelled");
    assert!(sent(&system, &id).await.len() < 20);
    system.stop().await;
}
