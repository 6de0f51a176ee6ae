//! The HTTP contract of the append, row by row: status, headers, the whole body.

use booking_store::failure::{FailureKind, Store};
use booking_tests::{Answer, World, draft, event_id};
use serde_json::{Value, json};

/// The receipt of events `ids` from `first` on.
fn receipt(status: &str, first: u64, ids: &[u64]) -> Value {
    let events: Vec<_> =
        (first..).zip(ids).map(|(version, id)| json!({"event_id": event_id(*id), "version": version})).collect();
    json!({
        "booking_code": "LH4711",
        "first_version": first,
        "version": first + ids.len() as u64 - 1,
        "status": status,
        "uniqueness": "confirmed",
        "events": events,
    })
}

fn is_receipt(answer: &Answer, code: u16, replayed: bool, receipt: &Value) {
    assert_eq!((answer.status, &answer.json), (code, receipt));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("etag"), Some(format!("\"{}\"", receipt["version"]).as_str()));
    let location = format!("/bookings/LH4711/events?from_version={}", receipt["first_version"]);
    assert_eq!(answer.header("location"), Some(location.as_str()));
    assert_eq!(answer.header("idempotency-replayed"), replayed.then_some("true"));
    assert_eq!(answer.header("retry-after"), None);
}

/// The problem in full: type, title and detail are there, and beside them exactly `members`.
fn is_problem(answer: &Answer, status: u16, code: &str, members: Value) {
    let mut body = answer.json.clone();
    let fields = body.as_object_mut().expect("an object");
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::len)).unwrap_or_default();
    assert!(text(fields.remove("title")) > 0 && text(fields.remove("detail")) > 0, "{}", answer.text);
    assert_eq!(fields.remove("type"), Some(json!(format!("urn:booking-store:problem:{code}"))));
    let mut wanted = json!({"status": status, "code": code});
    if let (Some(wanted), Value::Object(members)) = (wanted.as_object_mut(), members) {
        wanted.extend(members);
    }
    assert_eq!((answer.status, body), (status, wanted));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("retry-after"), (status == 503).then_some("2"));
    assert_eq!((answer.header("location"), answer.header("etag")), (None, None));
    assert_eq!(answer.header("idempotency-replayed"), None);
}

#[tokio::test]
async fn recorded() {
    let world = World::new();
    let new = world.append("LH4711", Some(0), &[draft(1), draft(2)]).await;
    is_receipt(&new, 201, false, &receipt("recorded", 1, &[1, 2]));
    let exact = world.append("LH4711", Some(2), &[draft(3)]).await;
    is_receipt(&exact, 201, false, &receipt("recorded", 3, &[3]));
    let end = world.append("LH4711", None, &[draft(4), draft(5)]).await;
    is_receipt(&end, 201, false, &receipt("recorded", 4, &[4, 5]));
    world.heal().await;
}

#[tokio::test]
async fn pending() {
    let world = World::new();
    world.faults.down(Store::Events);
    let new = world.append("LH4711", Some(0), &[draft(1), draft(2)]).await;
    is_receipt(&new, 202, false, &receipt("pending", 1, &[1, 2]));
    let end = world.append("LH4711", None, &[draft(3)]).await;
    is_receipt(&end, 202, false, &receipt("pending", 3, &[3]));
    world.heal().await;
}

#[tokio::test]
async fn deferred() {
    let world = World::new();
    world.faults.down(Store::Reservations);
    let answer = world.append("LH4711", Some(0), &[draft(1), draft(2)]).await.is(202);
    let events = json!([{"event_id": event_id(1), "version": null}, {"event_id": event_id(2), "version": null}]);
    let wanted = json!({
        "booking_code": "LH4711",
        "first_version": null,
        "version": null,
        "status": "deferred",
        "uniqueness": "unconfirmed",
        "events": events,
    });
    assert_eq!(answer.json, wanted);
    let location = format!("/bookings/LH4711/events/{}", event_id(1));
    assert_eq!(answer.header("location"), Some(location.as_str()));
    assert_eq!((answer.header("etag"), answer.header("idempotency-replayed")), (None, None));
    world.heal().await;
    let _ = world.get(&location).await.is(200);
}

#[tokio::test]
async fn the_same_event_ids_again() {
    let world = World::new();
    let _ = world.append("LH4711", Some(0), &[draft(1), draft(2)]).await.is(201);
    let again = world.append("LH4711", Some(0), &[draft(1), draft(2)]).await;
    is_receipt(&again, 200, true, &receipt("recorded", 1, &[1, 2]));
    world.faults.down(Store::Events);
    let _ = world.append("LH4711", Some(2), &[draft(3)]).await.is(202);
    let again = world.append("LH4711", Some(2), &[draft(3)]).await;
    is_receipt(&again, 200, true, &receipt("pending", 3, &[3]));
    world.heal().await;
    let again = world.append("LH4711", Some(2), &[draft(3)]).await;
    is_receipt(&again, 200, true, &receipt("recorded", 3, &[3]));
    world.heal().await;
}

