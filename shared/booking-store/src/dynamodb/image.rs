//! A record of the reservations table's stream, read by the kind of item it shows.

use super::{UnreadableItem, conflict_item, reservation_item, schema};
use crate::{BookingCode, Image};

/// A stream record that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableImage {
    /// The item can't be read.
    #[error(transparent)]
    Item(#[from] UnreadableItem),
    /// Its sort key is none of ours.
    #[error("unknown kind of item: {0:?}")]
    Kind(Option<String>),
}

/// The image a stream record shows.
///
/// # Errors
/// The record shows an item this code did not write.
pub fn decode_image(new_image: serde_dynamo::Item) -> Result<Image, UnreadableImage> {
    match text(&new_image, schema::ITEM) {
        Some(schema::RESERVATION) => Ok(Image::Reservation(Box::new(reservation_item::decode(new_image)?))),
        Some(item) if item.starts_with(schema::CONFLICT_PREFIX) => {
            Ok(Image::Conflict(Box::new(conflict_item::decode(new_image)?)))
        }
        other => Err(UnreadableImage::Kind(other.map(str::to_owned))),
    }
}

/// The booking code among a stream record's keys.
pub fn booking_code_of(keys: &serde_dynamo::Item) -> Option<BookingCode> {
    text(keys, schema::BOOKING_CODE).and_then(|code| BookingCode::parse(code).ok())
}

fn text<'a>(item: &'a serde_dynamo::Item, name: &str) -> Option<&'a str> {
    match item.get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}
