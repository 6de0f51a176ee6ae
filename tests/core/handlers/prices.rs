//! `GET /prices/{booking_code}`: every answer, by the records that the projection stores.

use std::sync::Arc;

use async_trait::async_trait;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::{BookingCode, EventId, Timestamp, Version};
use booking_tests::{Answer, START, code};
use lambda_http::http::Request as HttpRequest;
use lambda_http::request::from_str;
use lambda_http::{Body, Request};
use price_projection::http::{Context, handle};
use projection::Records;
use projection::memory::MemoryRecords;
use projection::ports::Saved;
use projection::record::{Parked, Record, Stage};
use serde_json::json;

use super::payloads::READ_PRICE;

const PRICE: &str = r#"{"total":"99.90","currency":"EUR","state":"amended","as_of":"2026-11-21T09:00:00.000Z"}"#;

fn moment() -> Timestamp {
    Timestamp::parse(START).unwrap()
}

fn record(position: u64, state: &str) -> Record {
    let record = Record::new(code("LH4711"), state.to_owned(), 1, moment());
    let position = Version::new(position);
    Record { position, reacted: position, revision: 1, ..record }
}

fn parked(record: Record, dead_lettered: bool) -> Record {
    let parked = Parked {
        stage: Stage::Apply,
        version: record.position.next(),
        event_id: EventId::from_bytes([7; 16]),
        reason: "data.total is missing".to_owned(),
        attempts: 2,
        since: moment(),
        retry_at: moment(),
        dead_lettered,
        replay: None,
    };
    Record { parked: Some(parked), ..record }
}

async fn ask(record: Option<Record>, request: Request) -> Answer {
    let records = MemoryRecords::default();
    record.into_iter().for_each(|record| records.set(record));
    Answer::of(handle(&Context { records: Arc::new(records) }, request).await)
}

fn get(path: &str) -> Request {
    HttpRequest::get(format!("https://api.example{path}")).body(Body::Empty).unwrap()
}

async fn price(record: Option<Record>, query: &str) -> Answer {
    ask(record, get(&format!("/prices/LH4711{query}"))).await
}

