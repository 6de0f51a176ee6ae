//! What an event looks like on the bus: source, detail type and detail.

use serde::Serialize;

use crate::failure::{Store, StoreFailure};
use crate::ports::BusEvent;
use crate::replays::{Consumer, ReplayId, ReplayMark};
use crate::{BookingCode, Event, EventId, EventType, JsonObject, Timestamp, Version};

/// The `source` of an event on its first way, and of a conflict.
pub const SOURCE: &str = "booking.events";
/// The `source` of an event sent again by a replay, so that no rule on [`SOURCE`] takes it for a new one.
pub const REPLAY_SOURCE: &str = "booking.events.replay";
/// The `detail-type` of an event that lost its booking code.
pub const CONFLICT_TYPE: &str = "BookingCodeConflict";

#[derive(Serialize)]
struct EventDetail<'a> {
    booking_code: &'a BookingCode,
    version: Version,
    previous_version: Version,
    event_id: EventId,
    r#type: &'a EventType,
    occurred_at: Timestamp,
    accepted_at: Timestamp,
    data: &'a JsonObject,
    metadata: Option<&'a JsonObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_id: Option<ReplayId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer: Option<&'a Consumer>,
}

impl<'a> EventDetail<'a> {
    fn of(booking_code: &'a BookingCode, event: &'a Event, mark: Option<&'a ReplayMark>) -> Self {
        Self {
            booking_code,
            version: event.version,
            previous_version: event.version.previous(),
            event_id: event.event_id,
            r#type: &event.event_type,
            occurred_at: event.occurred_at,
            accepted_at: event.accepted_at,
            data: &event.data,
            metadata: event.metadata.as_ref(),
            replay_id: mark.map(|mark| mark.replay_id),
            consumer: mark.map(|mark| &mark.consumer),
        }
    }
}

#[derive(Serialize)]
struct ConflictDetail<'a> {
    booking_code: &'a BookingCode,
    event_id: EventId,
    r#type: &'a EventType,
    occurred_at: Timestamp,
    accepted_at: Timestamp,
    owner_event_id: EventId,
    detected_at: Timestamp,
    data: &'a JsonObject,
    metadata: Option<&'a JsonObject>,
}

/// The entry's `source`.
pub fn source(event: &BusEvent<'_>) -> &'static str {
    match event {
        BusEvent::Event(..) | BusEvent::Conflict(_) => SOURCE,
        BusEvent::Replay(..) => REPLAY_SOURCE,
    }
}

/// The entry's `detail-type`: the event's type, or [`CONFLICT_TYPE`].
pub fn detail_type<'a>(event: &BusEvent<'a>) -> &'a str {
    match event {
        BusEvent::Event(_, event) | BusEvent::Replay(_, event, _) => event.event_type.as_str(),
        BusEvent::Conflict(_) => CONFLICT_TYPE,
    }
}

/// The entry's `time`: when the event was accepted.
pub fn time(event: &BusEvent<'_>) -> Timestamp {
    match event {
        BusEvent::Event(_, event) | BusEvent::Replay(_, event, _) => event.accepted_at,
        BusEvent::Conflict(conflict) => conflict.accepted_at,
    }
}

/// The entry's `detail`: a JSON object with the client's data and metadata verbatim.
///
/// # Errors
/// None in practice: every part is serialisable.
pub fn detail(event: &BusEvent<'_>) -> Result<String, StoreFailure> {
    let json = match event {
        BusEvent::Event(booking_code, event) => serde_json::to_string(&EventDetail::of(booking_code, event, None)),
        BusEvent::Replay(booking_code, event, mark) => {
            serde_json::to_string(&EventDetail::of(booking_code, event, Some(mark)))
        }
        BusEvent::Conflict(conflict) => serde_json::to_string(&ConflictDetail {
            booking_code: &conflict.booking_code,
            event_id: conflict.event.event_id,
            r#type: &conflict.event.event_type,
            occurred_at: conflict.occurred_at(),
            accepted_at: conflict.accepted_at,
            owner_event_id: conflict.owner,
            detected_at: conflict.detected_at,
            data: &conflict.event.data,
            metadata: conflict.event.metadata.as_ref(),
        }),
    };
    json.map_err(|error| StoreFailure::corrupt(Store::Bus, error))
}
