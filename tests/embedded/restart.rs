//! A restart in the middle of an outage. (The program's own test kills it with `kill -9`.)

use serde_json::json;

use crate::system::{System, event_id, shown};

#[tokio::test(flavor = "multi_thread")]
async fn deferred_and_pending_events_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let system = System::start_in(Some(directory.path().to_owned())).await;
    let first = system.create("PENDING").await;
    system.settled().await;
    system.faults(json!({"events": "down"})).await;
    let second = event_id();
    assert_eq!(system.append("PENDING", json!(1), &second).await.outcome(), (202, "pending".to_owned()));
    system.faults(json!({"reservations": "down"})).await;
    let deferred = event_id();
    assert_eq!(system.append("DEFERRED", json!(0), &deferred).await.outcome(), (202, "deferred".to_owned()));
    system.stop().await;

    let system = System::start_in(Some(directory.path().to_owned())).await;
    system.settled().await;
    let page = system.events("PENDING").await.json();
    let recorded = "recorded".to_owned();
    assert_eq!(shown(&page), vec![(1, first, recorded.clone()), (2, second, recorded.clone())]);
    assert_eq!(shown(&system.events("DEFERRED").await.json()), vec![(1, deferred, recorded)]);
    assert_eq!(system.published("PENDING").await, vec![1, 2]);
    assert_eq!(system.published("DEFERRED").await, vec![1]);
    system.stop().await;
}
