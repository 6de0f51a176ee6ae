//! The answer to an append (HTTP contract).

use booking_store::protocol::append::{Outcome, Status};
use booking_store::{BookingCode, Event, EventId, Version};
use lambda_http::Body;
use lambda_http::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use lambda_kit::Problem;
use lambda_kit::http::respond;
use serde::Serialize;

#[derive(Serialize)]
struct Receipt<'a> {
    booking_code: &'a BookingCode,
    first_version: Option<Version>,
    version: Option<Version>,
    status: &'static str,
    uniqueness: &'static str,
    events: Vec<ReceiptEvent>,
}

#[derive(Serialize)]
struct ReceiptEvent {
    event_id: EventId,
    version: Option<Version>,
}

/// The HTTP answer to `outcome`.
pub(crate) fn answer(booking_code: &BookingCode, outcome: Outcome) -> Response<Body> {
    match outcome {
        Outcome::Accepted { events, status, replayed, .. } => accepted(booking_code, &events, status, replayed),
        Outcome::Deferred { event_ids, .. } => deferred(booking_code, &event_ids),
        Outcome::BookingCodeTaken => {
            let detail = format!("The booking code {booking_code} belongs to another booking. Choose another code.");
            Problem::new(StatusCode::CONFLICT, "booking-code-taken", "The booking code is taken", detail).response()
        }
        Outcome::VersionConflict { expected, actual } => {
            let detail = format!("The booking is at version {actual}, not at {expected}. Read it and decide again.");
            Problem::new(StatusCode::CONFLICT, "version-conflict", "The booking is at another version", detail)
                .with("expected_version", expected.get())
                .with("actual_version", actual.get())
                .response()
        }
        Outcome::BookingNotFound => Problem::booking_not_found(booking_code.as_str()).response(),
        Outcome::EventIdReused(event_id) => {
            let detail = format!("Event id {event_id} was used before with another payload or in another batch.");
            let title = "The event id is used for something else";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "event-id-reused", title, detail)
                .with("event_id", event_id.to_string())
                .response()
        }
        Outcome::PendingLimitReached => {
            let detail = "Too many events of this booking are waiting to be settled. Nothing was written; try again.";
            let title = "Too much of the booking is unsettled";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "pending-limit-reached", title, detail)
                .with("outcome", "not_accepted")
                .response()
        }
        Outcome::Unavailable { outcome_unknown: true, .. } => {
            let detail = "Whether the events were accepted is not known. Send the same request again, with the same \
                          event ids.";
            Problem::store_unavailable(detail, Some("unknown")).response()
        }
        Outcome::Unavailable { outcome_unknown: false, .. } => {
            Problem::store_unavailable("Nothing was accepted. Try again.", Some("not_accepted")).response()
        }
    }
}

fn accepted(booking_code: &BookingCode, events: &[Event], status: Status, replayed: bool) -> Response<Body> {
    let (code, status) = match (replayed, status) {
        (true, Status::Recorded) => (StatusCode::OK, "recorded"),
        (true, Status::Pending) => (StatusCode::OK, "pending"),
        (false, Status::Recorded) => (StatusCode::CREATED, "recorded"),
        (false, Status::Pending) => (StatusCode::ACCEPTED, "pending"),
    };
    let first_version = events.first().map(|event| event.version);
    let version = events.last().map(|event| event.version);
    let receipt = Receipt {
        booking_code,
        first_version,
        version,
        status,
        uniqueness: "confirmed",
        events: events.iter().map(|e| ReceiptEvent { event_id: e.event_id, version: Some(e.version) }).collect(),
    };
    let mut response = respond(code, &receipt);
    if let (Some(first), Some(last)) = (first_version, version) {
        insert(&mut response, header::LOCATION, &format!("/bookings/{booking_code}/events?from_version={first}"));
        insert(&mut response, header::ETAG, &format!("\"{last}\""));
    }
    if replayed {
        insert(&mut response, HeaderName::from_static("idempotency-replayed"), "true");
    }
    response
}

fn deferred(booking_code: &BookingCode, event_ids: &[EventId]) -> Response<Body> {
    let receipt = Receipt {
        booking_code,
        first_version: None,
        version: None,
        status: "deferred",
        uniqueness: "unconfirmed",
        events: event_ids.iter().map(|event_id| ReceiptEvent { event_id: *event_id, version: None }).collect(),
    };
    let mut response = respond(StatusCode::ACCEPTED, &receipt);
    if let Some(first) = event_ids.first() {
        insert(&mut response, header::LOCATION, &format!("/bookings/{booking_code}/events/{first}"));
    }
    response
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
