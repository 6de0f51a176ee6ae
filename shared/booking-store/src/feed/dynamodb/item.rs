//! The feed table's items: keys, encoders, decoders. `template.yaml` declares the keys under the same names.
//!
//! | `partition` | `position` | holds |
//! |---|---|---|
//! | `7#tip` | 0 | the last batch of partition 7, and where the next one begins |
//! | `7` | last position of the batch | a batch below the tip |
//! | `fed#<booking code>` | 0 | the highest version of a booking below the tip |
//!
//! A page is found by its *last* position, so that what stands after a position is one query from there on.

use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

use crate::dynamodb::{Item, UnreadableItem};
use crate::feed::{Batch, Partition, Position};
use crate::{BookingCode, Version};

/// Partition key.
pub const PARTITION: &str = "partition";
/// Sort key.
pub const POSITION: &str = "position";
/// Where the next batch begins: the condition of the tip's write.
pub const NEXT: &str = "next";
/// The position of a batch's first event.
pub const FIRST: &str = "first";
/// A batch's runs of versions, as [`Batch::text`] writes them.
pub const RUNS: &str = "runs";
/// A marker's version: the condition of its write.
pub const VERSION: &str = "version";

/// What the partition key of a tip ends with.
pub const TIP_SUFFIX: &str = "#tip";
/// What the partition key of a marker begins with.
pub const MARKER_PREFIX: &str = "fed#";

#[derive(Serialize, Deserialize)]
struct BatchItem {
    partition: String,
    position: Position,
    first: Position,
    /// Of a tip only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    next: Option<Position>,
    runs: String,
}

#[derive(Serialize, Deserialize)]
struct MarkerItem {
    partition: String,
    position: Position,
    version: Version,
}

/// The partition key of a tip.
pub(super) fn tip_key(partition: Partition) -> String {
    format!("{partition}{TIP_SUFFIX}")
}

/// The partition key of a marker.
pub(super) fn marker_key(booking_code: &BookingCode) -> String {
    format!("{MARKER_PREFIX}{booking_code}")
}

pub(super) fn encode_tip(partition: Partition, batch: &Batch) -> Result<Item, UnreadableItem> {
    let (first, next) = (batch.first(), Some(batch.next()));
    let partition = tip_key(partition);
    Ok(to_item(BatchItem { partition, position: Position::START, first, next, runs: batch.text() })?)
}

pub(super) fn decode_tip(item: Item) -> Result<Batch, UnreadableItem> {
    let item: BatchItem = serde_dynamo::from_item(item)?;
    let next = item.next;
    batch(item).and_then(|batch| sound(batch, |batch| Some(batch.next()) == next, "a tip"))
}

pub(super) fn encode_page(partition: Partition, batch: &Batch) -> Result<Item, UnreadableItem> {
    let (position, first) = (batch.last(), batch.first());
    Ok(to_item(BatchItem { partition: partition.to_string(), position, first, next: None, runs: batch.text() })?)
}

pub(super) fn decode_page(item: Item) -> Result<Batch, UnreadableItem> {
    let item: BatchItem = serde_dynamo::from_item(item)?;
    let position = item.position;
    batch(item).and_then(|batch| sound(batch, |batch| batch.last() == position, "a page"))
}

pub(super) fn encode_marker(booking_code: &BookingCode, version: Version) -> Result<Item, UnreadableItem> {
    Ok(to_item(MarkerItem { partition: marker_key(booking_code), position: Position::START, version })?)
}

pub(super) fn decode_marker(item: Item) -> Result<Version, UnreadableItem> {
    let item: MarkerItem = serde_dynamo::from_item(item)?;
    sound(item.version, |version| *version >= Version::FIRST, "a marker")
}

fn batch(item: BatchItem) -> Result<Batch, UnreadableItem> {
    Batch::parse(item.first, &item.runs).map_err(|_| UnreadableItem::Unsound("a batch of the feed"))
}

