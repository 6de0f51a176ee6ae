//! The answers (HTTP contract).

use booking_store::feed::read::{FedEvent, Page};
use booking_store::feed::{Partition, Position, Positions};
use booking_store::limits::FEED_PARTITIONS;
use booking_store::protocol::append::Status;
use booking_store::{BookingCode, EventId, EventType, JsonObject, Timestamp, Version};
use lambda_http::Body;
use lambda_http::http::{Response, StatusCode};
use lambda_kit::Problem;
use lambda_kit::http::respond;
use serde::Serialize;

#[derive(Serialize)]
struct EventBody<'a> {
    partition: Partition,
    position: Position,
    booking_code: &'a BookingCode,
    version: Version,
    event_id: EventId,
    r#type: &'a EventType,
    occurred_at: Timestamp,
    accepted_at: Timestamp,
    status: &'static str,
    data: &'a JsonObject,
    metadata: Option<&'a JsonObject>,
}

#[derive(Serialize)]
struct PageBody<'a> {
    events: Vec<EventBody<'a>>,
    next: String,
    end: bool,
}

#[derive(Serialize)]
struct PartitionsBody {
    partitions: u8,
    positions: Vec<Position>,
    next: String,
}

fn event_body(fed: &FedEvent) -> EventBody<'_> {
    EventBody {
        partition: fed.partition,
        position: fed.position,
        booking_code: &fed.booking_code,
        version: fed.event.version,
        event_id: fed.event.event_id,
        r#type: &fed.event.event_type,
        occurred_at: fed.event.occurred_at,
        accepted_at: fed.event.accepted_at,
        status: match fed.status {
            Status::Recorded => "recorded",
            Status::Pending => "pending",
        },
        data: &fed.event.data,
        metadata: fed.event.metadata.as_ref(),
    }
}

/// One page. Its `next` is a position for a reader of one partition, a token for a reader of all; text in either case.
pub(crate) fn page(page: &Page, single: bool) -> Response<Body> {
    let places = page.next.iter().copied();
    let next = match page.next.first() {
        Some((_, position)) if single => position.to_string(),
        Some(_) | None => places.collect::<Positions>().to_string(),
    };
    let events = page.events.iter().map(event_body).collect();
    respond(StatusCode::OK, &PageBody { events, next, end: page.end })
}

/// How far each partition has got, and the token of a reader that wants only what comes now.
pub(crate) fn partitions(heads: &Positions) -> Response<Body> {
    let positions = heads.iter().map(|(_, position)| position).collect();
    respond(StatusCode::OK, &PartitionsBody { partitions: FEED_PARTITIONS, positions, next: heads.to_string() })
}

/// The position was never given out by this log.
pub(crate) fn not_reached(partition: Partition, asked: Position, head: Position) -> Problem {
    let detail = format!(
        "Partition {partition} ends at position {head}; there is no {asked}. The position is of another system, or of \
         a feed that was built anew."
    );
    Problem::new(StatusCode::CONFLICT, "position-not-reached", "The feed has no such position", detail)
        .with("partition", partition.number())
        .with("position", asked.get())
        .with("actual_position", head.get())
}
