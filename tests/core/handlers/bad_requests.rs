//! Every bad input of an append: the precise 4xx with its pointer, all errors at once, nothing written.

use booking_store::limits::{MAX_DATA_BYTES, MAX_EVENTS_PER_APPEND, MAX_METADATA_BYTES, MAX_REQUEST_BYTES};
use booking_tests::{Call, Draft, World, body, draft, event_id};
use lambda_http::Body;
use lambda_http::http::Request;

/// `events` of a new booking.
fn new(events: &[Draft]) -> String {
    body(Some(0), events)
}

/// A request of one event with these members.
fn event(members: &str) -> String {
    format!(r#"{{"expected_version":0,"events":[{members}]}}"#)
}

/// Posts each body and asserts its pointers; nothing reaches a store.
async fn each_is_refused(cases: &[(String, &[&str])]) {
    for (body, pointers) in cases {
        let world = World::new();
        let answer = world.post("B", body).await.is_problem(400, "invalid-request");
        let shown = &body[..body.len().min(200)];
        assert_eq!(answer.pointers(), *pointers, "{shown}: {}", answer.text);
        let messages = answer.json["errors"].as_array().expect("errors").iter().map(|error| &error["message"]);
        assert!(messages.into_iter().all(|message| message.as_str().is_some_and(|text| !text.is_empty())));
        assert_eq!(world.faults.take_calls(), [] as [Call; 0], "{shown}");
    }
}

#[tokio::test]
async fn the_body_as_a_whole() {
    let bodies = ["", " ", "null", "[]", "1", "\"x\"", "{", "{}x", "{\"events\":[}", "{\"expected_version\":0,}"];
    let cases: Vec<(String, &[&str])> = bodies.iter().map(|body| ((*body).to_owned(), &[""] as &[&str])).collect();
    each_is_refused(&cases).await;
}

#[tokio::test]
async fn the_top_level() {
    let one = draft(1).json();
    let numbers = ["-1", "1.5", "1e3", "\"0\"", "null", "true", "18446744073709551616", "[0]"];
    let mut cases: Vec<(String, &[&str])> = Vec::new();
    for number in numbers {
        cases.push((format!(r#"{{"expected_version":{number},"events":[{one}]}}"#), &["/expected_version"]));
    }
    for events in ["{}", "null", "\"x\"", "1", "[]"] {
        cases.push((format!(r#"{{"expected_version":0,"events":{events}}}"#), &["/events"]));
    }
    cases.push((r#"{"expected_version":0}"#.to_owned(), &["/events"]));
    cases.push(("{}".to_owned(), &["/events"]));
    cases.push((format!(r#"{{"expectedVersion":0,"events":[{one}]}}"#), &["/expectedVersion"]));
    cases.push((format!(r#"{{"expected_version":0,"a/b~c":1,"events":[{one}]}}"#), &["/a~1b~0c"]));
    cases.push((format!(r#"{{"expected_version":0,"expected_version":1,"events":[{one}]}}"#), &["/expected_version"]));
    let many: Vec<_> = (1..=MAX_EVENTS_PER_APPEND as u64 + 1).map(draft).collect();
    cases.push((new(&many), &["/events"]));
    each_is_refused(&cases).await;
}

#[tokio::test]
async fn an_event() {
    let id = event_id(1);
    let mut cases: Vec<(String, &[&str])> = vec![
        (event("1"), &["/events/0"]),
        (event("null"), &["/events/0"]),
        (event("[]"), &["/events/0"]),
        (event("{}"), &["/events/0/type", "/events/0/data"]),
        (event(r#"{"type":"T"}"#), &["/events/0/data"]),
        (event(r#"{"data":{}}"#), &["/events/0/type"]),
        (event(r#"{"type":"T","data":{},"version":1}"#), &["/events/0/version"]),
        (event(r#"{"type":"T","type":"U","data":{}}"#), &["/events/0/type"]),
        (new(&[draft(1), draft(2), draft(1)]), &["/events/2/event_id"]),
        (new(&[draft(1), draft(1), draft(1)]), &["/events/1/event_id", "/events/2/event_id"]),
    ];
    let upper = format!(r#"{{"event_id":"{}","type":"T","data":{{}}}}"#, id.to_uppercase());
    cases.push((event(&format!("{},{upper}", draft(1).json())), &["/events/1/event_id"]));
    for bad in ["\"\"", "\"x\"", "1", "null", "\"0193b7a45a5270008000000000000001\"", "{}"] {
        cases.push((event(&format!(r#"{{"event_id":{bad},"type":"T","data":{{}}}}"#)), &["/events/0/event_id"]));
    }
    for bad in ["2026-11-21", "2026-11-21T09:00:00", "2026-02-30T09:00:00Z", "yesterday", ""] {
        cases.push((new(&[draft(1).at(bad)]), &["/events/0/occurred_at"]));
    }
    cases.push((event(r#"{"occurred_at":1795251600,"type":"T","data":{}}"#), &["/events/0/occurred_at"]));
    each_is_refused(&cases).await;
}

#[tokio::test]
async fn an_event_type() {
    let long = "T".repeat(129);
    let bad = ["", "1T", ".T", "T-1", "T_1", "T 1", "Tür", "T/1", &long];
    let mut cases: Vec<(String, &[&str])> = Vec::new();
    for event_type in bad {
        cases.push((new(&[draft(1).of_type(event_type)]), &["/events/0/type"]));
    }
    for raw in ["1", "null", "{}"] {
        cases.push((event(&format!(r#"{{"type":{raw},"data":{{}}}}"#)), &["/events/0/type"]));
    }
    each_is_refused(&cases).await;
    for good in ["T", "BookingPriced", "hotel.v2.Priced", &"T".repeat(128)] {
        let world = World::new();
        let _ = world.append("B", Some(0), &[draft(1).of_type(good)]).await.is(201);
    }
}

#[tokio::test]
async fn data_and_metadata() {
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let bad = ["[]", "null", "1", "\"{}\"", "true", r#"{"a":"\ud800"}"#, r#"{"a":1e999}"#, &deep];
    let mut cases: Vec<(String, &[&str])> = Vec::new();
    for json in bad {
        cases.push((new(&[draft(1).with_data(json)]), &["/events/0/data"]));
        cases.push((new(&[draft(1), draft(2).with_metadata(json)]), &["/events/1/metadata"]));
    }
    cases.push((new(&[draft(1).of_bytes(MAX_DATA_BYTES + 1)]), &["/events/0/data"]));
    let large = draft(0).of_bytes(MAX_METADATA_BYTES + 1).data;
    cases.push((new(&[draft(1).with_metadata(large)]), &["/events/0/metadata"]));
    each_is_refused(&cases).await;
    let world = World::new();
    let largest = draft(0).of_bytes(MAX_METADATA_BYTES).data;
    let event = draft(1).of_bytes(MAX_DATA_BYTES).with_metadata(largest);
    let _ = world.append("B", Some(0), &[event]).await.is(201);
    world.heal().await;
}

/// One look tells the client everything that is wrong, in the order of the document.
#[tokio::test]
async fn everything_at_once() {
    let world = World::new();
    let events = [
        r#"{"event_id":"x","type":"1","occurred_at":"now","data":[],"metadata":1,"extra":0}"#.to_owned(),
        draft(2).json(),
        "7".to_owned(),
        draft(2).json(),
        r#"{"data":{"a":1e999}}"#.to_owned(),
    ];
    let body = format!(r#"{{"expected_version":-1,"unknown":0,"events":[{}]}}"#, events.join(","));
    let answer = world.post("L%20H", &body).await.is_problem(400, "invalid-request");
    let mut pointers = answer.pointers();
    assert_eq!(pointers[0], "{booking_code}");
    pointers.sort_unstable();
    let mut wanted = [
        "{booking_code}",
        "/expected_version",
        "/unknown",
        "/events/0/event_id",
        "/events/0/type",
        "/events/0/occurred_at",
        "/events/0/data",
        "/events/0/metadata",
        "/events/0/extra",
        "/events/2",
        "/events/3/event_id",
        "/events/4/type",
        "/events/4/data",
    ];
    wanted.sort_unstable();
    assert_eq!(pointers, wanted, "{}", answer.text);
    assert_eq!(world.faults.take_calls(), [] as [Call; 0]);
}

#[tokio::test]
async fn a_booking_code() {
    let long = "x".repeat(65);
    for code in ["", "%20", "LH%204711", "LH%2F4711", "M%C3%BCnchen", "a%25b", "a:b", "%2E%2E", "a%0Ab", "a+b", &long] {
        let world = World::new();
        let answer = world.post(code, &new(&[draft(1)])).await.is_problem(400, "invalid-request");
        assert_eq!(answer.pointers(), ["{booking_code}"], "{code}");
        assert_eq!(world.faults.take_calls(), [] as [Call; 0]);
    }
    for code in ["x", "A.b_c-9", "...", "bookings", "events", &"x".repeat(64)] {
        let world = World::new();
        let answer = world.append(code, Some(0), &[draft(1)]).await.is(201);
        assert_eq!(answer.member("booking_code"), code);
        world.heal().await;
    }
}

/// 256 KiB are taken, one byte more is 413 before anything is parsed.
#[tokio::test]
async fn a_body_over_the_limit() {
    let world = World::new();
    let frame = new(&[draft(1)]);
    let exact = format!("{frame}{}", " ".repeat(MAX_REQUEST_BYTES - frame.len()));
    for body in [format!("{exact} "), "x".repeat(MAX_REQUEST_BYTES + 1)] {
        world.post("B", &body).await.is_problem(413, "request-too-large");
    }
    assert_eq!(world.faults.take_calls(), [] as [Call; 0]);
    let _ = world.post("B", &exact).await.is(201);
}

#[tokio::test]
async fn a_content_type_that_is_not_json() {
    let world = World::new();
    let types = [None, Some("text/plain"), Some("application/xml"), Some("application/jsonx"), Some("")];
    for content_type in types {
        let mut request = Request::post("https://api.example/bookings/B/events");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let request = request.body(Body::from(new(&[draft(1)]))).expect("a request");
        world.send(request).await.is_problem(415, "unsupported-media-type");
    }
    assert_eq!(world.faults.take_calls(), [] as [Call; 0]);
    for (n, content_type) in ["application/json", "Application/JSON; charset=utf-8"].into_iter().enumerate() {
        let request = Request::post(format!("https://api.example/bookings/B{n}/events"));
        let request = request.header("content-type", content_type).body(Body::from(new(&[draft(1)])));
        let _ = world.send(request.expect("a request")).await.is(201);
    }
}

/// A body that is no UTF-8 arrives as bytes.
#[tokio::test]
async fn a_body_that_is_no_text() {
    let world = World::new();
    let request = Request::post("https://api.example/bookings/B/events").header("content-type", "application/json");
    let mut bytes = new(&[draft(1).with_data(r#"{"a":"?"}"#)]).into_bytes();
    let place = bytes.iter().position(|byte| *byte == b'?').expect("the mark");
    bytes[place] = 0xff;
    let answer = world.send(request.body(Body::Binary(bytes)).expect("a request")).await;
    answer.is_problem(400, "invalid-request");
    assert_eq!(world.faults.take_calls(), [] as [Call; 0]);
}

/// All at once: that the earlier event is wrong otherwise does not hide that its id is used twice.
#[tokio::test]
async fn an_id_used_twice_is_told_beside_what_else_is_wrong() {
    let world = World::new();
    let answer = world.post("B", &body(Some(0), &[draft(1).of_type("1"), draft(1)])).await.is(400);
    assert_eq!(answer.pointers(), ["/events/0/type", "/events/1/event_id"]);
}
