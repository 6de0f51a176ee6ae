//! All bookings, by a scan of the reservations table: only of each reservation, and only what a replay needs of it.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use serde::Deserialize;

use crate::call::{call, classify};
use crate::dynamodb::expression::{names, text, values};
use crate::dynamodb::{Item, schema};
use crate::failure::{Store, StoreFailure};
use crate::ports::Cursor;
use crate::replays::ports::{Bookings, BookingsPage, Listed};
use crate::{BookingCode, Timestamp, Version};

/// When the booking was accepted.
const CREATED_AT: &str = "created_at";

/// The bookings of the reservations table `table`.
pub struct DynamoBookings {
    client: Client,
    table: String,
}

impl DynamoBookings {
    /// Scans the table named `table`.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

#[derive(Deserialize)]
struct ListedItem {
    booking_code: BookingCode,
    head: Version,
    created_at: Timestamp,
}

#[async_trait]
impl Bookings for DynamoBookings {
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<BookingsPage, StoreFailure> {
        let start = after.map(|after| -> Item {
            let key = [(schema::BOOKING_CODE, &after.booking_code), (schema::ITEM, &after.item)];
            key.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
        });
        let (items, next) = call(Store::Reservations, || async {
            let scan = self.client.scan().table_name(&self.table).consistent_read(true);
            let scan = scan
                .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                .filter_expression("#item = :reservation")
                .projection_expression("#booking_code, #head, #created_at")
                .set_expression_attribute_names(Some(names([
                    schema::BOOKING_CODE,
                    schema::ITEM,
                    schema::HEAD,
                    CREATED_AT,
                ])))
                .set_expression_attribute_values(Some(values([("reservation", text(schema::RESERVATION))])))
                .set_exclusive_start_key(start.clone());
            let answer = scan.send().await.map_err(|error| classify(Store::Reservations, error))?;
            let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
            Ok((answer.items.unwrap_or_default(), next))
        })
        .await?;
        let bookings = items.into_iter().map(listed).collect::<Result<_, _>>()?;
        Ok(BookingsPage { bookings, next: next.map(cursor).transpose()? })
    }

    async fn estimate(&self) -> Result<u64, StoreFailure> {
        call(Store::Reservations, || async {
            let described = self.client.describe_table().table_name(&self.table).send().await;
            let described = described.map_err(|error| classify(Store::Reservations, error))?;
            let count = described.table.and_then(|table| table.item_count).unwrap_or(0);
            Ok(u64::try_from(count).unwrap_or(0))
        })
        .await
    }
}

fn listed(item: Item) -> Result<Listed, StoreFailure> {
    let item: Result<ListedItem, _> = serde_dynamo::from_item(serde_dynamo::Item::from(item));
    let item = item.map_err(|error| StoreFailure::corrupt(Store::Reservations, error))?;
    Ok(Listed { booking_code: item.booking_code, head: item.head, created_at: item.created_at })
}

fn cursor(key: Item) -> Result<Cursor, StoreFailure> {
    let part = |name: &str| key.get(name).and_then(|value| value.as_s().ok()).cloned();
    let cursor = part(schema::BOOKING_CODE).zip(part(schema::ITEM));
    let cursor = cursor.map(|(booking_code, item)| Cursor { booking_code, item });
    // Taken for the end of the table it would lose bookings.
    cursor.ok_or_else(|| StoreFailure::corrupt(Store::Reservations, "a scan ended at a key that is none"))
}
