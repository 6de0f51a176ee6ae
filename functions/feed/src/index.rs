//! The reservations table's stream, for the feed: of each image only the booking's head counts.
//!
//! The bookings of a batch go by partition, partitions side by side. A partition that fails is reported by the first
//! record of each of its bookings; the stream then starts again at the lowest of them, and what is in the feed already is
//! not appended again. The figures go to CloudWatch as an embedded metric.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use booking_store::clock::Clock;
use booking_store::dynamodb::{booking_code_of, schema};
use booking_store::feed::ingest::ingest;
use booking_store::feed::{FeedLog, Partition};
use booking_store::limits::FEED_CONCURRENCY;
use booking_store::metrics;
use booking_store::{BookingCode, Version};
use futures::StreamExt;
use serde_dynamo::AttributeValue;
use serde_json::json;

/// What the function works with.
pub struct Context {
    /// The feed's log.
    pub log: Arc<dyn FeedLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The images of one booking in a batch.
struct Booking {
    booking_code: BookingCode,
    head: Version,
    /// The first one's sequence number: where the stream must start again if its partition fails.
    first: Option<String>,
}

/// What a batch shows.
#[derive(Default)]
struct Batch {
    partitions: BTreeMap<Partition, Vec<Booking>>,
    /// Images of reservations without a readable code or head.
    unreadable: u64,
}

/// Appends to the feed what one batch shows. The answer names the records the stream must deliver again.
pub async fn handle(context: &Context, event: Event) -> DynamoDbEventResponse {
    let batch = read(event.records);
    let log = &*context.log;
    let worked = batch.partitions.into_iter().map(|(partition, bookings)| async move {
        let heads: Vec<_> = bookings.iter().map(|booking| (booking.booking_code.clone(), booking.head)).collect();
        (partition, ingest(log, partition, &heads).await, bookings)
    });
    let outcomes: Vec<_> = futures::stream::iter(worked).buffer_unordered(FEED_CONCURRENCY).collect().await;
    let mut response = DynamoDbEventResponse::default();
    let mut appended = 0;
    for (partition, outcome, bookings) in outcomes {
        let partition = partition.number();
        match outcome {
            Ok(count) => appended += count,
            Err(failure) => {
                tracing::warn!(partition, outcome = "failed", error = failure.chain(), "feed-index");
                response.batch_item_failures.extend(bookings.into_iter().map(|booking| {
                    let mut failure = DynamoDbBatchItemFailure::default();
                    failure.item_identifier = booking.first;
                    failure
                }));
            }
        }
    }
    if appended > 0 || batch.unreadable > 0 {
        tracing::info!(appended, unreadable = batch.unreadable, "feed-index");
        emit(context, appended, batch.unreadable);
    }
    response
}

/// The bookings of a batch by partition, in the order they first appear, each with its highest head.
fn read(records: Vec<EventRecord>) -> Batch {
    let mut batch = Batch::default();
    let mut places = HashMap::new();
    let records = records.into_iter().filter(|record| record.event_name != "REMOVE");
    for change in records.map(|record| record.change).filter(|change| is_reservation(&change.keys)) {
        let (booking_code, head) = (booking_code_of(&change.keys), head(&change.new_image));
        let (Some(booking_code), Some(head)) = (&booking_code, head) else {
            // It must not hold up the bookings behind it. The booking's next image makes it good.
            let sequence_number = change.sequence_number.unwrap_or_default();
            let booking_code = booking_code.as_ref().map(BookingCode::as_str);
            tracing::error!(booking_code, sequence_number, outcome = "unreadable", "feed-index");
            batch.unreadable += 1;
            continue;
        };
        let partition = batch.partitions.entry(Partition::of(booking_code)).or_default();
        let place = *places.entry(booking_code.clone()).or_insert(partition.len());
        match partition.get_mut(place) {
            Some(booking) => booking.head = booking.head.max(head),
            None => partition.push(Booking { booking_code: booking_code.clone(), head, first: change.sequence_number }),
        }
    }
    batch
}

fn is_reservation(keys: &serde_dynamo::Item) -> bool {
    matches!(keys.get(schema::ITEM), Some(AttributeValue::S(item)) if item == schema::RESERVATION)
}

fn head(image: &serde_dynamo::Item) -> Option<Version> {
    match image.get(schema::HEAD) {
        Some(AttributeValue::N(head)) => head.parse().ok().map(Version::new).filter(|head| *head >= Version::FIRST),
        _ => None,
    }
}

/// CloudWatch's embedded metric format: one line of JSON on standard output. `FeedUnreadableAlarm` in template.yaml
/// watches the second.
fn emit(context: &Context, appended: u64, unreadable: u64) {
    let counted = json!([{"Name": "FeedEntries", "Unit": "Count"}, {"Name": "FeedUnreadableImages", "Unit": "Count"}]);
    let line = json!({
        "_aws": {
            "Timestamp": context.clock.now().unix_milliseconds(),
            "CloudWatchMetrics": [{"Namespace": "BookingStore", "Dimensions": [[]], "Metrics": counted}],
        },
        "FeedEntries": appended,
        "FeedUnreadableImages": unreadable,
    });
    metrics::emit(&line);
}
