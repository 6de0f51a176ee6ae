//! What the kit needs of the world: narrow, asynchronous, each call bounded in time by its adapter.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::clock::{Clock, Ids};
use booking_store::failure::StoreFailure;
use booking_store::{BookingCode, Version};
use serde::{Deserialize, Serialize};

use crate::event::RecordedEvent;
use crate::record::Record;

/// One page of a booking's events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcePage {
    /// In order of version, without gaps, from the version asked for. Empty: the booking has none from there on.
    pub events: Vec<RecordedEvent>,
    /// Where the next page begins; `None`: this is the end.
    pub next: Option<Version>,
}

/// Why the source gave no page.
#[derive(Debug, thiserror::Error)]
pub enum SourceFailure {
    /// It can't tell now.
    #[error("the source can't tell now: {0}")]
    Unavailable(Box<dyn Error + Send + Sync>),
    /// It does not show a version that exists, so what it shows is no proof of anything above.
    #[error("the source ends at version {head}; version {known} exists")]
    Behind {
        /// What was delivered.
        known: Version,
        /// Where the source ends.
        head: Version,
    },
    /// What it says contradicts itself.
    #[error("the source contradicts itself: {0}")]
    Corrupt(String),
}

/// The source of truth: everything accepted of a booking.
#[async_trait]
pub trait Source: Send + Sync {
    /// The page from version `from` on. The caller knows version `known` to exist (0: none): a source that can prove
    /// its answer only with it may use it; one that does not reach it answers what it has, and the kit tries later.
    async fn page(
        &self,
        booking_code: &BookingCode,
        from: Version,
        known: Version,
    ) -> Result<SourcePage, SourceFailure>;
}

/// The answer to saving a [`Record`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Stored.
    Done,
    /// The stored revision is another one: the record as it is.
    Moved(Option<Box<Record>>),
}

/// A projection's records, one a booking.
#[async_trait]
pub trait Records: Send + Sync {
    /// The booking's record, read strongly consistent.
    async fn load(&self, booking_code: &BookingCode) -> Result<Option<Record>, StoreFailure>;

    /// Stores `record` in one conditional write, if the stored revision is the one before its own (none, if its own is
    /// 1).
    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure>;
}

/// Something no retry helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Whose event, if that much is known.
    pub booking_code: Option<BookingCode>,
    /// The message as it came, or the order to try again (see [`crate::letter`]).
    pub body: String,
    /// Why.
    pub reason: String,
}

/// Where dead letters go.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Keeps `letter`. At least once: after an unknown outcome it is kept again.
    async fn put(&self, letter: &Letter) -> Result<(), StoreFailure>;
}

/// Everything the engine may touch.
#[derive(Clone)]
pub struct Ports {
    /// The truth.
    pub source: Arc<dyn Source>,
    /// The projection's own records.
    pub records: Arc<dyn Records>,
    /// Where dead letters go.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Names for runs of reactions.
    pub ids: Arc<dyn Ids>,
}

/// A queue whose messages the kit was given, as far as the kit must reach it.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Hides the message behind `receipt` for `pause`.
    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure>;
}

/// A state that can be begun from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Whose.
    pub booking_code: BookingCode,
    /// The [`state_version`](crate::Projection::state_version) of the code that made it.
    pub state_version: u32,
    /// The version of the last event in it.
    pub version: Version,
    /// The state as JSON.
    pub state: String,
}

/// A projection's snapshots.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// The newest one of this state version with a version of at most `at_most`.
    async fn latest(
        &self,
        booking_code: &BookingCode,
        state_version: u32,
        at_most: Version,
    ) -> Result<Option<Snapshot>, StoreFailure>;

    /// Keeps `snapshot`. The same events make the same one, so that who is last does not matter.
    async fn put(&self, snapshot: &Snapshot) -> Result<(), StoreFailure>;
}

/// One page of a feed's partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// In the feed's order.
    pub events: Vec<RecordedEvent>,
    /// The position to ask after next; that of the last event, or the one asked after.
    pub next: u64,
    /// Whether this is the end, for now.
    pub end: bool,
}

/// The feed: every booking's events, each once, in partitions whose positions never go back.
#[async_trait]
pub trait Feed: Send + Sync {
    /// How many partitions there are: 0 to this, exclusive.
    async fn partitions(&self) -> Result<u32, SourceFailure>;

    /// Up to `limit` events of `partition` after position `after` (0: from the beginning).
    async fn page(&self, partition: u32, after: u64, limit: usize) -> Result<FeedPage, SourceFailure>;
}

/// How far a projection has come in a partition of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Which partition.
    pub partition: u32,
    /// Everything up to here is in the records, or waits in `waiting`.
    pub position: u64,
    /// Bookings with events at or below `position` that are not in their record yet.
    #[serde(default)]
    pub waiting: Vec<BookingCode>,
    /// Counts the writes; the condition of the next one.
    pub revision: u64,
}

/// A projection's checkpoints, one a partition.
#[async_trait]
pub trait Checkpoints: Send + Sync {
    /// The checkpoint of `partition`, read strongly consistent.
    async fn load(&self, partition: u32) -> Result<Option<Checkpoint>, StoreFailure>;

    /// Stores `checkpoint` if the stored revision is the one before its own (none, if its own is 1). `false`: it is
    /// not, and nothing was stored. Stored before by this very call: `true`.
    async fn save(&self, checkpoint: &Checkpoint) -> Result<bool, StoreFailure>;
}
