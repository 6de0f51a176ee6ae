//! What the bus delivers: the envelope of an entry, read once.

use booking_store::bus_entry::{CONFLICT_TYPE, REPLAY_SOURCE, SOURCE};
use booking_store::{BookingCode, EventId, EventType, JsonObject, Timestamp, Version};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::{RecordedEvent, ReplayId};
use crate::letter;
use crate::projection::without_values;

/// What a message is to a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// An event; with the replay that sent it to this projection, if one did.
    Event(Box<RecordedEvent>, Option<ReplayId>),
    /// A dead letter of this projection that was moved back: try the booking again.
    Resume(BookingCode),
    /// Nothing to this projection: another consumer's replay, a conflict, another source.
    NotOurs,
}

/// A message that is no entry of the store's bus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no event: {0}")]
pub struct Malformed(String);

#[derive(Deserialize)]
struct Envelope {
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    detail: Box<RawValue>,
}

#[derive(Deserialize)]
struct Detail {
    booking_code: BookingCode,
    version: Version,
    event_id: EventId,
    r#type: EventType,
    occurred_at: Timestamp,
    accepted_at: Timestamp,
    data: JsonObject,
    metadata: Option<JsonObject>,
    replay_id: Option<ReplayId>,
    consumer: Option<String>,
}

/// Reads a message's text: an entry's envelope, or a dead letter of `projection` that came back.
///
/// # Errors
/// Neither.
pub fn parse(text: &str, projection: &str) -> Result<Incoming, Malformed> {
    if let Some(booking_code) = letter::ordered(projection, text) {
        return Ok(Incoming::Resume(booking_code));
    }
    let envelope: Envelope = serde_json::from_str(text).map_err(|error| Malformed(without_values(&error)))?;
    entry(&envelope.source, &envelope.detail_type, &envelope.detail, projection)
}

/// Reads an entry whose envelope is open already.
///
/// # Errors
/// It claims to be of the store's bus and is not.
pub fn entry(source: &str, detail_type: &str, detail: &RawValue, projection: &str) -> Result<Incoming, Malformed> {
    let replayed = match source {
        SOURCE if detail_type == CONFLICT_TYPE => return Ok(Incoming::NotOurs),
        SOURCE => false,
        REPLAY_SOURCE => true,
        _ => return Ok(Incoming::NotOurs),
    };
    let detail: Detail = serde_json::from_str(detail.get()).map_err(|error| Malformed(without_values(&error)))?;
    if detail.version < Version::FIRST {
        return Err(Malformed("version 0".to_owned()));
    }
    let replay = match (replayed, detail.replay_id, detail.consumer) {
        (false, _, _) => None,
        (true, Some(_), Some(consumer)) if consumer != projection => return Ok(Incoming::NotOurs),
        (true, Some(replay), Some(_)) => Some(replay),
        (true, _, _) => return Err(Malformed("a replay's entry without replay_id and consumer".to_owned())),
    };
    let event = RecordedEvent {
        booking_code: detail.booking_code,
        version: detail.version,
        event_id: detail.event_id,
        event_type: detail.r#type,
        occurred_at: detail.occurred_at,
        accepted_at: detail.accepted_at,
        data: detail.data,
        metadata: detail.metadata,
    };
    Ok(Incoming::Event(Box::new(event), replay))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0193b7a4-5a52-7000-8000-000000000001";

    fn envelope(source: &str, detail_type: &str, more: &str) -> String {
        format!(
            r#"{{"version":"0","id":"x","detail-type":"{detail_type}","source":"{source}","account":"1","time":"2026-11-21T09:00:00Z",
            "region":"eu-central-1","resources":[],"detail":{{"booking_code":"LH4711","version":2,"previous_version":1,"event_id":"{ID}",
            "type":"BookingPriced","occurred_at":"2026-11-21T08:00:00.000Z","accepted_at":"2026-11-21T09:00:00.000Z",
            "data":{{ "total": 1.10 }},"metadata":null{more}}}}}"#
        )
    }

    #[test]
    fn an_event_keeps_its_bytes() {
        let Ok(Incoming::Event(event, None)) = parse(&envelope(SOURCE, "BookingPriced", ""), "prices") else {
            panic!()
        };
        assert_eq!((event.booking_code.as_str(), event.version.get(), event.kind()), ("LH4711", 2, "BookingPriced"));
        assert_eq!(event.data.as_str(), r#"{ "total": 1.10 }"#);
        assert_eq!((event.event_id.to_string().as_str(), event.metadata), (ID, None));
    }

    #[test]
    fn a_replay_is_for_its_consumer() {
        let mark = r#","replay_id":"0193b7a4-5a52-7000-8000-0000000000ff","consumer":"prices""#;
        let text = envelope(REPLAY_SOURCE, "BookingPriced", mark);
        let Ok(Incoming::Event(_, Some(replay))) = parse(&text, "prices") else { panic!() };
        assert_eq!(replay.as_str(), "0193b7a4-5a52-7000-8000-0000000000ff");
        assert_eq!(parse(&text, "leads"), Ok(Incoming::NotOurs));
        assert!(parse(&envelope(REPLAY_SOURCE, "BookingPriced", ""), "prices").is_err(), "whose replay?");
    }

    #[test]
    fn what_is_not_ours_is_no_error() {
        assert_eq!(parse(&envelope(SOURCE, CONFLICT_TYPE, ""), "prices"), Ok(Incoming::NotOurs));
        assert_eq!(parse(&envelope("aws.s3", "Object Created", ""), "prices"), Ok(Incoming::NotOurs));
    }

    #[test]
    fn what_is_no_event_is_malformed() {
        let zero = envelope(SOURCE, "BookingPriced", "").replace("\"version\":2", "\"version\":0");
        let array = envelope(SOURCE, "BookingPriced", "").replace(r#"{ "total": 1.10 }"#, "[]");
        let lame = r#"{"source":"booking.events","detail-type":"X","detail":{"version":1}}"#;
        for bad in ["", "hello", "{}", lame, &zero, &array] {
            assert!(parse(bad, "prices").is_err(), "{bad}");
        }
    }
}
