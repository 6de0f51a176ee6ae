//! The dead letter of a parked booking. It is an order, not an event: moved back to the queue ("redrive"), it makes the
//! kit try the booking again; the events are in the source.

use booking_store::{BookingCode, EventId, Timestamp, Version};
use serde::{Deserialize, Serialize};

use crate::ports::Letter;
use crate::record::{Parked, Stage};

#[derive(Serialize, Deserialize)]
struct Order {
    projection: String,
    booking_code: BookingCode,
}

#[derive(Serialize)]
struct Body<'a> {
    resume: Order,
    stage: Stage,
    version: Version,
    event_id: EventId,
    reason: &'a str,
    attempts: u32,
    since: Timestamp,
}

#[derive(Deserialize)]
struct Resume {
    resume: Order,
}

/// The letter about a booking that `projection` gives up.
pub(crate) fn about(projection: &str, booking_code: &BookingCode, parked: &Parked) -> Letter {
    let resume = Order { projection: projection.to_owned(), booking_code: booking_code.clone() };
    let Parked { stage, version, event_id, reason, attempts, since, .. } = parked;
    let (stage, version, event_id, attempts, since) = (*stage, *version, *event_id, *attempts, *since);
    let body = serde_json::to_string(&Body { resume, stage, version, event_id, reason, attempts, since });
    Letter { booking_code: Some(booking_code.clone()), body: body.unwrap_or_default(), reason: reason.clone() }
}

/// The booking that `body`, a letter that came back, orders `projection` to resume; `None`: it is no such letter.
pub fn ordered(projection: &str, body: &str) -> Option<BookingCode> {
    let order: Resume = serde_json::from_str(body).ok()?;
    (order.resume.projection == projection).then_some(order.resume.booking_code)
}
