//! One turn of each process: the shipped protocol, called as the functions call it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use booking_store::failure::StoreFailure;
use booking_store::limits::{DRAIN_FIRST_BACKOFF, DRAIN_LONGEST_BACKOFF};
use booking_store::memory::Received;
use booking_store::ports::Stores;
use booking_store::protocol::append::{self, Append};
use booking_store::protocol::audit::{Report, audit};
use booking_store::protocol::drain::Drained;
use booking_store::protocol::lookup::{self, Located, Summary};
use booking_store::protocol::publish::Published;
use booking_store::protocol::read::{self, Page, Query};
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, EventId, Image, Timestamp};
use futures::future::join_all;

use crate::planted::{self, Bug};
use crate::request::Request;
use crate::wire::Wire;

/// How a turn ended.
pub(crate) enum Ended {
    /// An append.
    Appended(append::Outcome),
    /// A read of a page.
    Read(read::Outcome<Page>),
    /// A look for an event.
    Located(read::Outcome<Located>),
    /// A look at a booking's state.
    Summary(read::Outcome<Summary>),
    /// A batch of the stream: the positions of the images to deliver again.
    Published(Vec<usize>),
    /// A batch of the queue.
    Drained,
    /// An audit.
    Audited(Report),
}

/// A turn on its way.
pub(crate) type Task = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// A client's append.
pub(crate) fn write(stores: Stores, request: Append, deferred_accept: bool, bug: Option<Bug>) -> Task {
    let stores = planted::stores(bug, stores);
    Box::pin(async move { Ended::Appended(planted::append(bug, &stores, request, deferred_accept).await) })
}

/// A client's read.
pub(crate) fn read(stores: Stores, query: Query, bug: Option<Bug>) -> Task {
    Box::pin(async move { Ended::Read(planted::read(bug, &stores, &query).await) })
}

/// A client's look for an event.
pub(crate) fn locate(stores: Stores, code: BookingCode, event_id: EventId) -> Task {
    Box::pin(async move { Ended::Located(lookup::event(&stores, &code, event_id).await) })
}

/// A client's look at a booking's state.
pub(crate) fn summarise(stores: Stores, code: BookingCode) -> Task {
    Box::pin(async move { Ended::Summary(lookup::summary(&stores, &code).await) })
}

/// An invocation of the publish function: of several images of one item only the last is worked on; a failed item is
/// named by its first image.
pub(crate) fn publish_batch(stores: Stores, images: Vec<Image>, bug: Option<Bug>) -> Task {
    let stores = planted::stores(bug, stores);
    Box::pin(async move {
        let items = by_item(images, bug).into_iter().map(|(first, image)| {
            let stores = &stores;
            async move { (first, planted::publish(bug, stores, &image).await) }
        });
        let failed = join_all(items).await.into_iter().filter_map(|(first, published)| match published {
            Published::Failed(_) if !planted::swallows_failures(bug) => Some(first),
            Published::Failed(_) | Published::Settled | Published::Nothing | Published::HandedOver(_) => None,
        });
        Ended::Published(failed.collect())
    })
}

fn by_item(images: Vec<Image>, bug: Option<Bug>) -> Vec<(usize, Image)> {
    let mut items: Vec<(usize, Image)> = Vec::new();
    for (position, image) in images.into_iter().enumerate() {
        match items.iter_mut().find(|(_, known)| item(known) == item(&image)) {
            Some(_) if planted::takes_first_image(bug) => {}
            Some((_, last)) => *last = image,
            None => items.push((position, image)),
        }
    }
    items
}

fn item(image: &Image) -> (&BookingCode, Option<EventId>) {
    match image {
        Image::Reservation(reservation) => (&reservation.booking_code, None),
        Image::Conflict(conflict) => (&conflict.booking_code, Some(conflict.event.event_id)),
    }
}

/// An invocation of the drain function, and its poller's deletion of what it has settled.
pub(crate) fn drain_batch(stores: Stores, wire: Arc<Wire>, messages: Vec<Received>, bug: Option<Bug>) -> Task {
    let stores = planted::stores(bug, stores);
    Box::pin(async move {
        if planted::is_deleted_first(bug) {
            for message in &messages {
                drop(wire.call(Request::Delete(message.receipt.clone())).await);
            }
        }
        let settled = join_all(messages.into_iter().map(|message| drain_message(&stores, message, bug))).await;
        for receipt in settled.into_iter().flatten() {
            // A message that is not deleted is received again.
            drop(wire.call(Request::Delete(receipt)).await);
        }
        Ended::Drained
    })
}

/// The receipt of the message if it may be deleted.
async fn drain_message(stores: &Stores, message: Received, bug: Option<Bug>) -> Option<String> {
    if work(stores, &message, bug).await.is_ok() {
        return Some(message.receipt);
    }
    // Without the back-off the visibility timeout is the pause.
    drop(stores.queue.back_off(&message.receipt, pause(message.receives)).await);
    None
}

async fn work(stores: &Stores, message: &Received, bug: Option<Bug>) -> Result<(), StoreFailure> {
    let reason = match QueueMessage::decode(&message.body) {
        Err(malformed) => malformed.to_string(),
        Ok(order) => match planted::drain(bug, stores, &order).await {
            Drained::Settled | Drained::Conflict => return Ok(()),
            Drained::NotYet(failure) => return Err(failure),
            Drained::Unworkable(reason) => reason,
        },
    };
    stores.queue.dead_letter(message.group.as_str(), &message.receipt, &message.body, &reason).await
}

fn pause(receives: u32) -> Duration {
    DRAIN_FIRST_BACKOFF.saturating_mul(1 << receives.saturating_sub(1).min(16)).min(DRAIN_LONGEST_BACKOFF)
}

/// An invocation of the audit function.
pub(crate) fn audit_all(stores: Stores, deadline: Timestamp) -> Task {
    Box::pin(async move { Ended::Audited(audit(&stores, deadline).await) })
}
