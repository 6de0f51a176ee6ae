//! A checkpoint of a feed's partition: one item.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use booking_store::failure::StoreFailure;
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};

use super::{BOOKING_CODE, ITEM, Item, Table, corrupt, text};
use crate::ports::{Checkpoint, Checkpoints};

/// The checkpoints of one projection in the table `table`.
pub struct DynamoCheckpoints {
    table: Table,
    projection: String,
}

impl DynamoCheckpoints {
    /// Those of the projection named `projection`.
    pub fn new(client: Client, table: String, projection: &str) -> Self {
        Self { table: Table { client, name: table }, projection: projection.to_owned() }
    }
}

fn key(partition: u32) -> String {
    format!("checkpoint#{partition}")
}

#[async_trait]
impl Checkpoints for DynamoCheckpoints {
    async fn load(&self, partition: u32) -> Result<Option<Checkpoint>, StoreFailure> {
        let item = self.table.get(&key(partition), &self.projection).await?;
        item.map(|item| from_item(item).map_err(corrupt)).transpose()
    }

    async fn save(&self, checkpoint: &Checkpoint) -> Result<bool, StoreFailure> {
        let mut item: Item = to_item(checkpoint).map_err(corrupt)?;
        item.insert(BOOKING_CODE.to_owned(), text(key(checkpoint.partition)));
        item.insert(ITEM.to_owned(), text(&self.projection));
        match self.table.put_next(&item, checkpoint.revision).await? {
            None => Ok(true),
            // An earlier attempt of this very write got no answer and had landed.
            Some(Some(found)) => Ok(from_item::<Checkpoint>(found).map_err(corrupt)? == *checkpoint),
            Some(None) => Ok(false),
        }
    }
}
