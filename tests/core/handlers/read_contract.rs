//! The HTTP contract of the reads: whole bodies and headers.

use booking_store::failure::Store;
use booking_tests::{World, draft, event_id};
use serde_json::json;

/// Version 1 settled, 2 and 3 pending.
async fn booking() -> World {
    let world = World::new();
    let first = draft(1).at("2026-11-20T12:00:00Z").with_metadata(r#"{"by":"desk"}"#);
    let _ = world.append("LH4711", Some(0), &[first]).await.is(201);
    world.settle().await;
    world.faults.down(Store::Events);
    let _ = world.append("LH4711", None, &[draft(2), draft(3).of_type("BookingAmended")]).await.is(202);
    world.faults.all_up();
    world
}

#[tokio::test]
async fn a_page_in_full() {
    let world = booking().await;
    let page = world.read("LH4711").await.is(200);
    let price = |n| json!({"total": format!("{n}.10"), "currency": "EUR"});
    let wanted = json!({
        "booking_code": "LH4711",
        "version": 3,
        "complete": true,
        "events": [
            {
                "version": 1,
                "event_id": event_id(1),
                "type": "BookingPriced",
                "occurred_at": "2026-11-20T12:00:00.000Z",
                "accepted_at": "2026-11-21T09:00:00.001Z",
                "status": "recorded",
                "data": price(1),
                "metadata": {"by": "desk"},
            },
            {
                "version": 2,
                "event_id": event_id(2),
                "type": "BookingPriced",
                "occurred_at": "2026-11-21T09:00:00.002Z",
                "accepted_at": "2026-11-21T09:00:00.002Z",
                "status": "pending",
                "data": price(2),
                "metadata": null,
            },
            {
                "version": 3,
                "event_id": event_id(3),
                "type": "BookingAmended",
                "occurred_at": "2026-11-21T09:00:00.002Z",
                "accepted_at": "2026-11-21T09:00:00.002Z",
                "status": "pending",
                "data": price(3),
                "metadata": null,
            },
        ],
        "conflicts": [],
        "next_from_version": null,
    });
    assert_eq!(page.json, wanted);
    assert_eq!(page.header("content-type"), Some("application/json"));
    world.heal().await;
}

#[tokio::test]
async fn a_page_cut_short_says_where_to_go_on() {
    let world = booking().await;
    let page = world.get("/bookings/LH4711/events?limit=2").await.is(200);
    assert_eq!((page.versions(), &page.json["next_from_version"]), (vec![1, 2], &json!(3)));
    assert_eq!((&page.json["version"], &page.json["complete"]), (&json!(3), &json!(true)));
    world.heal().await;
}

#[tokio::test]
async fn a_lost_event_beside_the_page() {
    let world = World::new();
    world.faults.down(Store::Reservations);
    let _ = world.append("LH4711", Some(0), &[draft(2).with_metadata(r#"{"a":1}"#)]).await.is(202);
    world.faults.all_up();
    let _ = world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    world.heal().await;
    let page = world.read("LH4711").await.is(200);
    let conflict = json!({
        "version": null,
        "event_id": event_id(2),
        "type": "BookingPriced",
        "occurred_at": "2026-11-21T09:00:00.001Z",
        "accepted_at": "2026-11-21T09:00:00.001Z",
        "status": "conflict",
        "owner_event_id": event_id(1),
        "detected_at": page.json["conflicts"][0]["detected_at"],
        "data": {"total": "2.10", "currency": "EUR"},
        "metadata": {"a": 1},
    });
    assert_eq!(page.json["conflicts"], json!([conflict]));
    assert!(page.json["conflicts"][0]["detected_at"].as_str().is_some_and(|at| at.ends_with('Z')));
    world.heal().await;
}

#[tokio::test]
async fn a_booking_at_a_glance() {
    let world = booking().await;
    let answer = world.get("/bookings/LH4711").await.is(200);
    let wanted = json!({
        "booking_code": "LH4711",
        "version": 3,
        "settled_version": 1,
        "created_at": "2026-11-21T09:00:00.001Z",
        "pending": 2,
        "conflicts": 0,
    });
    assert_eq!(answer.json, wanted);
    world.faults.down(Store::Events);
    assert_eq!(world.get("/bookings/LH4711").await.is(200).json, wanted, "the reservation alone knows it");
    world.faults.down(Store::Reservations);
    world.get("/bookings/LH4711").await.is_problem(503, "store-unavailable");
    world.heal().await;
}

#[tokio::test]
async fn one_event() {
    let world = booking().await;
    let answer = world.get(&format!("/bookings/LH4711/events/{}", event_id(1).to_uppercase())).await.is(200);
    let wanted = json!({
        "booking_code": "LH4711",
        "version": 1,
        "event_id": event_id(1),
        "type": "BookingPriced",
        "occurred_at": "2026-11-20T12:00:00.000Z",
        "accepted_at": "2026-11-21T09:00:00.001Z",
        "status": "recorded",
        "data": {"total": "1.10", "currency": "EUR"},
        "metadata": {"by": "desk"},
    });
    assert_eq!(answer.json, wanted);
    let pending = world.get(&format!("/bookings/LH4711/events/{}", event_id(3))).await.is(200);
    assert_eq!(pending.member("status"), "pending");
    world.heal().await;
}

#[tokio::test]
async fn what_is_known_already_is_304() {
    let world = World::new();
    let _ = world.append("LH4711", Some(0), &[draft(1), draft(2)]).await.is(201);
    world.settle().await;
    let etag = world.read("LH4711").await.is(200).header("etag").map(str::to_owned);
    assert_eq!(etag.as_deref(), Some("\"2\""));
    for (known, status) in [
        ("\"2\"", 304),
        ("W/\"2\"", 304),
        ("\"1\", \"2\"", 304),
        ("*", 304),
        ("\"1\"", 200),
        ("2", 200),
        ("\"22\"", 200),
    ] {
        let answer = world.get_with("/bookings/LH4711/events", &[("if-none-match", known)]).await.is(status);
        assert_eq!(answer.header("etag"), Some("\"2\""), "{known}");
        assert_eq!(answer.text.is_empty(), status == 304);
    }
    let _ = world.append("LH4711", Some(2), &[draft(3)]).await.is(201);
    let _ = world.get_with("/bookings/LH4711/events", &[("if-none-match", "\"2\"")]).await.is(200);
    world.heal().await;
}

/// What is pending will be recorded, and a conflict is no version: neither may be answered by 304.
#[tokio::test]
async fn what_may_still_change_is_never_304() {
    let world = booking().await;
    for known in ["\"3\"", "*"] {
        let _ = world.get_with("/bookings/LH4711/events", &[("if-none-match", known)]).await.is(200);
    }
    world.faults.down(Store::Events);
    let eventual = "/bookings/LH4711/events?consistency=eventual";
    let answer = world.get_with(eventual, &[("if-none-match", "\"3\"")]).await.is(200);
    assert_eq!((&answer.json["complete"], answer.header("etag")), (&json!(false), None));
    world.heal().await;
}

/// The reader says it was told of a version that there is not: that is its mistake, not an outage.
#[tokio::test]
async fn a_future_min_version_is_409() {
    let world = booking().await;
    let _ = world.get("/bookings/LH4711/events?min_version=3").await.is(200);
    let answer = world.get("/bookings/LH4711/events?min_version=4").await.is_problem(409, "version-not-reached");
    assert_eq!((&answer.json["min_version"], &answer.json["actual_version"]), (&json!(4), &json!(3)));
    world.heal().await;
}

#[tokio::test]
async fn health_tells_how_the_tables_answer() {
    for (down, status, reservations, events) in [
        (None, "ok", "up", "up"),
        (Some(Store::Events), "degraded", "up", "down"),
        (Some(Store::Reservations), "degraded", "down", "up"),
    ] {
        let world = World::new();
        down.into_iter().for_each(|store| world.faults.down(store));
        let answer = world.get("/health").await.is(200);
        let stores = json!({"reservations": reservations, "events": events});
        assert_eq!(answer.json, json!({"status": status, "stores": stores}));
    }
}

/// A page that can still change has no tag, or a reader that holds it would be told for ever that nothing changed.
#[tokio::test]
async fn a_page_with_pending_events_has_no_tag() {
    let world = World::new();
    world.faults.down(Store::Events);
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(202);
    assert_eq!(world.read("B").await.is(200).header("etag"), None);
    world.faults.all_up();
    world.settle().await;
    assert_eq!(world.read("B").await.is(200).header("etag"), Some("\"1\""));
    let _ = world.get_with("/bookings/B/events", &[("if-none-match", "\"1\"")]).await.is(304);
}

/// Conflicts beside a page are bounded, and each of them is still found by its id.
#[tokio::test]
async fn many_conflicts_do_not_burst_an_answer() {
    let world = World::new();
    let _ = world.append("B", Some(0), &[draft(1)]).await.is(201);
    world.settle().await;
    world.faults.down(Store::Reservations);
    for n in 2..=22 {
        let _ = world.append("B", Some(0), &[draft(n).of_bytes(60_000)]).await.is(202);
    }
    world.heal().await;
    let page = world.read("B").await.is(200).json;
    assert_eq!(page["conflicts"].as_array().map(Vec::len), Some(17));
    assert_eq!(world.get("/bookings/B").await.is(200).json["conflicts"], 21);
    let _ = world.get(&format!("/bookings/B/events/{}", event_id(22))).await.is(200);
}
