//! The answers to reads (HTTP contract).

use booking_store::ports::Stores;
use booking_store::protocol::append::Status;
use booking_store::protocol::lookup::Located;
use booking_store::protocol::read::Page;
use booking_store::{BookingCode, Conflict, Event, EventId, EventType, JsonObject, Reservation, Timestamp, Version};
use lambda_http::http::{HeaderValue, Response, StatusCode, header};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::{is_known, respond};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct EventBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_code: Option<&'a BookingCode>,
    version: Option<Version>,
    event_id: EventId,
    r#type: &'a EventType,
    occurred_at: Timestamp,
    accepted_at: Timestamp,
    status: &'static str,
    #[serde(flatten)]
    lost: Option<Lost>,
    data: &'a JsonObject,
    metadata: Option<&'a JsonObject>,
}

/// What a conflict says besides the event that lost.
#[derive(Serialize)]
struct Lost {
    owner_event_id: EventId,
    detected_at: Timestamp,
}

#[derive(Serialize)]
struct PageBody<'a> {
    booking_code: &'a BookingCode,
    version: Version,
    complete: bool,
    events: Vec<EventBody<'a>>,
    conflicts: Vec<EventBody<'a>>,
    next_from_version: Option<Version>,
}

#[derive(Serialize)]
struct SummaryBody<'a> {
    booking_code: &'a BookingCode,
    version: Version,
    settled_version: Version,
    created_at: Timestamp,
    pending: usize,
    conflicts: usize,
}

fn event_body(event: &Event, status: Status) -> EventBody<'_> {
    EventBody {
        booking_code: None,
        version: Some(event.version),
        event_id: event.event_id,
        r#type: &event.event_type,
        occurred_at: event.occurred_at,
        accepted_at: event.accepted_at,
        status: match status {
            Status::Recorded => "recorded",
            Status::Pending => "pending",
        },
        lost: None,
        data: &event.data,
        metadata: event.metadata.as_ref(),
    }
}

fn conflict_body(conflict: &Conflict) -> EventBody<'_> {
    EventBody {
        booking_code: None,
        version: None,
        event_id: conflict.event.event_id,
        r#type: &conflict.event.event_type,
        occurred_at: conflict.occurred_at(),
        accepted_at: conflict.accepted_at,
        status: "conflict",
        lost: Some(Lost { owner_event_id: conflict.owner, detected_at: conflict.detected_at }),
        data: &conflict.event.data,
        metadata: conflict.event.metadata.as_ref(),
    }
}

/// One page of a booking. A representation that is final (complete, nothing pending, no conflict) may be answered by
/// 304: a version's events never change.
pub(crate) fn page(booking_code: &BookingCode, page: Page, request: &Request) -> Response<Body> {
    let etag = format!("\"{}\"", page.version);
    let pending = page.events.iter().any(|(_, status)| *status == Status::Pending);
    let last_is_final = page.complete && !pending && page.conflicts.is_empty();
    let mut response = if last_is_final && is_known(request, &etag) {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        respond(
            StatusCode::OK,
            &PageBody {
                booking_code,
                version: page.version,
                complete: page.complete,
                events: page.events.iter().map(|(event, status)| event_body(event, *status)).collect(),
                conflicts: page.conflicts.iter().map(conflict_body).collect(),
                next_from_version: page.next,
            },
        )
    };
    if let (true, Ok(etag)) = (last_is_final, HeaderValue::from_str(&etag)) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// A booking at a glance.
pub(crate) fn summary(reservation: &Reservation, conflicts: &[Conflict]) -> Response<Body> {
    let body = SummaryBody {
        booking_code: &reservation.booking_code,
        version: reservation.head,
        settled_version: reservation.settled,
        created_at: reservation.created_at,
        pending: reservation.pending.len(),
        conflicts: conflicts.len(),
    };
    respond(StatusCode::OK, &body)
}

/// One event.
pub(crate) fn event(booking_code: &BookingCode, id: EventId, located: Located) -> Result<Response<Body>, Problem> {
    let body = match &located {
        Located::Event(event, status) => event_body(event, *status),
        Located::Conflict(conflict) => conflict_body(conflict),
        Located::NoSuchEvent => {
            let detail = format!("Booking {booking_code} has no event {id}.");
            return Err(Problem::new(StatusCode::NOT_FOUND, "event-not-found", "No such event", detail));
        }
    };
    Ok(respond(StatusCode::OK, &EventBody { booking_code: Some(booking_code), ..body }))
}

/// The reader says it was told of a version that there is not.
pub(crate) fn not_reached(booking_code: &BookingCode, min_version: Version, version: Version) -> Problem {
    let detail = format!("Booking {booking_code} is at version {version}; there is no version {min_version} yet.");
    Problem::new(StatusCode::CONFLICT, "version-not-reached", "The booking has no such version", detail)
        .with("min_version", min_version.get())
        .with("actual_version", version.get())
}

/// The function answers, and how the two tables do. 200 either way: a new booking is taken with both of them down.
pub(crate) async fn health(stores: &Stores) -> Response<Body> {
    let Ok(nobody) = BookingCode::parse("health") else { return respond(StatusCode::OK, &json!({"status": "ok"})) };
    let reservations = stores.reservations.claims(&nobody).await.is_ok();
    let events = stores.events.highest(&nobody).await.is_ok();
    let word = |up| if up { "up" } else { "down" };
    let status = if reservations && events { "ok" } else { "degraded" };
    let stores = json!({"reservations": word(reservations), "events": word(events)});
    respond(StatusCode::OK, &json!({"status": status, "stores": stores}))
}
