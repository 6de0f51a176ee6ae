//! The request: everything that is wrong with it is reported at once, and nothing is looked at twice afterwards.

use std::collections::BTreeSet;

use booking_store::clock::Ids;
use booking_store::limits::{MAX_DATA_BYTES, MAX_EVENTS_PER_APPEND, MAX_METADATA_BYTES};
use booking_store::protocol::append::Append;
use booking_store::{EventId, EventType, ExpectedVersion, JsonObject, NewEvent, Timestamp};
use lambda_http::Request;
use lambda_kit::body::{Fields, Taken};
use lambda_kit::problem::{FieldError, Problem};
use serde_json::value::RawValue;

/// Reads a request to append to the booking of path segment `code`.
pub(crate) fn parse(code: &str, request: &Request, ids: &dyn Ids) -> Result<Append, Problem> {
    let booking_code = lambda_kit::http::booking_code(code);
    let body = lambda_kit::body::json(request)?;
    let mut errors = Vec::new();
    let parsed = body_fields(body, ids, &mut errors);
    match (booking_code, parsed) {
        (Ok(booking_code), Some((expected, events))) if errors.is_empty() => {
            Ok(Append { booking_code, expected, events })
        }
        (Err(problem), _) if errors.is_empty() => Err(problem),
        (Err(_), _) => {
            let bad_code = booking_store::BookingCode::parse(code).err();
            errors.splice(0..0, bad_code.map(|error| FieldError::new("{booking_code}", error)));
            Err(Problem::invalid_request(errors))
        }
        (Ok(_), _) => Err(Problem::invalid_request(errors)),
    }
}

fn body_fields(body: &[u8], ids: &dyn Ids, errors: &mut Vec<FieldError>) -> Option<(ExpectedVersion, Vec<NewEvent>)> {
    let fields: Fields = match serde_json::from_slice(body) {
        Ok(fields) => fields,
        Err(error) => {
            errors.push(FieldError::new("", format!("the body must be a JSON object: {error}")));
            return None;
        }
    };
    let mut top = Taken::of(String::new(), fields, &["expected_version", "events"], errors);
    let expected: Option<u64> = top.get("expected_version", "must be a whole number from 0 on");
    top.require("events");
    let events: Vec<Box<RawValue>> = top.get("events", "must be an array")?;
    if events.is_empty() || events.len() > MAX_EVENTS_PER_APPEND {
        top.wrong("events", format!("must hold 1 to {MAX_EVENTS_PER_APPEND} events, holds {}", events.len()));
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut parsed = Vec::new();
    for (i, raw) in events.iter().enumerate() {
        parsed.extend(event(&format!("/events/{i}"), raw, ids, &mut seen, errors));
    }
    Some((ExpectedVersion::from(expected), parsed))
}

fn event(
    at: &str,
    raw: &RawValue,
    ids: &dyn Ids,
    seen: &mut BTreeSet<EventId>,
    errors: &mut Vec<FieldError>,
) -> Option<NewEvent> {
    let Ok(fields) = serde_json::from_str::<Fields>(raw.get()) else {
        errors.push(FieldError::new(at, "must be a JSON object"));
        return None;
    };
    let known = ["event_id", "type", "occurred_at", "data", "metadata"];
    let before = errors.len();
    let mut event = Taken::of(at.to_owned(), fields, &known, errors);
    event.require("type");
    event.require("data");
    let event_id = event.parsed("event_id", EventId::parse);
    if event_id.is_some_and(|id| !seen.insert(id)) {
        event.wrong("event_id", "is used by an earlier event of this request");
    }
    let event_type = event.parsed("type", EventType::parse);
    let occurred_at = event.parsed("occurred_at", Timestamp::parse);
    let data = object(&mut event, "data", MAX_DATA_BYTES);
    let metadata = object(&mut event, "metadata", MAX_METADATA_BYTES);
    if errors.len() > before {
        return None;
    }
    let event_id = event_id.unwrap_or_else(|| ids.event_id());
    Some(NewEvent { event_id, event_type: event_type?, occurred_at, data: data?, metadata })
}

fn object(event: &mut Taken<'_>, name: &str, most: usize) -> Option<JsonObject> {
    let raw = event.raw(name)?.to_owned();
    if raw.get().len() > most {
        event.wrong(name, format!("has {} bytes; at most {most} are taken", raw.get().len()));
        return None;
    }
    match JsonObject::from_raw(raw) {
        Ok(object) => Some(object),
        Err(error) => {
            event.wrong(name, error);
            None
        }
    }
}