fn sound<T>(value: T, is_sound: impl FnOnce(&T) -> bool, what: &'static str) -> Result<T, UnreadableItem> {
    if is_sound(&value) { Ok(value) } else { Err(UnreadableItem::Unsound(what)) }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;
    use crate::feed::Run;

    prop_compose! {
        fn batches()(first in 1..1_000_000_u64, code in arbitrary::booking_code(), version in 1..1_000_u64, more in 0..9_u64)
            -> Batch {
            let (first_version, last) = (Version::new(version), Version::new(version + more));
            Batch::new(Position::new(first), vec![Run { booking_code: code, first: first_version, last }]).unwrap()
        }
    }

    fn seven() -> Partition {
        Partition::new(7).unwrap()
    }

    proptest! {
        #[test]
        fn round_trips(batch in batches(), code in arbitrary::booking_code(), version in 1..=u64::MAX) {
            prop_assert_eq!(decode_tip(encode_tip(seven(), &batch).unwrap()).unwrap(), batch.clone());
            prop_assert_eq!(decode_page(encode_page(seven(), &batch).unwrap()).unwrap(), batch);
            let version = Version::new(version);
            prop_assert_eq!(decode_marker(encode_marker(&code, version).unwrap()).unwrap(), version);
        }

        #[test]
        fn refuses_an_item_without_one_of_its_fields(batch in batches(), nth in any::<prop::sample::Index>()) {
            let without = |mut item: Item| {
                let names: Vec<_> = item.keys().cloned().collect();
                item.remove(nth.get(&names));
                item
            };
            prop_assert!(decode_tip(without(encode_tip(seven(), &batch).unwrap())).is_err());
            prop_assert!(decode_page(without(encode_page(seven(), &batch).unwrap())).is_err());
            let code = batch.runs()[0].booking_code.clone();
            prop_assert!(decode_marker(without(encode_marker(&code, Version::FIRST).unwrap())).is_err());
        }

        #[test]
        fn refuses_an_item_whose_numbers_contradict_each_other(batch in batches(), by in 1..9_u64) {
            let moved = |mut item: Item, name: &str| {
                let Some(AttributeValue::N(number)) = item.get(name) else { panic!("no {name}") };
                let number = number.parse::<u64>().unwrap() + by;
                item.insert(name.to_owned(), AttributeValue::N(number.to_string()));
                item
            };
            for name in [NEXT, FIRST] {
                prop_assert!(decode_tip(moved(encode_tip(seven(), &batch).unwrap(), name)).is_err());
            }
            for name in [POSITION, FIRST] {
                prop_assert!(decode_page(moved(encode_page(seven(), &batch).unwrap(), name)).is_err());
            }
        }
    }

    /// The expressions name attributes by the constants; the encoders name them by their fields.
    #[test]
    fn the_constants_name_what_the_encoders_write() {
        let run = Run { booking_code: BookingCode::parse("X").unwrap(), first: Version::FIRST, last: Version::new(3) };
        let batch = Batch::new(Position::new(5), vec![run]).unwrap();
        let names = |item: &Item| item.keys().cloned().collect::<std::collections::BTreeSet<_>>();
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let tip = encode_tip(seven(), &batch).unwrap();
        assert_eq!(names(&tip), of(&[PARTITION, POSITION, FIRST, NEXT, RUNS]));
        assert_eq!(tip[PARTITION], AttributeValue::S("7#tip".to_owned()));
        assert_eq!(tip[NEXT], AttributeValue::N("8".to_owned()));
        let page = encode_page(seven(), &batch).unwrap();
        assert_eq!(names(&page), of(&[PARTITION, POSITION, FIRST, RUNS]));
        assert_eq!(
            (&page[PARTITION], &page[POSITION]),
            (&AttributeValue::S("7".to_owned()), &AttributeValue::N("7".to_owned()))
        );
        assert_eq!(page[RUNS], AttributeValue::S("X@1+2".to_owned()));
        let marker = encode_marker(&batch.runs()[0].booking_code, Version::new(3)).unwrap();
        assert_eq!(names(&marker), of(&[PARTITION, POSITION, VERSION]));
        assert_eq!(marker[PARTITION], AttributeValue::S("fed#X".to_owned()));
        assert!(decode_marker(encode_marker(&batch.runs()[0].booking_code, Version::NONE).unwrap()).is_err());
    }
}
