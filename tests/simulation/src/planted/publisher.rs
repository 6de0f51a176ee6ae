//! Bugs of the publisher.

use booking_store::ports::{BusEvent, Stores};
use booking_store::protocol::publish::{self, Published};
use booking_store::protocol::settle::publish_and_trim;
use booking_store::queue_message::QueueMessage;
use booking_store::{Image, Reservation};

use super::Bug;

/// The work of a publisher with this bug on one image.
pub(crate) async fn publish(bug: Option<Bug>, stores: &Stores, image: &Image) -> Published {
    match (bug, image) {
        (Some(Bug::PublishUnrecorded), Image::Reservation(reservation)) => {
            settled_or_queued(stores, reservation, publish_and_trim(stores, reservation).await.is_ok()).await
        }
        (Some(Bug::PublishNewestFirst), Image::Reservation(reservation)) => {
            let mut taken = recorded(stores, reservation).await;
            for event in reservation.pending.iter().rev() {
                let entry = BusEvent::Event(&reservation.booking_code, event);
                taken = taken && stores.bus.publish(entry).await.is_ok();
            }
            taken = taken && publish_and_trim(stores, reservation).await.is_ok();
            settled_or_queued(stores, reservation, taken).await
        }
        _ => publish::publish(stores, image).await,
    }
}

async fn recorded(stores: &Stores, reservation: &Reservation) -> bool {
    let highest = stores.events.highest(&reservation.booking_code).await;
    highest.is_ok_and(|highest| highest.is_some_and(|(version, _)| version >= reservation.head))
}

async fn settled_or_queued(stores: &Stores, reservation: &Reservation, settled: bool) -> Published {
    let Some(order) = QueueMessage::settle(reservation).filter(|_| !settled) else { return Published::Settled };
    match stores.queue.send(&order).await {
        Ok(()) => Published::HandedOver(None),
        Err(failure) => Published::Failed(failure),
    }
}

/// Whether it works on the first of several images.
pub(crate) fn takes_first_image(bug: Option<Bug>) -> bool {
    bug == Some(Bug::FirstImageOfBatch)
}

/// Whether it tells the stream that all is well.
pub(crate) fn swallows_failures(bug: Option<Bug>) -> bool {
    bug == Some(Bug::StreamFailureSwallowed)
}
