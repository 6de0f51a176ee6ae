//! What is stored of a booking by a projection: one record, written by one conditional write, so that state and
//! position can't part.

use booking_store::{BookingCode, EventId, Timestamp, Version};
use serde::{Deserialize, Serialize};

use crate::event::ReplayId;

/// How many replays a record remembers: that many can run side by side without making each other's work again.
pub const REMEMBERED_REPLAYS: usize = 8;

/// A booking's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose.
    pub booking_code: BookingCode,
    /// The version of the last event in the state. Never goes back.
    pub position: Version,
    /// The state as JSON.
    pub state: String,
    /// The [`state_version`](crate::Projection::state_version) of the code that made the state.
    pub state_version: u32,
    /// Counts the writes; the condition of the next one.
    pub revision: u64,
    /// The last replays that rebuilt it, newest last.
    #[serde(default)]
    pub replays: Vec<ReplayId>,
    /// Reactions up to this version are done or were never owed. At most `position`.
    pub reacted: Version,
    /// The reaction being run, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Outstanding>,
    /// Why the booking goes no further, if it doesn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<Parked>,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// A reaction that was begun and is not known to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outstanding {
    /// The event's version.
    pub version: Version,
    /// The event's id.
    pub event_id: EventId,
    /// Who runs it: made anew for each run, so that nobody takes another's run for its own.
    pub holder: EventId,
    /// Until then nobody else begins it.
    pub leased_until: Timestamp,
}

/// What did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// `apply` refused the event (or an upcast did, or the state is too large to store).
    Apply,
    /// The type is unknown, and the policy is to park.
    Unknown,
    /// The reaction failed.
    React,
    /// `apply` refuses an event that is in the stored state already, so the state can't be made again.
    Rebuild,
}

/// A booking that goes no further, until a try succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// What failed.
    pub stage: Stage,
    /// At which version.
    pub version: Version,
    /// At which event.
    pub event_id: EventId,
    /// Why, the last time.
    pub reason: String,
    /// How many tries failed.
    pub attempts: u32,
    /// When the first one did.
    pub since: Timestamp,
    /// When the next one may be made.
    pub retry_at: Timestamp,
    /// No more tries but on demand: a dead letter says so.
    pub dead_lettered: bool,
    /// The replay that asked for the rebuild that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayId>,
}

impl Record {
    /// Of a booking nothing is stored of.
    pub fn new(booking_code: BookingCode, state: String, state_version: u32, now: Timestamp) -> Self {
        Self {
            booking_code,
            position: Version::NONE,
            state,
            state_version,
            revision: 0,
            replays: Vec::new(),
            reacted: Version::NONE,
            reaction: None,
            parked: None,
            updated_at: now,
        }
    }

    /// Whether it keeps the invariants every writer keeps.
    pub fn is_sound(&self) -> bool {
        self.revision > 0 && self.reacted <= self.position && self.replays.len() <= REMEMBERED_REPLAYS
    }

    pub(crate) fn remember(&mut self, replay: &ReplayId) {
        self.replays.retain(|known| known != replay);
        self.replays.push(replay.clone());
        let surplus = self.replays.len().saturating_sub(REMEMBERED_REPLAYS);
        self.replays.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_replay_is_forgotten_first() {
        let now = Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
        let mut record = Record::new(BookingCode::parse("X").unwrap(), "{}".to_owned(), 1, now);
        let id = |n: usize| ReplayId::parse(&format!("r{n}")).unwrap();
        (0..=REMEMBERED_REPLAYS).for_each(|n| record.remember(&id(n)));
        record.remember(&id(1));
        assert_eq!(record.replays.len(), REMEMBERED_REPLAYS);
        assert!(!record.replays.contains(&id(0)));
        assert_eq!(record.replays.last(), Some(&id(1)));
    }
}
