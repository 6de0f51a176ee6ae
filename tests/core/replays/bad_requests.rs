//! Every bad order: the precise 4xx with its pointer, all errors at once, nothing stored or queued.

use booking_store::limits::{MAX_REPLAY_BOOKINGS, MAX_REQUEST_BYTES};
use booking_tests::Call;
use lambda_http::Body;
use lambda_http::http::Request;
use serde_json::json;

use super::rig::Rig;

/// Posts each body and asserts its pointers; nothing reaches a store.
async fn each_is_refused(cases: &[(&str, &[&str])]) {
    for (body, pointers) in cases {
        let rig = Rig::new();
        let answer = rig.post("/replays", body).await;
        answer.clone().is_problem(400, "invalid-request");
        let shown = &body[..body.len().min(200)];
        assert_eq!(answer.pointers(), *pointers, "{shown}: {}", answer.text);
        let messages = answer.json["errors"].as_array().expect("errors").iter().map(|error| &error["message"]);
        assert!(messages.into_iter().all(|message| message.as_str().is_some_and(|text| !text.is_empty())));
        assert_eq!(rig.world.faults.take_calls(), [] as [Call; 0], "{shown}");
        assert!(rig.turns.bodies().is_empty());
    }
}

#[tokio::test]
async fn the_body_as_a_whole() {
    for body in ["", " ", "null", "[]", "1", "\"x\"", "{", "{}x"] {
        each_is_refused(&[(body, &[""])]).await;
    }
}

#[tokio::test]
async fn the_selection() {
    each_is_refused(&[
        (r#"{"consumer":"c"}"#, &[""]),
        (r#"{"consumer":"c","all":true,"booking_codes":["A"]}"#, &[""]),
        (r#"{"consumer":"c","all":true,"accepted_from":"2026-11-21T09:00:00Z"}"#, &[""]),
        (r#"{"consumer":"c","booking_codes":["A"],"accepted_to":"2026-11-21T09:00:00Z"}"#, &[""]),
        (r#"{"consumer":"c","all":false}"#, &["/all"]),
        (r#"{"consumer":"c","all":1}"#, &["/all"]),
        (r#"{"consumer":"c","all":null}"#, &["/all"]),
        (r#"{"consumer":"c","booking_codes":[]}"#, &["/booking_codes"]),
        (r#"{"consumer":"c","booking_codes":"A"}"#, &["/booking_codes"]),
        (r#"{"consumer":"c","booking_codes":[1]}"#, &["/booking_codes"]),
        (
            r#"{"consumer":"c","booking_codes":["A","a b","A",""]}"#,
            &["/booking_codes/1", "/booking_codes/2", "/booking_codes/3"],
        ),
        (r#"{"consumer":"c","accepted_from":"2026-11-21T09:00:00Z"}"#, &["/accepted_to"]),
        (r#"{"consumer":"c","accepted_to":"2026-11-21T09:00:00Z"}"#, &["/accepted_from"]),
        (r#"{"consumer":"c","accepted_from":"yesterday","accepted_to":7}"#, &["/accepted_from", "/accepted_to"]),
        (
            r#"{"consumer":"c","accepted_from":"2026-11-21T09:00:00Z","accepted_to":"2026-11-21T09:00:00Z"}"#,
            &["/accepted_to"],
        ),
        (
            r#"{"consumer":"c","accepted_from":"2026-11-21T09:00:00Z","accepted_to":"2026-11-21T10:00:00+01:00"}"#,
            &["/accepted_to"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_rest_of_it() {
    each_is_refused(&[
        (r#"{"all":true}"#, &["/consumer"]),
        (r#"{"all":true,"consumer":""}"#, &["/consumer"]),
        (r#"{"all":true,"consumer":"a b"}"#, &["/consumer"]),
        (r#"{"all":true,"consumer":null}"#, &["/consumer"]),
        (r#"{"all":true,"consumer":"c","replay_id":"x"}"#, &["/replay_id"]),
        (r#"{"all":true,"consumer":"c","replay_id":null}"#, &["/replay_id"]),
        (r#"{"all":true,"consumer":"c","replayId":"x"}"#, &["/replayId"]),
        (r#"{"all":true,"consumer":"c","consumer":"c"}"#, &["/consumer"]),
        (
            r#"{"consumer":" ","rate_per_s":0,"replay_id":7,"more":1}"#,
            &["/more", "/replay_id", "/consumer", "/rate_per_s", ""],
        ),
    ])
    .await;
    for rate in ["0", "1001", "-1", "1.5", "1e2", "\"5\"", "null", "4294967296"] {
        let body = format!(r#"{{"all":true,"consumer":"c","rate_per_s":{rate}}}"#);
        each_is_refused(&[(&body, &["/rate_per_s"])]).await;
    }
}

#[tokio::test]
async fn as_many_codes_as_allowed_and_one_more() {
    let codes = |count: usize| (0..count).map(|n| format!("{n:064}")).collect::<Vec<_>>();
    let rig = Rig::new();
    let order = json!({"consumer": "c", "booking_codes": codes(MAX_REPLAY_BOOKINGS)});
    let _ = rig.order(order).await.is(202);
    let order = json!({"consumer": "c", "booking_codes": codes(MAX_REPLAY_BOOKINGS + 1)}).to_string();
    each_is_refused(&[(&order, &["/booking_codes"])]).await;
}

#[tokio::test]
async fn size_and_type_of_the_body() {
    let rig = Rig::new();
    let body = format!(r#"{{"all":true,"consumer":"c"}}{}"#, " ".repeat(MAX_REQUEST_BYTES));
    rig.post("/replays", &body).await.is_problem(413, "request-too-large");
    let plain = Request::post("https://api.example/replays").header("content-type", "text/plain");
    let plain = plain.body(Body::from(r#"{"all":true,"consumer":"c"}"#)).unwrap();
    rig.send(plain).await.is_problem(415, "unsupported-media-type");
    assert!(rig.turns.bodies().is_empty());
}
