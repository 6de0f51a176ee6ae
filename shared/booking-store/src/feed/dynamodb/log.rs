//! The feed table's calls.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::item;
use crate::call::{call, classify};
use crate::dynamodb::expression::{names, number, text, values};
use crate::dynamodb::{Item, UnreadableItem};
use crate::failure::{Store, StoreFailure};
use crate::feed::{Batch, Committed, FeedLog, Partition, Position};
use crate::{BookingCode, Version};

/// The feed table `table`.
pub struct DynamoFeedLog {
    client: Client,
    table: String,
}

fn corrupt(error: UnreadableItem) -> StoreFailure {
    StoreFailure::corrupt(Store::Feed, error)
}

/// A conditional put's condition: expression, names, values.
struct Condition<'a> {
    expression: &'a str,
    name: &'a str,
    value: Option<(&'a str, u64)>,
}

impl DynamoFeedLog {
    /// Uses the table named `table`.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Puts `item` if `condition` holds; otherwise returns the item that is there.
    async fn put(&self, item: Item, condition: &Condition<'_>) -> Result<Option<Item>, StoreFailure> {
        call(Store::Feed, || async {
            // Closes the race that the caller names: the condition is its own.
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
            let put = put
                .condition_expression(condition.expression)
                .set_expression_attribute_names(Some(names([condition.name])))
                .set_expression_attribute_values(condition.value.map(|(name, n)| values([(name, number(n))])))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            match put.send().await {
                Ok(_) => Ok(None),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                        Ok(Some(refusal.item().cloned().unwrap_or_default()))
                    }
                    _ => Err(classify(Store::Feed, error)),
                },
            }
        })
        .await
    }

    /// The one item of a partition key that has no other.
    async fn only(&self, key: &str) -> Result<Option<Item>, StoreFailure> {
        call(Store::Feed, || async {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query
                .key_condition_expression("#partition = :partition")
                .set_expression_attribute_names(Some(names([item::PARTITION])))
                .set_expression_attribute_values(Some(values([("partition", text(key))])))
                .limit(1);
            let answer = query.send().await.map_err(|error| classify(Store::Feed, error))?;
            Ok(answer.items.unwrap_or_default().into_iter().next())
        })
        .await
    }

    /// One page of a query, and the key to go on from.
    async fn pages_between(
        &self,
        partition: Partition,
        from: Position,
        to: Position,
        wanted: usize,
        after: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreFailure> {
        let bounds = values([("partition", text(partition)), ("from", number(from.get())), ("to", number(to.get()))]);
        call(Store::Feed, || async {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query
                .key_condition_expression("#partition = :partition AND #position BETWEEN :from AND :to")
                .set_expression_attribute_names(Some(names([item::PARTITION, item::POSITION])))
                .set_expression_attribute_values(Some(bounds.clone()))
                .set_exclusive_start_key(after.clone())
                .limit(i32::try_from(wanted).unwrap_or(i32::MAX));
            let answer = query.send().await.map_err(|error| classify(Store::Feed, error))?;
            let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
            Ok((answer.items.unwrap_or_default(), next))
        })
        .await
    }
}

#[async_trait]
impl FeedLog for DynamoFeedLog {
    async fn tip(&self, partition: Partition) -> Result<Batch, StoreFailure> {
        let tip = self.only(&item::tip_key(partition)).await?;
        tip.map_or(Ok(Batch::none()), |tip| item::decode_tip(tip).map_err(corrupt))
    }

    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<Committed, StoreFailure> {
        let new = item::encode_tip(partition, batch).map_err(corrupt)?;
        // Closes the race of two indexers, or of one and its own late attempt: a batch is appended to the very tip that
        // it was made for, so a position is given away once and what the tip or the markers showed still holds.
        let condition = if batch.first() == Batch::none().first() {
            Condition { expression: "attribute_not_exists(#partition)", name: item::PARTITION, value: None }
        } else {
            Condition { expression: "#next = :first", name: item::NEXT, value: Some(("first", batch.first().get())) }
        };
        match self.put(new, &condition).await? {
            None => Ok(Committed::Done),
            Some(old) if old.is_empty() => Err(StoreFailure::corrupt(Store::Feed, "the tip is gone")),
            Some(old) => Ok(Committed::Moved(item::decode_tip(old).map_err(corrupt)?)),
        }
    }

    async fn keep_page(&self, partition: Partition, batch: &Batch) -> Result<(), StoreFailure> {
        let page = item::encode_page(partition, batch).map_err(corrupt)?;
        // Closes the race of two indexers that flush the same tip: the page is put once, and what stands never changes.
        let absent = Condition { expression: "attribute_not_exists(#partition)", name: item::PARTITION, value: None };
        match self.put(page, &absent).await? {
            None => Ok(()),
            Some(kept) => match item::decode_page(kept).map_err(corrupt)? == *batch {
                true => Ok(()),
                false => Err(StoreFailure::corrupt(Store::Feed, "another page is kept there")),
            },
        }
    }

    async fn pages(
        &self,
        partition: Partition,
        after: Position,
        below: Position,
        limit: usize,
    ) -> Result<Vec<Batch>, StoreFailure> {
        let (from, to) = (after.next(), below.previous());
        let mut pages: Vec<Batch> = Vec::new();
        let mut start = None;
        loop {
            if from > to {
                return Ok(pages);
            }
            // A page holds at least one position.
            let (items, next) = self.pages_between(partition, from, to, limit, start).await?;
            for item in items {
                pages.push(item::decode_page(item).map_err(corrupt)?);
            }
            let enough = pages.last().is_some_and(|page| page.last().count_since(after) >= limit as u64);
            if next.is_none() || enough {
                return Ok(pages);
            }
            start = next;
        }
    }

    async fn marker(&self, booking_code: &BookingCode) -> Result<Version, StoreFailure> {
        let marker = self.only(&item::marker_key(booking_code)).await?;
        marker.map_or(Ok(Version::NONE), |marker| item::decode_marker(marker).map_err(corrupt))
    }

    async fn raise_marker(&self, booking_code: &BookingCode, version: Version) -> Result<(), StoreFailure> {
        let marker = item::encode_marker(booking_code, version).map_err(corrupt)?;
        // Closes the race of two indexers, or of one that was held up: a marker never goes back.
        let expression = "attribute_not_exists(#version) OR #version < :version";
        let lower = Condition { expression, name: item::VERSION, value: Some(("version", version.get())) };
        self.put(marker, &lower).await.map(|_| ())
    }
}
