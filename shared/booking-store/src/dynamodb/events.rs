//! The events table's calls.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::expression::{names, number, text, values};
use super::{Item, UnreadableItem, event_item, schema};
use crate::call::{call, classify};
use crate::failure::{Store, StoreFailure};
use crate::ports::{Events, Recorded};
use crate::{BookingCode, Event, EventId, Version};

/// The events table `table`.
pub struct DynamoEvents {
    client: Client,
    table: String,
}

impl DynamoEvents {
    /// Uses the table named `table`.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

fn corrupt(error: UnreadableItem) -> StoreFailure {
    StoreFailure::corrupt(Store::Events, error)
}

#[async_trait]
impl Events for DynamoEvents {
    async fn record(&self, booking_code: &BookingCode, event: &Event) -> Result<Recorded, StoreFailure> {
        let item = event_item::encode(booking_code, event).map_err(corrupt)?;
        call(Store::Events, || async {
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
            // Closes the race between a writer and a drainer that record the same version: the first one stands.
            let put = put
                .condition_expression("attribute_not_exists(#booking_code)")
                .set_expression_attribute_names(Some(names([schema::BOOKING_CODE])))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            match put.send().await {
                Ok(_) => Ok(Recorded::New),
                Err(error) => match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(refusal)) => recorded_before(refusal.item()),
                    _ => Err(classify(Store::Events, error)),
                },
            }
        })
        .await
    }

    async fn highest(&self, booking_code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
        call(Store::Events, || async {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query
                .key_condition_expression("#booking_code = :booking_code")
                .set_expression_attribute_names(Some(names([schema::BOOKING_CODE])))
                .set_expression_attribute_values(Some(values([("booking_code", text(booking_code))])))
                .scan_index_forward(false)
                .limit(1);
            let answer = query.send().await.map_err(|error| classify(Store::Events, error))?;
            let Some(item) = answer.items().first() else { return Ok(None) };
            let (_, event) = event_item::decode(item.clone()).map_err(corrupt)?;
            Ok(Some((event.version, event.event_id)))
        })
        .await
    }

    async fn range(
        &self,
        booking_code: &BookingCode,
        from: Version,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Event>, StoreFailure> {
        let mut events: Vec<Event> = Vec::new();
        let mut size = 0;
        let mut after = None;
        loop {
            let wanted = limit - events.len();
            let (items, next) = self.page(booking_code, from, wanted, after).await?;
            for item in items {
                let (_, event) = event_item::decode(item).map_err(corrupt)?;
                let expected = events.last().map_or(from, |last: &Event| last.version.next());
                if event.version != expected {
                    let what = format!("a gap: version {} where {expected} belongs", event.version);
                    return Err(StoreFailure::corrupt(Store::Events, what));
                }
                size += event.wire_bytes();
                events.push(event);
                if size > max_bytes {
                    return Ok(events);
                }
            }
            if next.is_none() || events.len() >= limit {
                return Ok(events);
            }
            after = next;
        }
    }
}

impl DynamoEvents {
    /// One page of a query, which ends at 1 MB whatever the limit, and the key to go on from.
    async fn page(
        &self,
        booking_code: &BookingCode,
        from: Version,
        wanted: usize,
        after: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreFailure> {
        let bounds = values([("booking_code", text(booking_code)), ("from", number(from.get()))]);
        call(Store::Events, || async {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query
                .key_condition_expression("#booking_code = :booking_code AND #version >= :from")
                .set_expression_attribute_names(Some(names([schema::BOOKING_CODE, schema::VERSION])))
                .set_expression_attribute_values(Some(bounds.clone()))
                .set_exclusive_start_key(after.clone())
                .limit(i32::try_from(wanted).unwrap_or(i32::MAX));
            let answer = query.send().await.map_err(|error| classify(Store::Events, error))?;
            let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
            Ok((answer.items.unwrap_or_default(), next))
        })
        .await
    }
}

fn recorded_before(item: Option<&Item>) -> Result<Recorded, StoreFailure> {
    let Some(item) = item else { return Err(StoreFailure::corrupt(Store::Events, "refused without the old item")) };
    let (_, event) = event_item::decode(item.clone()).map_err(corrupt)?;
    Ok(Recorded::Before(event.event_id))
}
