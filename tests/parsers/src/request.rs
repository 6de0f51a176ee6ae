//! The append function's request: refused by the contract's own answers, or accepted to the byte.

use std::collections::BTreeMap;

use booking_store::bus_entry;
use booking_store::dynamodb::reservation_item;
use booking_store::limits::{MAX_BUS_ENTRY_BYTES, MAX_QUEUE_MESSAGE_BYTES};
use booking_store::ports::BusEvent;
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, Decision, ExpectedVersion, JsonObject, NewEvent, Reservation, Timestamp};
use lambda_http::{Body, Request};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::deployment::Deployment;
use crate::gateway;

/// The body as serde's own derive reads it: another reader than the function's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    expected_version: Option<u64>,
    #[serde(borrow)]
    events: Vec<AskedEvent<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedEvent<'a> {
    event_id: Option<String>,
    r#type: String,
    occurred_at: Option<String>,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    events: Vec<BTreeMap<String, &'a RawValue>>,
}

/// `payload` is what API Gateway sends. Does nothing if it could not send it.
pub fn check(payload: &[u8]) {
    let (Some(request), Some(again), Some(late)) =
        (gateway::request(payload), gateway::request(payload), gateway::request(payload))
    else {
        return;
    };
    let body = body(&request);
    let deployment = Deployment::new();
    let answer = deployment.append(request);
    judge(&deployment, &answer, &body, 0);
    let booking_code = answer.json["booking_code"].as_str().and_then(|code| BookingCode::parse(code).ok());
    if let Some(booking_code) = booking_code.filter(|_| answer.is_ok()) {
        sent_again(&deployment, again, &body, &answer, &booking_code);
    } else if answer.json["code"] == "booking-not-found" {
        let asked = body.as_deref().and_then(|body| serde_json::from_slice::<Asked<'_>>(body).ok());
        let head = asked.and_then(|asked| asked.expected_version).unwrap_or(3);
        later(late, &body, &answer, u8::try_from(head).unwrap_or(3).clamp(1, 20));
    }
}

fn body(request: &Request) -> Option<Vec<u8>> {
    match request.body() {
        Body::Text(text) => Some(text.clone().into_bytes()),
        Body::Binary(bytes) => Some(bytes.clone()),
        Body::Empty | _ => None,
    }
}

/// What was accepted is all there, and nothing else is; what was refused left no trace.
fn judge(deployment: &Deployment, answer: &Answer, body: &Option<Vec<u8>>, before: usize) {
    if answer.is_ok() {
        accepted(deployment, answer, body.as_deref().expect("an empty body was accepted"));
        return;
    }
    answer.is_refusal();
    assert_eq!(deployment.memory.reservations.stream(0).len(), before, "a refusal wrote something: {}", answer.text);
    assert!(deployment.memory.queue.bodies().is_empty());
    let Some(body) = body.as_deref().and_then(|body| serde_json::from_slice::<Value>(body).ok()) else { return };
    if answer.errors().iter().any(|(_, message)| *message == "is there more than once") {
        // The function looks at the first of two members of one name, `Value` at the last.
        return;
    }
    for (pointer, message) in answer.errors() {
        let there = pointer == "{booking_code}" || body.pointer(pointer).is_some();
        let missing = pointer.rsplit_once('/').is_some_and(|(parent, _)| body.pointer(parent).is_some());
        assert!(there || (missing && message == "is required"), "{pointer:?} {message} names nothing in {body}");
    }
}

fn accepted(deployment: &Deployment, answer: &Answer, body: &[u8]) {
    let asked: Asked<'_> = serde_json::from_slice(body).expect("a body was accepted that is none");
    assert!((200..=202).contains(&answer.status));
    let code = answer.json["booking_code"].as_str().unwrap();
    let told = answer.json["events"].as_array().unwrap();
    assert_eq!(told.len(), asked.events.len());
    let first = answer.json["first_version"].as_u64().unwrap();
    let expected_first = asked.expected_version.map_or(first, |expected| expected + 1);
    assert_eq!(first, expected_first);
    let page = deployment.get(&format!("/bookings/{code}/events?from_version={first}&limit=1000"));
    assert_eq!(page.status, 200, "{}", page.text);
    let shown: Shown<'_> = serde_json::from_str(&page.text).unwrap();
    assert_eq!(shown.events.len(), asked.events.len());
    for (i, (asked, shown)) in asked.events.iter().zip(&shown.events).enumerate() {
        assert_eq!(shown["data"].get(), asked.data.get(), "data is not what was sent");
        assert_eq!(
            shown["metadata"].get(),
            asked.metadata.map_or("null", RawValue::get),
            "metadata is not what was sent"
        );
        assert_eq!(shown["version"].get(), (first + i as u64).to_string());
        let text = |name: &str| serde_json::from_str::<String>(shown[name].get()).unwrap();
        assert_eq!(text("type"), asked.r#type);
        assert_eq!(text("event_id"), told[i]["event_id"].as_str().unwrap());
        let id = asked.event_id.as_ref().map(|id| id.to_lowercase());
        assert!(id.is_none_or(|id| id == text("event_id")));
        let occurred_at = asked.occurred_at.as_deref().map(|time| Timestamp::parse(time).unwrap().to_string());
        assert_eq!(text("occurred_at"), occurred_at.unwrap_or_else(|| text("accepted_at")));
    }
    let all = deployment.memory.reservations.all();
    let reservation = all.into_iter().find_map(|(found, claims)| claims.reservation.filter(|_| found.as_str() == code));
    travels(&reservation.unwrap());
}

/// Every form an accepted event takes later holds it, and fits where it has to go.
fn travels(reservation: &Reservation) {
    let item = reservation_item::encode(reservation).unwrap();
    assert_eq!(reservation_item::decode(item).unwrap(), *reservation);
    let new = |event: &booking_store::Event| NewEvent {
        event_id: event.event_id,
        event_type: event.event_type.clone(),
        occurred_at: Some(event.occurred_at),
        data: event.data.clone(),
        metadata: event.metadata.clone(),
    };
    for event in &reservation.pending {
        let detail = bus_entry::detail(&BusEvent::Event(&reservation.booking_code, event)).unwrap();
        assert!(detail.len() <= MAX_BUS_ENTRY_BYTES);
        assert!(JsonObject::parse(&detail).is_ok(), "the bus would refuse {detail}");
    }
    let decision = Decision {
        booking_code: reservation.booking_code.clone(),
        expected: ExpectedVersion::New,
        events: reservation.pending.iter().rev().take(25).map(new).collect(),
        accepted_at: reservation.created_at,
    };
    let message = QueueMessage::deferred(&decision);
    let body = message.encode().unwrap();
    assert!(body.len() <= MAX_QUEUE_MESSAGE_BYTES);
    assert_eq!(QueueMessage::decode(&body).unwrap(), message);
}

/// The same request once more is a replay if it names its events, and never a second acceptance.
fn sent_again(
    deployment: &Deployment,
    request: Request,
    body: &Option<Vec<u8>>,
    first: &Answer,
    booking_code: &BookingCode,
) {
    let answer = deployment.append(request);
    let asked: Asked<'_> = serde_json::from_slice(body.as_deref().unwrap()).unwrap();
    if asked.events.iter().all(|event| event.event_id.is_some()) {
        assert_eq!((answer.status, &answer.json), (200, &first.json), "{booking_code}");
    } else {
        answer.is_refusal();
    }
}

/// The request again, to a booking that is at version `head`.
fn later(request: Request, body: &Option<Vec<u8>>, refused: &Answer, head: u8) {
    let detail = refused.json["detail"].as_str().unwrap();
    let code = detail.trim_start_matches("There is no booking ").split(". A new one").next().unwrap();
    let deployment = Deployment::new();
    deployment.create(&BookingCode::parse(code).unwrap(), 7, head);
    let before = deployment.memory.reservations.stream(0).len();
    let answer = deployment.append(request);
    judge(&deployment, &answer, body, before);
}
