//! The race of the problem statement, and codes two bookings want.

use serde_json::json;

use crate::system::{System, event_id, shown};

/// Node A decides and can't record; node B claims the same code. There is one arbiter, so B is refused, and A's event is
/// there all along.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_pending_is_taken() {
    let system = System::start().await;
    system.faults(json!({"events": "down"})).await;
    let (a, b) = (event_id(), event_id());
    assert_eq!(system.append("X", json!(0), &a).await.outcome(), (202, "pending".to_owned()));
    system.faults(json!({"events": "up"})).await;
    let refused = system.append("X", json!(0), &b).await;
    assert_eq!(refused.outcome(), (409, "booking-code-taken".to_owned()), "{refused:?}");
    system.settled().await;
    assert_eq!(shown(&system.events("X").await.json()), vec![(1, a, "recorded".to_owned())]);
    system.stop().await;
}

/// A deferred booking whose code turns out to be taken: its event is kept, shown, found by id and published.
#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_claimant_that_loses_is_kept_and_told() {
    let system = System::start().await;
    let owner = system.create("X").await;
    system.settled().await;
    system.faults(json!({"reservations": "down"})).await;
    let loser = event_id();
    assert_eq!(system.append("X", json!(0), &loser).await.outcome(), (202, "deferred".to_owned()));
    system.heal().await;
    system.settled().await;
    let page = system.events("X").await.json();
    assert_eq!(shown(&page), vec![(1, owner.clone(), "recorded".to_owned())]);
    let conflict = &page["conflicts"][0];
    assert_eq!(conflict["event_id"], loser.as_str());
    assert_eq!(conflict["owner_event_id"], owner.as_str());
    assert_eq!(conflict["data"], json!({"for": loser}));
    let found = system.get(&format!("/bookings/X/events/{loser}")).await.json();
    assert_eq!((&found["status"], &found["version"]), (&json!("conflict"), &json!(null)), "{found}");
    assert_eq!(system.get("/bookings/X").await.json()["conflicts"], 1);
    let published = || async { system.bus().await.iter().any(|entry| entry["detail-type"] == "BookingCodeConflict") };
    system.until("the conflict is on the bus", published).await;
    let bus = system.bus().await;
    let entry = bus.iter().find(|entry| entry["detail-type"] == "BookingCodeConflict").unwrap();
    assert_eq!(entry["detail"]["event_id"], loser.as_str());
    assert_eq!(entry["detail"]["owner_event_id"], owner.as_str());
    system.stop().await;
}

/// Two departments want one code while the arbiter is silent: the queue keeps their order, one owns it.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_deferred_claimants_the_first_wins() {
    let system = System::start().await;
    system.faults(json!({"reservations": "down"})).await;
    let (first, second) = (event_id(), event_id());
    for id in [&first, &second, &first] {
        assert_eq!(system.append("X", json!(0), id).await.outcome(), (202, "deferred".to_owned()));
    }
    system.heal().await;
    system.settled().await;
    let page = system.events("X").await.json();
    assert_eq!(shown(&page), vec![(1, first, "recorded".to_owned())]);
    assert_eq!(page["conflicts"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(page["conflicts"][0]["event_id"], second.as_str());
    system.stop().await;
}
