//! An event's item in the events table, and its element in a reservation item's `pending`.

use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

use super::{Item, UnreadableItem};
use crate::{BookingCode, Event, EventId, EventType, JsonObject, Timestamp, Version};

/// What both forms hold. The payload is a string: DynamoDB must not reorder keys or touch a number.
#[derive(Serialize, Deserialize)]
pub(super) struct EventFields {
    event_id: EventId,
    r#type: EventType,
    occurred_at: Timestamp,
    accepted_at: Timestamp,
    data: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    metadata: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct EventItem {
    booking_code: BookingCode,
    version: Version,
    #[serde(flatten)]
    fields: EventFields,
}

impl EventFields {
    pub(super) fn of(event: &Event) -> Self {
        Self {
            event_id: event.event_id,
            r#type: event.event_type.clone(),
            occurred_at: event.occurred_at,
            accepted_at: event.accepted_at,
            data: event.data.as_str().to_owned(),
            metadata: event.metadata.as_ref().map(|metadata| metadata.as_str().to_owned()),
        }
    }

    pub(super) fn at(self, version: Version) -> Result<Event, UnreadableItem> {
        Ok(Event {
            version,
            event_id: self.event_id,
            event_type: self.r#type,
            occurred_at: self.occurred_at,
            accepted_at: self.accepted_at,
            data: JsonObject::parse(&self.data)?,
            metadata: self.metadata.as_deref().map(JsonObject::parse).transpose()?,
        })
    }
}

/// The item of `event`.
///
/// # Errors
/// None in practice: every field is an attribute.
pub fn encode(booking_code: &BookingCode, event: &Event) -> Result<Item, UnreadableItem> {
    let item = EventItem { booking_code: booking_code.clone(), version: event.version, fields: EventFields::of(event) };
    Ok(to_item(item)?)
}

/// The event of `item`.
///
/// # Errors
/// The item is not what [`encode`] makes.
pub fn decode(item: impl Into<serde_dynamo::Item>) -> Result<(BookingCode, Event), UnreadableItem> {
    let item: EventItem = serde_dynamo::from_item(item.into())?;
    if item.version < Version::FIRST {
        return Err(UnreadableItem::Unsound("an event"));
    }
    Ok((item.booking_code, item.fields.at(item.version)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;
    use crate::dynamodb::schema;

    proptest! {
        #[test]
        fn round_trips(code in arbitrary::booking_code(), event in arbitrary::new_event(), at in arbitrary::timestamp(), version in 1..=u64::MAX) {
            let event = event.accept(Version::new(version), at);
            let item = encode(&code, &event).unwrap();
            prop_assert!(item.contains_key(schema::BOOKING_CODE) && item.contains_key(schema::VERSION));
            prop_assert_eq!(decode(item).unwrap(), (code, event));
        }

        #[test]
        fn refuses_an_item_without_one_of_its_fields(event in arbitrary::new_event(), nth in any::<prop::sample::Index>()) {
            let event = event.accept(Version::FIRST, Timestamp::parse("2026-11-21T09:00:00Z").unwrap());
            let mut item = encode(&BookingCode::parse("X").unwrap(), &event).unwrap();
            let names: Vec<_> = item.keys().filter(|name| *name != "metadata").cloned().collect();
            item.remove(nth.get(&names));
            prop_assert!(decode(item).is_err());
        }
    }

    #[test]
    fn refuses_version_0_and_a_broken_payload() {
        let event = crate::NewEvent {
            event_id: EventId::from_bytes([1; 16]),
            event_type: EventType::parse("T").unwrap(),
            occurred_at: None,
            data: JsonObject::parse("{}").unwrap(),
            metadata: None,
        };
        let at = Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
        let code = BookingCode::parse("X").unwrap();
        assert!(matches!(
            decode(encode(&code, &event.clone().accept(Version::NONE, at)).unwrap()),
            Err(UnreadableItem::Unsound(_))
        ));
        let mut item = encode(&code, &event.accept(Version::FIRST, at)).unwrap();
        item.insert("data".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S("[".to_owned()));
        assert!(matches!(decode(item), Err(UnreadableItem::Payload(_))));
    }
}
