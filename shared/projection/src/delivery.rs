//! What comes in, and what became of it.

use std::fmt;
use std::time::Duration;

use booking_store::Timestamp;

use crate::counts::Counts;
use crate::event::{RecordedEvent, ReplayId};

/// One event as some channel delivered it: at least once, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub event: RecordedEvent,
    /// The replay that sent it, if one did.
    pub replay: Option<ReplayId>,
    /// How often this very message was received, this time included (≥ 1). The longer it fails, the longer the pause.
    pub receives: u32,
}

impl Delivery {
    /// `event`, delivered for the first time by the bus or the feed.
    pub fn of(event: RecordedEvent) -> Self {
        Self { event, replay: None, receives: 1 }
    }

    /// `event`, sent by a replay.
    pub fn replayed(event: RecordedEvent, replay: ReplayId) -> Self {
        Self { event, replay: Some(replay), receives: 1 }
    }
}

/// What became of one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The message may go.
    Done(Done),
    /// The message must come again.
    Again(Again),
}

/// Why a message may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The event is in the stored state by this call, and its reaction, if one was owed, is done.
    Applied,
    /// It was before.
    Duplicate,
    /// The booking was rebuilt for this replay.
    Rebuilt,
    /// The booking is behind a dead letter; the source keeps the event until somebody resumes.
    Behind,
}

/// A message that must come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// Not before this much time has passed.
    pub after: Duration,
    /// Why.
    pub why: Why,
}

/// Why a delivery can't be finished now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its booking is parked at some event; the next try is due then.
    Parked(Timestamp),
    /// Another worker runs the booking's reaction, or died in it; its lease ends then.
    Leased(Timestamp),
    /// Newer code has written the booking's state.
    NewerState(u32),
    /// A store or the source failed; its words.
    Failed(String),
    /// The source does not show yet what was delivered; its words.
    NotShown(String),
    /// Others kept writing the booking's record in between.
    Raced,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parked(until) => write!(f, "parked until {until}"),
            Self::Leased(until) => write!(f, "its reaction is leased until {until}"),
            Self::NewerState(version) => write!(f, "its state is of version {version}, made by newer code"),
            Self::Failed(words) | Self::NotShown(words) => f.write_str(words),
            Self::Raced => f.write_str("others kept writing its record"),
        }
    }
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// One for each delivery, in the order of the batch.
    pub outcomes: Vec<Outcome>,
    /// What was done, counted.
    pub counts: Counts,
}
