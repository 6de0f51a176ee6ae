//! The engines, each behind the same ports. Every case gets stores of its own with nothing in them.

mod embedded;
mod memory;
mod ministack;
mod sdk;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::feed::FeedLog;
use booking_store::ports::{Events, FallbackQueue, Reservations};
use booking_store::replays::{Bookings, Replays};

pub(crate) use embedded::embedded;
pub(crate) use memory::memory;
pub(crate) use ministack::{ministack, turns};

/// How long a received message is hidden.
pub(crate) const VISIBILITY: Duration = Duration::from_secs(4);
/// Receives after which the next one moves a message to the dead-letter queue.
pub(crate) const MAX_RECEIVES: u32 = 3;

/// Stores with nothing in them.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) reservations: Arc<dyn Reservations>,
    pub(crate) events: Arc<dyn Events>,
    pub(crate) feed: Arc<dyn FeedLog>,
    pub(crate) replays: Arc<dyn Replays>,
    pub(crate) bookings: Arc<dyn Bookings>,
    pub(crate) queue: Arc<dyn FallbackQueue>,
    pub(crate) inbox: Arc<dyn Inbox>,
    /// What must live as long as the stores.
    _held: Box<dyn Any + Send + Sync>,
}

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) receipt: String,
    pub(crate) group: String,
    pub(crate) body: String,
    pub(crate) receives: u32,
}

/// A message in the dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) body: String,
    pub(crate) reason: Option<String>,
}

/// The receiving side of the queue: on AWS that is Lambda's, so the port has none.
#[async_trait]
pub(crate) trait Inbox: Send + Sync {
    /// Up to `most` messages, hidden for [`VISIBILITY`].
    async fn receive(&self, most: usize) -> Vec<Received>;
    /// Deletes the message behind `receipt`, if that is still good.
    async fn delete(&self, receipt: &str);
    /// What the dead-letter queue holds; may be asked once.
    async fn dead_letters(&self) -> Vec<Letter>;
    /// Lets time pass, real or not.
    async fn pass(&self, time: Duration);
}
