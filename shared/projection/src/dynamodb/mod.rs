//! Records, snapshots and checkpoints in one table of the projection's own, keys `booking_code` (S) and `item` (S).
//!
//! | what | `booking_code` | `item` |
//! |---|---|---|
//! | record | the code | the projection's name |
//! | snapshot | the code | `snapshot#<name>#<state version>#<version, 20 digits>` |
//! | checkpoint of a feed's partition | `checkpoint#<partition>` | the projection's name |
//!
//! No code can hold a `#`, so nothing of the three can be taken for another. Only `Query` and `PutItem` are called, always
//! strongly consistent; one item a write, no transaction.

mod checkpoints;
mod records;
mod snapshots;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use booking_store::call::{call, classify};
use booking_store::failure::{Store, StoreFailure};

pub use checkpoints::DynamoCheckpoints;
pub use records::DynamoRecords;
pub use snapshots::DynamoSnapshots;

type Item = HashMap<String, AttributeValue>;

/// The keys.
const BOOKING_CODE: &str = "booking_code";
const ITEM: &str = "item";
/// The attribute of every condition.
const REVISION: &str = "revision";

/// A projection's table.
#[derive(Clone)]
struct Table {
    client: Client,
    name: String,
}

fn corrupt(error: serde_dynamo::Error) -> StoreFailure {
    StoreFailure::corrupt(Store::Projection, error)
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

impl Table {
    /// The item under these keys.
    async fn get(&self, code: &str, item: &str) -> Result<Option<Item>, StoreFailure> {
        call(Store::Projection, || async {
            let query = self.client.query().table_name(&self.name).consistent_read(true);
            let query = query
                .key_condition_expression("#code = :code AND #item = :item")
                .expression_attribute_names("#code", BOOKING_CODE)
                .expression_attribute_names("#item", ITEM)
                .expression_attribute_values(":code", text(code))
                .expression_attribute_values(":item", text(item));
            let answer = query.send().await.map_err(|error| classify(Store::Projection, error))?;
            Ok(answer.items.unwrap_or_default().pop())
        })
        .await
    }

    /// Puts `item`, the one of revision `revision`, on top of the one before. `Some`: another one is there, or none.
    async fn put_next(&self, item: &Item, revision: u64) -> Result<Option<Option<Item>>, StoreFailure> {
        call(Store::Projection, || async {
            let put = self.client.put_item().table_name(&self.name).set_item(Some(item.clone()));
            let put = match revision {
                0 | 1 => {
                    let put = put.expression_attribute_names("#code", BOOKING_CODE);
                    // Closes the race of two workers who both found nothing: the second one reads what the first has written.
                    put.condition_expression("attribute_not_exists(#code)")
                }
                revision => {
                    let put = put.expression_attribute_names("#revision", REVISION);
                    let put = put.expression_attribute_values(":before", AttributeValue::N((revision - 1).to_string()));
                    // Closes the race of two workers on top of the same record: state and position of one of them stand,
                    // together, and the other one looks again.
                    put.condition_expression("#revision = :before")
                }
            };
            refused(put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)).await
        })
        .await
    }
}

/// Sends `put`. `Some`: refused, with what is there.
async fn refused(put: PutItemFluentBuilder) -> Result<Option<Option<Item>>, StoreFailure> {
    match put.send().await {
        Ok(_) => Ok(None),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                Ok(Some(refusal.item().filter(|item| !item.is_empty()).cloned()))
            }
            _ => Err(classify(Store::Projection, error)),
        },
    }
}
