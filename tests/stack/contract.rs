//! The HTTP contract, row by row, on a whole system; and that what is accepted comes out of the bus.

use serde_json::json;

use crate::system::{System, data, event_id};

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_created_once_read_and_published() {
    let system = System::take().await;
    let id = event_id();
    let created = system.append("C1", json!(0), &id).await;
    assert_eq!(created.outcome(), (201, "recorded".to_owned()), "{created:?}");
    assert_eq!((created.header("etag"), &created.json()["uniqueness"]), ("\"1\"", &json!("confirmed")));
    let again = system.append("C1", json!(0), &id).await;
    assert_eq!((again.outcome(), again.header("idempotency-replayed")), ((200, "recorded".to_owned()), "true"));
    let taken = system.append("C1", json!(0), &event_id()).await;
    assert_eq!(taken.outcome(), (409, "booking-code-taken".to_owned()), "{taken:?}");
    assert_eq!(taken.header("content-type"), "application/problem+json");
    assert_eq!(system.shown("C1").await, [(1, "recorded".to_owned())]);
    let summary = system.get("/bookings/C1").await;
    assert_eq!((summary.status, &summary.json()["version"]), (200, &json!(1)), "{summary:?}");
    let found = system.get(&format!("/bookings/C1/events/{id}")).await;
    assert_eq!((found.status, &found.json()["data"]), (200, &data(&id)), "{found:?}");
    system.settled("C1", &[1]).await;
    let delivered = system.delivered().await;
    let event = delivered.iter().find(|event| event["detail"]["booking_code"] == "C1").unwrap();
    assert_eq!((&event["source"], &event["detail-type"]), (&json!("booking.events"), &json!("BookingPriced")));
    assert_eq!((&event["detail"]["event_id"], &event["detail"]["data"]), (&json!(id), &data(&id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn later_events_follow_their_version_or_the_end() {
    let system = System::take().await;
    system.create("C2").await;
    let second = system.append("C2", json!(1), &event_id()).await;
    assert_eq!((second.status, &second.json()["version"]), (201, &json!(2)), "{second:?}");
    let late = system.append("C2", json!(1), &event_id()).await;
    assert_eq!(late.outcome(), (409, "version-conflict".to_owned()), "{late:?}");
    assert_eq!((&late.json()["expected_version"], &late.json()["actual_version"]), (&json!(1), &json!(2)));
    let third = system.append("C2", json!(null), &event_id()).await;
    assert_eq!((third.status, &third.json()["version"]), (201, &json!(3)), "{third:?}");
    let events: Vec<_> = (4..=28).map(|n| json!({"event_id": event_id(), "type": "T", "data": {"n": n}})).collect();
    let many = system.post("C2", json!({"expected_version": 3, "events": events}).to_string()).await;
    assert_eq!((many.status, &many.json()["first_version"], &many.json()["version"]), (201, &json!(4), &json!(28)));
    let all: Vec<u64> = (1..=28).collect();
    assert_eq!(system.shown("C2").await.iter().map(|(version, _)| *version).collect::<Vec<_>>(), all);
    system.settled("C2", &all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_not_right_is_refused() {
    let system = System::take().await;
    for path in ["/bookings/C30", "/bookings/C30/events", &format!("/bookings/C30/events/{}", event_id())] {
        let absent = system.get(path).await;
        assert_eq!(absent.status, 404, "{path}: {absent:?}");
    }
    let id = system.create("C3").await;
    let nobody = system.append("C30", json!(null), &event_id()).await;
    assert_eq!(nobody.status, 404, "{nobody:?}");
    let reused = json!({"events": [{"event_id": id, "type": "BookingPriced", "data": {"other": 1}}]});
    let reused = system.post("C3", reused.to_string()).await;
    assert_eq!(reused.outcome(), (422, "event-id-reused".to_owned()), "{reused:?}");
    for bad in ["", "{", "[]", r#"{"events":[]}"#, r#"{"events":[{"type":"T","data":[]}]}"#] {
        let refused = system.post("C3", bad.to_owned()).await;
        assert_eq!(refused.status, 400, "{bad}: {refused:?}");
    }
    assert_eq!(system.get("/other").await.status, 404);
    assert_eq!(system.shown("C3").await.len(), 1);
    system.settled("C3", &[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_keep_every_byte() {
    let system = System::take().await;
    let data = "{ \"b\" : 12345678901234567890123456789012345678.90 ,\"a\":1.10,\"é\\u0041😀\":[ ],\"n\":1E-300}";
    let body =
        format!(r#"{{"expected_version":0,"events":[{{"event_id":"{}","type":"T","data":{data}}}]}}"#, event_id());
    assert_eq!(system.post("C4", body).await.status, 201);
    let read = system.events("C4").await;
    assert!(read.text.contains(data), "{}", read.text);
    system.settled("C4", &[1]).await;
}

/// The template's default: who does not sign is not let in.
#[tokio::test(flavor = "multi_thread")]
async fn unsigned_requests_are_refused() {
    let system = System::take().await;
    let refused = system.aws.send_unsigned(&system.url("/bookings/C5")).await;
    assert_eq!(refused.status, 403, "{refused:?}");
}

/// Of twenty claimants of one code at the same time one gets it, by the functions' own processes.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_claimants_one_gets_the_code() {
    let system = System::take().await;
    let claims = (0..20).map(|_| async { system.append("C6", json!(0), &event_id()).await.outcome() });
    let outcomes = futures::future::join_all(claims).await;
    let count = |status| outcomes.iter().filter(|outcome| outcome.0 == status).count();
    assert_eq!((count(201), count(409)), (1, 19), "{outcomes:?}");
    system.settled("C6", &[1]).await;
}

/// On AWS health checks come through the API as well; ministack keeps `/health` for itself on every name, so the function
/// is asked directly.
#[tokio::test(flavor = "multi_thread")]
async fn the_read_function_is_healthy() {
    let system = System::take().await;
    let own = system.get("/health").await;
    assert!(own.json()["services"].is_object(), "it comes through the API now, ask there: {own:?}");
    let http = json!({"method": "GET", "path": "/health", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"});
    let context = json!({"http": http, "stage": "$default", "requestId": "1", "apiId": "a", "accountId": "1",
        "routeKey": "GET /health", "time": "21/Nov/2026:09:00:00 +0000", "timeEpoch": 1_795_251_600_000_u64});
    let request = json!({"version": "2.0", "routeKey": "GET /health", "rawPath": "/health", "rawQueryString": "",
        "headers": {}, "requestContext": context, "isBase64Encoded": false});
    let path = format!("/2015-03-31/functions/{}/invocations", system.stack.resources["ReadFunction"]);
    let answer = system.aws.path("lambda", "POST", &path, request.to_string().into_bytes()).await;
    assert_eq!(answer.json()["statusCode"], 200, "{answer:?}");
}
