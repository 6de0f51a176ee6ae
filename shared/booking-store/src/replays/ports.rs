//! What replays need besides the record and the bus: their own state, their queue, the list of all bookings, and waiting.
//!
//! As in [`crate::ports`], every call proves its answer or says whether it may have had an effect.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Replay, ReplayId, Turn};
use crate::clock::{Clock, Ids};
use crate::failure::StoreFailure;
use crate::ports::{Cursor, EventBus, Events};
use crate::{BookingCode, Timestamp, Version};

/// The answer to storing a new replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// Stored now.
    New,
    /// There is one of this id: as it is.
    Before(Box<Replay>),
}

/// The answer to saving a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Saved; its revision is one higher now.
    Done,
    /// It is at another revision: as it is, if it is there at all.
    Moved(Option<Box<Replay>>),
}

/// The replays' state, one item each.
#[async_trait]
pub trait Replays: Send + Sync {
    /// Stores a new replay unless there is one of its id. Never overwrites. The same again by the same writer is new.
    async fn create(&self, replay: &Replay) -> Result<Created, StoreFailure>;

    /// The replay of this id, strongly consistent.
    async fn get(&self, replay_id: ReplayId) -> Result<Option<Replay>, StoreFailure>;

    /// Saves `replay` if the stored one is at the same revision, which goes up by one. The order does not change. A writer
    /// saves a revision once; what it finds saved there by itself is an attempt of the same save, and done.
    async fn save(&self, replay: &Replay) -> Result<Saved, StoreFailure>;
}

/// The queue of turns, FIFO by replay.
#[async_trait]
pub trait Turns: Send + Sync {
    /// Orders a turn.
    async fn send(&self, turn: &Turn) -> Result<(), StoreFailure>;

    /// Hides the message behind `receipt` for `pause`.
    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure>;
}

/// A booking as the scan shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its code.
    pub booking_code: BookingCode,
    /// Its last accepted version.
    pub head: Version,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// One page of all bookings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookingsPage {
    /// Some bookings; there may be none though more follow.
    pub bookings: Vec<Listed>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// All bookings, by way of their reservations. A booking that is there from the first page to the last is shown once.
#[async_trait]
pub trait Bookings: Send + Sync {
    /// The page behind `after`, of at most `limit` items.
    async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<BookingsPage, StoreFailure>;

    /// About how many there are. May be hours old, and may count conflicts.
    async fn estimate(&self) -> Result<u64, StoreFailure>;
}

/// Waits. A simulation moves its clock instead.
#[async_trait]
pub trait Pauses: Send + Sync {
    /// Returns at `moment`, or at once if that has passed.
    async fn until(&self, moment: Timestamp);
}

/// Everything a replay may touch.
#[derive(Clone)]
pub struct Ports {
    /// Its state.
    pub replays: Arc<dyn Replays>,
    /// Its turns.
    pub turns: Arc<dyn Turns>,
    /// All bookings.
    pub bookings: Arc<dyn Bookings>,
    /// The record.
    pub events: Arc<dyn Events>,
    /// Where events go.
    pub bus: Arc<dyn EventBus>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids of replays and of those who save them.
    pub ids: Arc<dyn Ids>,
    /// Waiting.
    pub pauses: Arc<dyn Pauses>,
}
