//! The reservations table's stream as Lambda delivers it: filtered, in batches, from the lowest failed record again.

use aws_lambda_events::event::dynamodb::Event;
use booking_store::Image;
use booking_store::dynamodb::{conflict_item, reservation_item, schema};
use futures::FutureExt;
use serde_json::{Value, json};

use crate::World;

/// Records in one batch.
const BATCH: usize = 100;

/// A stream event of `images`, each with its position in the stream.
pub fn stream_event(images: &[(usize, Image)]) -> Event {
    let records: Vec<_> = images.iter().map(|(position, image)| record(*position, image)).collect();
    serde_json::from_value(json!({"Records": records})).unwrap()
}

fn record(position: usize, image: &Image) -> Value {
    let (item, first) = match image {
        Image::Reservation(reservation) => {
            let first = reservation.settled.get() == 0 && reservation.pending.len() as u64 == reservation.head.get();
            (reservation_item::encode(reservation).unwrap(), first)
        }
        Image::Conflict(conflict) => (conflict_item::encode(conflict).unwrap(), true),
    };
    let item = serde_dynamo::Item::from(item);
    let keys = [schema::BOOKING_CODE, schema::ITEM].map(|name| (name.to_owned(), item.get(name).unwrap().clone()));
    let keys = serde_dynamo::Item::from(std::collections::HashMap::from(keys));
    json!({
        "eventID": format!("{position:032x}"),
        "eventName": if first { "INSERT" } else { "MODIFY" },
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_251_600,
            "Keys": keys,
            "NewImage": item,
            "SequenceNumber": sequence_number(position),
            "SizeBytes": 512,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN":
            "arn:aws:dynamodb:eu-central-1:123456789012:table/reservations/stream/2026-11-21T00:00:00.000",
    })
}

fn sequence_number(position: usize) -> String {
    format!("1{position:020}")
}

/// The event source's filter (template.yaml): images with something pending, and conflicts.
fn passes(image: &Image) -> bool {
    match image {
        Image::Reservation(reservation) => reservation.pending_bytes != 0,
        Image::Conflict(_) => true,
    }
}

impl World {
    /// Delivers the stream to the publish function until its end, or until a record fails. Returns whether the end was
    /// reached; if not, the next delivery starts at the lowest failed record.
    pub async fn pump_stream(&self) -> bool {
        while !self.stream_is_empty() {
            if !self.pump_batch().await {
                return false;
            }
        }
        true
    }

    /// The publish function dies where the script says. The batch is delivered again later.
    #[track_caller]
    pub fn pump_stream_crashing(&self) {
        assert!(self.pump_batch().now_or_never().is_none(), "it was to crash");
    }

    /// The stream is delivered once more from its beginning.
    pub fn rewind_stream(&self) {
        *self.stream_position.lock().unwrap() = 0;
    }

    pub(crate) fn stream_is_empty(&self) -> bool {
        let position = *self.stream_position.lock().unwrap();
        !self.memory.reservations.stream(position).iter().any(passes)
    }

    async fn pump_batch(&self) -> bool {
        let from = *self.stream_position.lock().unwrap();
        let images = self.memory.reservations.stream(from).into_iter().take(BATCH).enumerate();
        let images: Vec<_> = images.map(|(i, image)| (from + i, image)).collect();
        let end = from + images.len();
        let images: Vec<_> = images.into_iter().filter(|(_, image)| passes(image)).collect();
        let response = publish::handle(&self.stores, stream_event(&images)).await;
        let failed = response.batch_item_failures.iter().map(|failure| failure.item_identifier.clone().unwrap());
        let lowest = failed.map(|number| number[1..].parse::<usize>().unwrap()).min();
        *self.stream_position.lock().unwrap() = lowest.unwrap_or(end);
        lowest.is_none()
    }
}