#[tokio::test]
async fn the_code_belongs_to_another() {
    let world = World::new();
    let _ = world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    let answer = world.append("LH4711", Some(0), &[draft(2)]).await;
    is_problem(&answer, 409, "booking-code-taken", json!({}));
    assert!(answer.member("detail").contains("LH4711"));
    world.heal().await;
}

#[tokio::test]
async fn a_wrong_expected_version_a_future_one_too() {
    let world = World::new();
    let _ = world.append("LH4711", Some(0), &[draft(1), draft(2), draft(3)]).await.is(201);
    for expected in [1, 2, 4, 1_000_000, u64::MAX] {
        let answer = world.append("LH4711", Some(expected), &[draft(9)]).await;
        let members = json!({"expected_version": expected, "actual_version": 3});
        is_problem(&answer, 409, "version-conflict", members);
    }
    assert_eq!(world.head_and_settled("LH4711"), Some((3, 0)));
    world.heal().await;
}

#[tokio::test]
async fn no_such_booking() {
    let world = World::new();
    for expected in [Some(1), Some(u64::MAX), None] {
        let answer = world.append("LH4711", expected, &[draft(1)]).await;
        is_problem(&answer, 404, "booking-not-found", json!({}));
    }
    assert!(world.head_and_settled("LH4711").is_none());
    world.heal().await;
}

#[tokio::test]
async fn the_same_event_id_with_another_payload() {
    let world = World::new();
    let _ = world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    let answer = world.append("LH4711", Some(0), &[draft(1).with_data("{}")]).await;
    is_problem(&answer, 422, "event-id-reused", json!({"event_id": event_id(1)}));
    world.heal().await;
}

#[tokio::test]
async fn the_pending_limit() {
    let world = World::new();
    world.faults.down(Store::Events);
    let large = |n| [draft(n).of_bytes(64_000), draft(n + 1).of_bytes(64_000), draft(n + 2).of_bytes(64_000)];
    let _ = world.append("LH4711", Some(0), &large(1)).await.is(202);
    let answer = world.append("LH4711", None, &large(4)).await;
    is_problem(&answer, 503, "pending-limit-reached", json!({"outcome": "not_accepted"}));
    assert_eq!(world.head_and_settled("LH4711"), Some((3, 0)));
    world.heal().await;
}

#[tokio::test]
async fn a_store_that_is_silent() {
    for (kind, outcome) in [
        (FailureKind::Unreachable, "not_accepted"),
        (FailureKind::CircuitOpen, "not_accepted"),
        (FailureKind::Throttled, "not_accepted"),
        (FailureKind::Contended, "not_accepted"),
        (FailureKind::Refused, "not_accepted"),
        (FailureKind::NoAnswer, "unknown"),
        (FailureKind::ServerError, "unknown"),
        (FailureKind::Corrupt, "unknown"),
    ] {
        let world = World::with_policy(false);
        world.faults.down_with(Store::Reservations, kind);
        for expected in [Some(0), Some(1), None] {
            let answer = world.append("LH4711", expected, &[draft(1)]).await;
            is_problem(&answer, 503, "store-unavailable", json!({"outcome": outcome}));
        }
        world.heal().await;
    }
}

/// What the log says of a failure is not what the client sees.
#[tokio::test]
async fn no_answer_shows_the_cause_of_a_failure() {
    let world = World::with_policy(false);
    world.faults.down(Store::Reservations);
    let append = world.append("LH4711", Some(0), &[draft(1)]).await;
    let read = world.read("LH4711").await;
    for answer in [append, read] {
        let text = answer.text.to_lowercase();
        assert!(
            !text.contains("scripted") && !text.contains("unreachable") && !text.contains("reservations"),
            "{text}"
        );
    }
}

/// Ids are given to events whose client names none, and told.
#[tokio::test]
async fn event_ids_are_optional() {
    let world = World::new();
    let answer = world.append("LH4711", Some(0), &[draft(1).nameless(), draft(2).nameless()]).await.is(201);
    let ids = answer.event_ids();
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 36), "{ids:?}");
    assert_eq!(world.read("LH4711").await.event_ids(), ids);
    world.heal().await;
}

#[tokio::test]
async fn other_methods_and_routes() {
    use lambda_http::http::{Method, Request};
    let world = World::new();
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let request = Request::builder().method(method).uri("https://api.example/bookings/B/events");
        let answer = world.send(request.body(lambda_http::Body::Empty).unwrap()).await;
        let answer = answer.is_problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    for path in ["/", "/bookings", "/bookings/B", "/bookings/B/events/x", "/bookings/B/events/", "/other/B/events"] {
        let request = Request::post(format!("https://api.example{path}"));
        let answer = world.send(request.body(lambda_http::Body::Empty).unwrap()).await;
        answer.is_problem(404, "route-not-found");
    }
}
