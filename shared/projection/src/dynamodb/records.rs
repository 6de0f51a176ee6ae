//! A booking's record: one item.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use booking_store::BookingCode;
use booking_store::failure::{Store, StoreFailure};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{ITEM, Item, Table, corrupt, text};
use crate::ports::{Records, Saved};
use crate::record::Record;

/// The records of one projection in the table `table`.
pub struct DynamoRecords {
    table: Table,
    projection: String,
}

impl DynamoRecords {
    /// Those of the projection named `projection`; several may share a table.
    pub fn new(client: Client, table: String, projection: &str) -> Self {
        Self { table: Table { client, name: table }, projection: projection.to_owned() }
    }

    fn encode(&self, record: &Record) -> Result<Item, StoreFailure> {
        let mut item: Item = to_item(record).map_err(corrupt)?;
        item.insert(ITEM.to_owned(), text(&self.projection));
        Ok(item)
    }
}

/// Refuses a record that breaks an invariant; nothing is repaired here.
fn decode(item: Item) -> Result<Record, StoreFailure> {
    let record: Record = from_item(item).map_err(corrupt)?;
    if record.is_sound() {
        Ok(record)
    } else {
        Err(StoreFailure::corrupt(Store::Projection, "the item breaks an invariant of a record"))
    }
}

#[async_trait]
impl Records for DynamoRecords {
    async fn load(&self, booking_code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        let item = self.table.get(booking_code.as_str(), &self.projection).await?;
        item.map(decode).transpose()
    }

    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        match self.table.put_next(&self.encode(record)?, record.revision).await? {
            None => Ok(Saved::Done),
            Some(found) => Ok(Saved::Moved(found.map(decode).transpose()?.map(Box::new))),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use booking_store::{EventId, Timestamp, Version};

    use super::*;
    use crate::event::ReplayId;
    use crate::record::{Outstanding, Parked, Stage};

    fn full() -> Record {
        let at = Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
        let id = EventId::from_bytes([7; 16]);
        let record = Record::new(BookingCode::parse("LH4711").unwrap(), r#"{"total": 1.10}"#.to_owned(), 3, at);
        let replay = ReplayId::parse("r-1").unwrap();
        let parked = Parked {
            stage: Stage::React,
            version: Version::new(5),
            event_id: id,
            reason: "busy".to_owned(),
            attempts: 2,
            since: at,
            retry_at: at,
            dead_lettered: true,
            replay: Some(replay.clone()),
        };
        Record {
            position: Version::new(u64::MAX),
            reacted: Version::new(4),
            revision: 9,
            replays: vec![replay],
            reaction: Some(Outstanding { version: Version::new(5), event_id: id, holder: id, leased_until: at }),
            parked: Some(parked),
            ..record
        }
    }

    fn records() -> DynamoRecords {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest().build();
        DynamoRecords::new(Client::from_conf(config), "PricesTable".to_owned(), "prices")
    }

    #[test]
    fn round_trips() {
        for record in [full(), Record { reaction: None, parked: None, replays: Vec::new(), ..full() }] {
            let item = records().encode(&record).unwrap();
            assert_eq!(item["item"], text("prices"));
            assert_eq!(item["booking_code"], text("LH4711"));
            assert_eq!(item["state"], text(r#"{"total": 1.10}"#));
            assert_eq!(decode(item).unwrap(), record);
        }
    }

    #[test]
    fn refuses_what_is_no_record() {
        let item = records().encode(&full()).unwrap();
        for name in ["position", "state", "state_version", "revision", "reacted", "updated_at", "booking_code"] {
            let mut lame = item.clone();
            lame.remove(name);
            assert!(decode(lame).is_err(), "{name}");
        }
        for (name, number) in [("revision", "0"), ("position", "3"), ("position", "1.5")] {
            let mut lame = item.clone();
            lame.insert(name.to_owned(), AttributeValue::N(number.to_owned()));
            assert!(decode(lame).is_err(), "{name} {number}");
        }
    }
}
