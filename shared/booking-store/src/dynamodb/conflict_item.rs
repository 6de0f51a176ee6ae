//! A conflict item: an acknowledged event that lost its code, `item` = `conflict#<event id>`.

use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

use super::{Item, UnreadableItem, schema};
use crate::{BookingCode, Conflict, EventId, EventType, JsonObject, NewEvent, Timestamp};

#[derive(Serialize, Deserialize)]
struct ConflictItem {
    booking_code: BookingCode,
    item: String,
    event_id: EventId,
    r#type: EventType,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    occurred_at: Option<Timestamp>,
    accepted_at: Timestamp,
    data: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    metadata: Option<String>,
    owner: EventId,
    detected_at: Timestamp,
}

/// The sort key of the conflict item of the event `id`.
fn sort_key(id: EventId) -> String {
    format!("{}{id}", schema::CONFLICT_PREFIX)
}

/// The item of `conflict`.
///
/// # Errors
/// None in practice: every field is an attribute.
pub fn encode(conflict: &Conflict) -> Result<Item, UnreadableItem> {
    let event = &conflict.event;
    Ok(to_item(ConflictItem {
        booking_code: conflict.booking_code.clone(),
        item: sort_key(event.event_id),
        event_id: event.event_id,
        r#type: event.event_type.clone(),
        occurred_at: event.occurred_at,
        accepted_at: conflict.accepted_at,
        data: event.data.as_str().to_owned(),
        metadata: event.metadata.as_ref().map(|metadata| metadata.as_str().to_owned()),
        owner: conflict.owner,
        detected_at: conflict.detected_at,
    })?)
}

/// The conflict of `item`.
///
/// # Errors
/// The item is not what [`encode`] makes.
pub fn decode(item: impl Into<serde_dynamo::Item>) -> Result<Conflict, UnreadableItem> {
    let item: ConflictItem = serde_dynamo::from_item(item.into())?;
    if item.item != sort_key(item.event_id) {
        return Err(UnreadableItem::Unsound("a conflict"));
    }
    Ok(Conflict {
        booking_code: item.booking_code,
        event: NewEvent {
            event_id: item.event_id,
            event_type: item.r#type,
            occurred_at: item.occurred_at,
            data: JsonObject::parse(&item.data)?,
            metadata: item.metadata.as_deref().map(JsonObject::parse).transpose()?,
        },
        accepted_at: item.accepted_at,
        owner: item.owner,
        detected_at: item.detected_at,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    proptest! {
        #[test]
        fn round_trips(value in arbitrary::conflict()) {
            prop_assert_eq!(decode(encode(&value).unwrap()).unwrap(), value);
        }

        #[test]
        fn refuses_an_item_without_one_of_its_fields(value in arbitrary::conflict(), nth in any::<prop::sample::Index>()) {
            let mut item = encode(&value).unwrap();
            let names: Vec<_> = item.keys().filter(|name| !["occurred_at", "metadata"].contains(&name.as_str())).cloned().collect();
            item.remove(nth.get(&names));
            prop_assert!(decode(item).is_err());
        }
    }
}