#[tokio::test]
async fn the_price_by_the_gateways_own_request() {
    let answer = ask(Some(record(2, PRICE)), from_str(READ_PRICE).unwrap()).await.is(200);
    let body = r#"{"booking_code":"LH4711","version":2,"total":"99.90","currency":"EUR","state":"amended","as_of":"2026-11-21T09:00:00.000Z","parked":null}"#;
    assert_eq!(answer.text, body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn what_no_event_has_named_is_null() {
    let ended = r#"{"total":null,"currency":null,"state":"no_show","as_of":"2026-11-21T09:00:00.000Z"}"#;
    let answer = price(Some(record(1, ended)), "").await.is(200);
    assert_eq!(["total", "currency"].map(|name| answer.json[name].clone()), [json!(null), json!(null)]);
}

/// A reader that has the very answer gets 304; any change of it, also in what is parked, is another tag.
#[tokio::test]
async fn the_tag_is_of_the_whole_answer() {
    let tag = |answer: &Answer| answer.header("etag").unwrap().to_owned();
    let plain = price(Some(record(2, PRICE)), "").await.is(200);
    let known = |record: Record, tags: String| async move {
        let request = HttpRequest::get("https://api.example/prices/LH4711").header("if-none-match", tags);
        ask(Some(record), request.body(Body::Empty).unwrap()).await
    };
    let same = known(record(2, PRICE), format!("\"x\", W/{}", tag(&plain))).await.is(304);
    assert_eq!((same.text.as_str(), tag(&same)), ("", tag(&plain)));
    for other in [record(3, PRICE), parked(record(2, PRICE), false), record(2, &PRICE.replace("99.90", "99.9"))] {
        let answer = known(other, tag(&plain)).await.is(200);
        assert_ne!(tag(&answer), tag(&plain), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_parked_booking_shows_the_price_before_and_why() {
    let waiting = price(Some(parked(record(2, PRICE), false)), "").await.is(200);
    let told = json!({"version": 3, "event_id": "07070707-0707-0707-0707-070707070707", "attempts": 2,
        "reason": "data.total is missing", "since": "2026-11-21T09:00:00.000Z", "retry_at": "2026-11-21T09:00:00.000Z"});
    assert_eq!((&waiting.json["total"], &waiting.json["parked"]), (&json!("99.90"), &told));
    let given_up = price(Some(parked(record(2, PRICE), true)), "?min_version=2").await.is(200);
    assert_eq!(given_up.json["parked"]["retry_at"], json!(null), "only on demand");
}

#[tokio::test]
async fn a_reader_that_knows_more_is_told_to_wait() {
    for (stored, actual) in [(None, 0), (Some(record(2, PRICE)), 2), (Some(record(2, "null")), 2)] {
        let answer = price(stored, "?min_version=3").await.is_problem(503, "projection-behind");
        assert_eq!((&answer.json["min_version"], &answer.json["actual_version"]), (&json!(3), &json!(actual)));
        assert_eq!((answer.header("retry-after"), &answer.json["parked"]), (Some("2"), &json!(null)));
    }
    let stuck = price(Some(parked(record(2, PRICE), true)), "?min_version=3").await;
    assert_eq!(stuck.is_problem(503, "projection-behind").json["parked"]["version"], 3, "waiting alone won't help");
}

#[tokio::test]
async fn a_booking_without_a_price_is_not_found() {
    let nobody = price(None, "").await.is_problem(404, "price-not-found");
    assert!(nobody.member("detail").contains("a booking LH4711"), "{}", nobody.text);
    let unpriced = price(Some(record(4, "null")), "?min_version=4").await.is_problem(404, "price-not-found");
    assert!(unpriced.member("detail").contains("up to version 4"), "{}", unpriced.text);
    let stuck = price(Some(parked(record(4, "null"), false)), "").await.is_problem(404, "price-not-found");
    assert_eq!(stuck.json["parked"]["version"], 5);
}

/// Another deployment's form of the state, or none at all: unknown, and never a wrong price.
#[tokio::test]
async fn a_state_of_another_form_is_no_price() {
    let mut newer = record(2, PRICE);
    newer.state_version = 2;
    for stored in [newer, record(2, r#"{"total":99.9}"#), record(2, r#"{"total":"x","state":"priced"}"#)] {
        let answer = price(Some(stored), "").await.is_problem(503, "projection-behind");
        assert!(answer.header("retry-after").is_some());
    }
}

/// A table that does not answer.
struct Silent;

#[async_trait]
impl Records for Silent {
    async fn load(&self, _: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        Err(StoreFailure::new(Store::Projection, FailureKind::NoAnswer))
    }
    async fn save(&self, _: &Record) -> Result<Saved, StoreFailure> {
        unreachable!("a reader does not write")
    }
}

#[tokio::test]
async fn a_silent_table_is_not_a_booking_without_a_price() {
    let answer = Answer::of(handle(&Context { records: Arc::new(Silent) }, get("/prices/LH4711")).await);
    let answer = answer.is_problem(503, "store-unavailable");
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn bad_requests() {
    for (path, pointers) in [
        ("/prices/LH4711?min_version=0", vec!["?min_version"]),
        ("/prices/LH4711?min_version=-1", vec!["?min_version"]),
        ("/prices/LH4711?min_version=", vec!["?min_version"]),
        ("/prices/LH4711?min_version=1&min_version=1", vec!["?min_version"]),
        ("/prices/LH4711?version=1&min_version=x", vec!["?version", "?min_version"]),
        ("/prices/LH%204711", vec!["{booking_code}"]),
    ] {
        let answer = ask(Some(record(2, PRICE)), get(path)).await.is_problem(400, "invalid-request");
        assert_eq!(answer.pointers(), pointers, "{path}");
    }
    for path in ["/prices", "/prices/LH4711/x", "/bookings/LH4711"] {
        ask(None, get(path)).await.is_problem(404, "route-not-found");
    }
    let post = HttpRequest::post("https://api.example/prices/LH4711").body(Body::Empty).unwrap();
    assert_eq!(ask(None, post).await.is_problem(405, "method-not-allowed").header("allow"), Some("GET"));
}
