//! The reservations table's stream: publish what is recorded, hand the rest to the queue.
//!
//! Of several images of one booking in a batch only the last is worked on: what is pending in an earlier one and not in
//! the last was published in between. Bookings go side by side, the events of one in order.

use std::collections::HashMap;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use booking_store::dynamodb::{booking_code_of, decode_image};
use booking_store::failure::StoreFailure;
use booking_store::limits::PUBLISH_CONCURRENCY;
use booking_store::ports::Stores;
use booking_store::protocol::publish::{Published, publish};
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, EventId};
use futures::StreamExt;

/// The records of one item in a batch.
struct ItemRecords {
    booking_code: Option<BookingCode>,
    /// The first one's sequence number: where the stream must start again if this item fails.
    first: Option<String>,
    last_image: serde_dynamo::Item,
}

/// Publishes one batch. The answer names the records the stream must deliver again: only those that neither the bus nor
/// the queue has taken.
pub async fn handle(stores: &Stores, event: Event) -> DynamoDbEventResponse {
    let items = by_item(event.records);
    let worked = futures::stream::iter(items).map(|item| async move { (item.first.clone(), work(stores, item).await) });
    let outcomes: Vec<_> = worked.buffer_unordered(PUBLISH_CONCURRENCY).collect().await;
    let mut response = DynamoDbEventResponse::default();
    for (first, outcome) in outcomes {
        if outcome.is_err() {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = first;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// The items of a batch in the order they first appear, each with its last image. Removed items have nothing to publish.
fn by_item(records: Vec<EventRecord>) -> Vec<ItemRecords> {
    let mut items: Vec<ItemRecords> = Vec::new();
    let mut places = HashMap::new();
    for record in records.into_iter().filter(|record| record.event_name != "REMOVE") {
        let change = record.change;
        let place = *places.entry(format!("{:?}", sorted(&change.keys))).or_insert_with(|| {
            items.push(ItemRecords {
                booking_code: booking_code_of(&change.keys),
                first: change.sequence_number,
                last_image: serde_dynamo::Item::default(),
            });
            items.len() - 1
        });
        if let Some(item) = items.get_mut(place) {
            item.last_image = change.new_image;
        }
    }
    items
}

fn sorted(keys: &serde_dynamo::Item) -> std::collections::BTreeMap<&String, &serde_dynamo::AttributeValue> {
    keys.iter().collect()
}

async fn work(stores: &Stores, item: ItemRecords) -> Result<(), StoreFailure> {
    let booking_code = item.booking_code.as_ref().map_or("", BookingCode::as_str).to_owned();
    let image = match decode_image(item.last_image) {
        Ok(image) => image,
        Err(error) => {
            tracing::error!(booking_code, outcome = "unreadable", %error, "publish");
            return unreadable(stores, item.booking_code).await;
        }
    };
    match publish(stores, &image).await {
        Published::Settled => tracing::info!(booking_code, outcome = "settled", "publish"),
        Published::Nothing => {}
        Published::HandedOver(None) => tracing::info!(booking_code, outcome = "handed_over", "publish"),
        Published::HandedOver(Some(cause)) => {
            tracing::warn!(booking_code, outcome = "handed_over", error = cause.chain(), "publish");
        }
        Published::Failed(failure) => {
            tracing::error!(booking_code, outcome = "failed", error = failure.chain(), "publish");
            return Err(failure);
        }
    }
    Ok(())
}

/// An image nobody can read must not hold up the bookings behind it. The drainer will find the same and put the order
/// into the dead-letter queue, where it is seen.
async fn unreadable(stores: &Stores, booking_code: Option<BookingCode>) -> Result<(), StoreFailure> {
    let Some(booking_code) = booking_code else { return Ok(()) };
    let order = QueueMessage::Settle { booking_code, event_id: EventId::from_bytes([0; 16]) };
    stores.queue.send(&order).await
}
