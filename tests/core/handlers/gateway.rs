//! Requests as API Gateway hands them over: plain and base64 bodies, stages, encoded and decoded paths.

use booking_tests::{World, event_id};
use lambda_http::Request;
use lambda_http::request::from_str;

use super::payloads;

fn request(payload: &str) -> Request {
    from_str(payload).expect("the runtime parses it")
}

#[tokio::test]
async fn a_new_booking_and_every_read_of_it() {
    let world = World::new();
    let created = world.send(request(payloads::APPEND_NEW)).await.is(201);
    assert_eq!(created.event_ids(), [event_id(1)]);
    let page = world.fetch(request(payloads::READ_EVENTS)).await.is(200);
    assert_eq!(page.event_ids(), [event_id(1)]);
    assert_eq!(page.json["events"][0]["occurred_at"], "2026-11-21T08:59:59.500Z");
    assert!(page.text.contains(r#""data":{ "total" : 412.50, "currency":"EUR" }"#), "{}", page.text);
    assert_eq!(page.json["events"][0]["metadata"]["correlation_id"], "c-17");
    assert_eq!(world.fetch(request(payloads::READ_EVENT)).await.is(200).member("event_id"), event_id(1));
    assert_eq!(world.fetch(request(payloads::READ_BOOKING)).await.is(200).json["version"], 1);
    let _ = world.fetch(request(payloads::READ_EVENTS_KNOWN)).await.is(304);
    world.heal().await;
}

#[tokio::test]
async fn a_base64_body_through_a_named_stage() {
    let world = World::new();
    let _ = world.send(request(payloads::APPEND_NEW)).await.is(201);
    let answer = world.send(request(payloads::APPEND_BASE64_IN_STAGE)).await.is(201);
    assert_eq!((answer.member("booking_code"), answer.versions()), ("LH4711", vec![2]));
    let data = r#""data":{"gäste":"Zoë \u00e9","rate":1.10000000000000000001}"#;
    let read = world.read("LH4711").await.is(200);
    assert!(read.text.contains(data), "{}", read.text);
    world.heal().await;
}

#[tokio::test]
async fn a_percent_encoded_code_is_the_code() {
    let world = World::new();
    let answer = world.send(request(payloads::APPEND_ENCODED_CODE)).await.is(201);
    assert_eq!(answer.member("booking_code"), "LH-47.11");
    assert_eq!(answer.header("location"), Some("/bookings/LH-47.11/events?from_version=1"));
    assert_eq!(world.read("LH%2D47%2E11").await.is(200).event_ids(), [event_id(1)]);
    world.heal().await;
}

#[tokio::test]
async fn a_decoded_path_with_a_space_is_a_bad_code_and_no_crash() {
    let world = World::new();
    let answer = world.send(request(payloads::APPEND_DECODED_SPACE)).await.is_problem(400, "invalid-request");
    assert_eq!(answer.pointers(), ["{booking_code}"]);
    assert!(world.memory.reservations.all().is_empty());
}

#[tokio::test]
async fn the_payloads_without_a_booking() {
    let world = World::new();
    world.fetch(request(payloads::READ_EVENTS)).await.is_problem(404, "booking-not-found");
    world.fetch(request(payloads::READ_EVENT)).await.is_problem(404, "booking-not-found");
    world.fetch(request(payloads::READ_BOOKING)).await.is_problem(404, "booking-not-found");
    assert_eq!(world.fetch(request(payloads::HEALTH)).await.is(200).member("status"), "ok");
    world.send(request(payloads::APPEND_BASE64_IN_STAGE)).await.is_problem(404, "booking-not-found");
}

/// API Gateway decodes the path; a '#' in it belongs to the code, which it makes invalid, and ends nothing.
#[tokio::test]
async fn a_hash_in_the_decoded_path_is_not_another_booking() {
    let world = World::new();
    let _ = world.append("LH", Some(0), &[booking_tests::draft(1)]).await.is(201);
    let payload = include_str!("payloads/read-booking.json").replace("/bookings/LH4711", "/bookings/LH#4711");
    let _ = world.fetch(from_str(&payload).unwrap()).await.is(400);
}
