//! Unknown outcomes: the store acts, and the caller gets a time-out.

use serde_json::json;

use crate::system::{System, event_id, shown};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_booking_whose_decision_is_unknown_is_deferred_and_wins_its_own_code() {
    let system = System::start().await;
    system.faults(json!({"reservations": "unknown"})).await;
    let id = event_id();
    let deferred = system.append("X", json!(0), &id).await;
    assert_eq!(deferred.outcome(), (202, "deferred".to_owned()), "{deferred:?}");
    assert_eq!(deferred.json()["uniqueness"], "unconfirmed");
    assert!(deferred.json()["version"].is_null());
    system.heal().await;
    system.settled().await;
    let page = system.events("X").await.json();
    assert_eq!(shown(&page), vec![(1, id.clone(), "recorded".to_owned())]);
    assert_eq!(page["conflicts"], json!([]));
    let again = system.append("X", json!(0), &id).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"), "{again:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_event_whose_decision_is_unknown_says_so_and_a_retry_tells() {
    for expected in [json!(1), json!(null)] {
        let system = System::start().await;
        system.create("X").await;
        system.settled().await;
        system.faults(json!({"reservations": "unknown"})).await;
        let id = event_id();
        let unknown = system.append("X", expected.clone(), &id).await;
        assert_eq!(unknown.outcome(), (503, "store-unavailable".to_owned()), "{unknown:?}");
        assert_eq!(unknown.json()["outcome"], "unknown");
        system.heal().await;
        let system_is_back = || async { system.get("/health").await.json()["status"] == "ok" };
        system.until("the arbiter is back", system_is_back).await;
        let again = retried(&system, expected, &id).await;
        assert_eq!(again.0, 200, "accepted once, at its version");
        assert_eq!(again.1["version"], 2);
        system.settled().await;
        assert_eq!(system.published("X").await, vec![1, 2]);
        system.stop().await;
    }
}

/// Sends the same request until the append function's own circuit lets it through.
async fn retried(system: &System, expected: serde_json::Value, id: &str) -> (u16, serde_json::Value) {
    let last = std::sync::Mutex::new((0, json!(null)));
    system
        .until("an answer", || async {
            let answer = system.append("X", expected.clone(), id).await;
            *last.lock().unwrap() = (answer.status, answer.json());
            answer.status != 503
        })
        .await;
    last.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_recording_is_unknown_is_pending_and_recorded_once() {
    let system = System::start().await;
    system.faults(json!({"events": "unknown"})).await;
    let id = event_id();
    let pending = system.append("X", json!(0), &id).await;
    assert_eq!(pending.outcome(), (202, "pending".to_owned()), "{pending:?}");
    let page = system.events("X").await.json();
    assert_eq!(shown(&page), vec![(1, id.clone(), "pending".to_owned())]);
    system.heal().await;
    system.settled().await;
    let page = system.events("X").await.json();
    assert_eq!(shown(&page), vec![(1, id, "recorded".to_owned())]);
    assert_eq!(system.published("X").await, vec![1]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_bus_and_queue_lose_nothing() {
    let system = System::start().await;
    system.faults(json!({"bus": "unknown", "queue": "unknown"})).await;
    assert_eq!(system.append("X", json!(0), &event_id()).await.status, 201);
    assert_eq!(system.append("X", json!(1), &event_id()).await.status, 201);
    system.until("the bus acts, and says nothing", || async { !system.bus().await.is_empty() }).await;
    system.heal().await;
    system.settled().await;
    assert_eq!(system.published("X").await, vec![1, 2]);
    system.stop().await;
}
