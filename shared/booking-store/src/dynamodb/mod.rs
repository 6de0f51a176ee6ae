//! The reservations and events tables on DynamoDB. One file for each stored item kind (key, encode, decode), one for
//! each table's calls.

pub mod conflict_item;
pub mod event_item;
mod events;
pub(crate) mod expression;
pub mod image;
pub mod reservation_item;
mod reservations;
pub mod schema;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

pub use events::DynamoEvents;
pub use image::{UnreadableImage, booking_code_of, decode_image};
pub use reservations::DynamoReservations;

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// An item that can't be read: not what this code wrote.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableItem {
    /// A field is missing or of another type.
    #[error("unreadable item: {0}")]
    Fields(#[from] serde_dynamo::Error),
    /// The payload is not the JSON object it was.
    #[error("unreadable payload: {0}")]
    Payload(#[from] crate::InvalidJsonObject),
    /// The fields contradict each other.
    #[error("the item breaks an invariant of {0}")]
    Unsound(&'static str),
}
