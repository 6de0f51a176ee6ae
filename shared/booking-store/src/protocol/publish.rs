//! Publish: what one image of the reservations table's stream leads to (PROTOCOL, "Publish").
//!
//! Does not wait: a booking whose events are not all recorded yet, or whose publication fails, is handed to the queue.
//! One booking's trouble never blocks the others behind it in the stream.

use crate::failure::StoreFailure;
use crate::ports::{BusEvent, Stores};
use crate::protocol::record::recorded_up_to;
use crate::protocol::settle::publish_and_trim;
use crate::queue_message::QueueMessage;
use crate::{Conflict, Image, Reservation};

/// What became of one image.
#[derive(Debug)]
pub enum Published {
    /// Published, and trimmed.
    Settled,
    /// The image holds nothing to publish.
    Nothing,
    /// The queue has it now, because the writer was still at work (no cause) or a store failed.
    HandedOver(Option<StoreFailure>),
    /// Neither published nor queued: the stream must deliver it again.
    Failed(StoreFailure),
}

/// Publishes what `image` shows. Idempotent, at least once.
pub async fn publish(stores: &Stores, image: &Image) -> Published {
    match image {
        Image::Reservation(reservation) => publish_reservation(stores, reservation).await,
        Image::Conflict(conflict) => publish_conflict(stores, conflict).await,
    }
}

async fn publish_reservation(stores: &Stores, reservation: &Reservation) -> Published {
    let Some(order) = QueueMessage::settle(reservation) else { return Published::Nothing };
    match recorded_up_to(stores, reservation).await {
        Ok(recorded) if recorded >= reservation.head => match publish_and_trim(stores, reservation).await {
            Ok(()) => Published::Settled,
            Err(cause) => hand_over(stores, &order, Some(cause)).await,
        },
        Ok(_) => hand_over(stores, &order, None).await,
        Err(cause) => hand_over(stores, &order, Some(cause)).await,
    }
}

async fn publish_conflict(stores: &Stores, conflict: &Conflict) -> Published {
    match stores.bus.publish(BusEvent::Conflict(conflict)).await {
        Ok(()) => Published::Settled,
        Err(cause) => {
            let booking_code = conflict.booking_code.clone();
            let order = QueueMessage::PublishConflict { booking_code, event_id: conflict.event.event_id };
            hand_over(stores, &order, Some(cause)).await
        }
    }
}

async fn hand_over(stores: &Stores, order: &QueueMessage, cause: Option<StoreFailure>) -> Published {
    match stores.queue.send(order).await {
        Ok(()) => Published::HandedOver(cause),
        Err(failure) => Published::Failed(failure),
    }
}
