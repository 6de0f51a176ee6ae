//! What the fallback queue carries: an order to settle a booking or to publish a conflict, or a deferred append.
//!
//! An order holds no event: the reservations table does. A deferred append is the only copy of its events until it
//! is drained. The body is JSON; group = booking code.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::limits::MAX_EVENTS_PER_APPEND;
use crate::{BookingCode, Decision, EventId, ExpectedVersion, NewEvent, Reservation, Timestamp};

/// A message of the fallback queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum QueueMessage {
    /// Record, publish and trim what is pending of a booking.
    Settle {
        /// The booking.
        booking_code: BookingCode,
        /// Its last pending event when the order was given.
        event_id: EventId,
    },
    /// Publish an event that lost its code and is kept as a conflict item.
    PublishConflict {
        /// The code it lost.
        booking_code: BookingCode,
        /// The event.
        event_id: EventId,
    },
    /// Decide on a new booking that was acknowledged while the arbiter was unreachable, then settle it.
    Deferred {
        /// The code it asks for.
        booking_code: BookingCode,
        /// When it was acknowledged.
        accepted_at: Timestamp,
        /// 1 to 25 events.
        events: Vec<NewEvent>,
    },
}

/// A body no drainer can work on.
#[derive(Debug, thiserror::Error)]
pub enum MalformedMessage {
    /// Not the JSON of a message.
    #[error("not a queue message: {0}")]
    Json(#[from] serde_json::Error),
    /// A deferred append without events, with too many, or with an event id twice.
    #[error("a deferred append has 1 to {MAX_EVENTS_PER_APPEND} events with distinct ids, this one has {0}")]
    Events(usize),
}

impl QueueMessage {
    /// The order to settle all that is pending in `reservation`; none if nothing is.
    pub fn settle(reservation: &Reservation) -> Option<Self> {
        let event_id = reservation.pending.last()?.event_id;
        Some(Self::Settle { booking_code: reservation.booking_code.clone(), event_id })
    }

    /// The deferred form of a decision on a new booking.
    pub fn deferred(decision: &Decision) -> Self {
        Self::Deferred {
            booking_code: decision.booking_code.clone(),
            accepted_at: decision.accepted_at,
            events: decision.events.clone(),
        }
    }

    /// The decision a deferred append stands for.
    pub fn decision(booking_code: &BookingCode, accepted_at: Timestamp, events: &[NewEvent]) -> Decision {
        Decision {
            booking_code: booking_code.clone(),
            expected: ExpectedVersion::New,
            events: events.to_vec(),
            accepted_at,
        }
    }

    /// The booking it is about.
    pub fn booking_code(&self) -> &BookingCode {
        match self {
            Self::Settle { booking_code, .. }
            | Self::PublishConflict { booking_code, .. }
            | Self::Deferred { booking_code, .. } => booking_code,
        }
    }

    /// The queue's deduplication id, within the group.
    ///
    /// A settle order is named by the last event it must settle: a twin dropped by the queue is harmless, because the
    /// one that stands for it is deleted only after that event is settled. A deferred append is named by its whole
    /// content: the same request sent again is one message, the same event id with another payload is another.
    pub fn deduplication_id(&self) -> String {
        match self {
            Self::Settle { event_id, .. } => format!("settle-{event_id}"),
            Self::PublishConflict { event_id, .. } => format!("conflict-{event_id}"),
            Self::Deferred { events, .. } => {
                let content = serde_json::to_vec(events).unwrap_or_default();
                let digest = Sha256::digest(content);
                let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("deferred-{hex}")
            }
        }
    }

    /// The body.
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a body.
    pub fn decode(body: &str) -> Result<Self, MalformedMessage> {
        let message: Self = serde_json::from_str(body)?;
        if let Self::Deferred { events, .. } = &message {
            let ids: std::collections::BTreeSet<_> = events.iter().map(|event| event.event_id).collect();
            if events.is_empty() || events.len() > MAX_EVENTS_PER_APPEND || ids.len() != events.len() {
                return Err(MalformedMessage::Events(events.len()));
            }
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventType, JsonObject};

    fn deferred(data: &str) -> QueueMessage {
        QueueMessage::Deferred {
            booking_code: BookingCode::parse("X1").unwrap(),
            accepted_at: Timestamp::parse("2026-11-21T09:00:00.123Z").unwrap(),
            events: vec![NewEvent {
                event_id: EventId::from_bytes([3; 16]),
                event_type: EventType::parse("BookingPriced").unwrap(),
                occurred_at: None,
                data: JsonObject::parse(data).unwrap(),
                metadata: None,
            }],
        }
    }

    #[test]
    fn round_trips_with_the_clients_own_bytes() {
        let message = deferred(r#"{ "total" : 1.10 }"#);
        let body = message.encode().unwrap();
        assert!(body.contains(r#"{ "total" : 1.10 }"#), "{body}");
        assert_eq!(QueueMessage::decode(&body).unwrap(), message);
        let settle = QueueMessage::Settle {
            booking_code: BookingCode::parse("X1").unwrap(),
            event_id: EventId::from_bytes([1; 16]),
        };
        assert_eq!(QueueMessage::decode(&settle.encode().unwrap()).unwrap(), settle);
    }

    #[test]
    fn the_same_request_is_one_message_and_another_payload_is_another() {
        let id = |data| deferred(data).deduplication_id();
        assert_eq!(id("{}"), id("{}"));
        assert_ne!(id("{}"), id("{ }"));
        assert!(id("{}").len() <= 128);
    }

    /// As many events as one append may have, each with its own id; not one more, and none twice.
    #[test]
    fn a_deferred_append_has_what_an_append_may_have() {
        let QueueMessage::Deferred { booking_code, accepted_at, events } = deferred("{}") else { unreachable!() };
        let decoded = |ids: Vec<u8>| {
            let event = |id| NewEvent { event_id: EventId::from_bytes([id; 16]), ..events[0].clone() };
            let events = ids.into_iter().map(event).collect();
            let message = QueueMessage::Deferred { booking_code: booking_code.clone(), accepted_at, events };
            QueueMessage::decode(&message.encode().unwrap()).is_ok()
        };
        let most = u8::try_from(MAX_EVENTS_PER_APPEND).unwrap();
        assert!(decoded(vec![1]) && decoded((1..=most).collect()));
        assert!(!decoded(vec![]) && !decoded((0..=most).collect()) && !decoded(vec![1, 2, 1]));
    }

    #[test]
    fn refuses_what_no_drainer_can_work_on() {
        let twice = deferred("{}").encode().unwrap().replace("]}}", ",X]}}");
        let event = serde_json::to_string(&match deferred("{}") {
            QueueMessage::Deferred { events, .. } => events[0].clone(),
            QueueMessage::Settle { .. } | QueueMessage::PublishConflict { .. } => unreachable!(),
        })
        .unwrap();
        for bad in [
            "",
            "{}",
            "null",
            r#"{"settle":{"booking_code":"a b","event_id":"03030303-0303-0303-0303-030303030303"}}"#,
            r#"{"deferred":{"booking_code":"X","accepted_at":"2026-11-21T09:00:00Z","events":[]}}"#,
            &twice.replace('X', &event),
        ] {
            assert!(QueueMessage::decode(bad).is_err(), "{bad}");
        }
    }
}
