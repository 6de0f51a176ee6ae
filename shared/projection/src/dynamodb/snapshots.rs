//! A snapshot: one item, written once by content.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use booking_store::call::{call, classify};
use booking_store::failure::{Store, StoreFailure};
use booking_store::{BookingCode, Version};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{BOOKING_CODE, ITEM, Item, Table, corrupt, text};
use crate::ports::{Snapshot, Snapshots};

/// The snapshots of one projection in the table `table`.
pub struct DynamoSnapshots {
    table: Table,
    projection: String,
}

impl DynamoSnapshots {
    /// Those of the projection named `projection`.
    pub fn new(client: Client, table: String, projection: &str) -> Self {
        Self { table: Table { client, name: table }, projection: projection.to_owned() }
    }

    /// Sorts as the versions do: 20 digits hold every one.
    fn key(&self, state_version: u32, version: Version) -> String {
        format!("snapshot#{}#{state_version}#{:020}", self.projection, version.get())
    }
}

#[async_trait]
impl Snapshots for DynamoSnapshots {
    async fn latest(
        &self,
        booking_code: &BookingCode,
        state_version: u32,
        at_most: Version,
    ) -> Result<Option<Snapshot>, StoreFailure> {
        let (first, last) = (self.key(state_version, Version::NONE), self.key(state_version, at_most));
        call(Store::Projection, || async {
            let query = self.table.client.query().table_name(&self.table.name).consistent_read(true);
            let query = query
                .key_condition_expression("#code = :code AND #item BETWEEN :first AND :last")
                .expression_attribute_names("#code", BOOKING_CODE)
                .expression_attribute_names("#item", ITEM)
                .expression_attribute_values(":code", text(booking_code))
                .expression_attribute_values(":first", text(&first))
                .expression_attribute_values(":last", text(&last))
                .scan_index_forward(false)
                .limit(1);
            let answer = query.send().await.map_err(|error| classify(Store::Projection, error))?;
            let item = answer.items.unwrap_or_default().pop();
            item.map(|item| from_item(item).map_err(corrupt)).transpose()
        })
        .await
    }

    async fn put(&self, snapshot: &Snapshot) -> Result<(), StoreFailure> {
        let mut item: Item = to_item(snapshot).map_err(corrupt)?;
        item.insert(ITEM.to_owned(), text(self.key(snapshot.state_version, snapshot.version)));
        call(Store::Projection, || async {
            let put = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item.clone()));
            put.send().await.map(|_| ()).map_err(|error| classify(Store::Projection, error))
        })
        .await
    }
}
