//! A replay's state: how far it is, what it has done, how it ended.

use serde::{Deserialize, Serialize};

use super::{Open, Order, Selection, Turn};
use crate::limits::{MAX_REPLAY_OPEN, REPLAY_LISTED_FAILURES, REPLAY_SCAN_PAGE};
use crate::ports::Cursor;
use crate::{BookingCode, EventId, Timestamp, Version};

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It goes on, or waits for a store.
    Running,
    /// Every selected booking was sent or given up.
    Done,
    /// Somebody has stopped it.
    Cancelled,
    /// It can't go on; see [`Replay::failure`].
    Failed,
}

/// What of the selection has not been taken yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// The codes of the list from this position on.
    Codes(usize),
    /// What a scan shows behind this place; all of it if there is none.
    Scan(Option<Cursor>),
    /// Nothing.
    Nothing,
}

/// Where a replay goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Bookings taken from the selection and not ended.
    pub open: Vec<Open>,
    /// What comes after them.
    pub rest: Rest,
}

/// A booking that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedBooking {
    /// Which.
    pub booking_code: BookingCode,
    /// The version that could not be sent; those below it were, as far as they are selected.
    pub version: Version,
    /// Why.
    pub reason: String,
}

/// What was sent lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// So many events
    pub events: u64,
    /// in so much time.
    pub milliseconds: u64,
}

/// What a replay has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bookings sent to their end, or given up.
    pub bookings_done: u64,
    /// How many there are, about; exactly once the replay is done. `None` if nobody could tell.
    pub bookings_total: Option<u64>,
    /// Events the bus has taken; what a crash made it take twice is counted once.
    pub events_sent: u64,
    /// Bookings given up.
    pub errors: u64,
    /// The first of them.
    pub failed: Vec<FailedBooking>,
    /// Since the checkpoint before the last one.
    pub window: Window,
}

/// Why a replay makes no progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Since when.
    pub since: Timestamp,
    /// What fails.
    pub reason: String,
}

/// A replay as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// What was ordered.
    pub order: Order,
    /// Whether it goes on.
    pub status: Status,
    /// Where.
    pub place: Place,
    /// What it has done.
    pub progress: Progress,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// Why it has failed.
    pub failure: Option<String>,
    /// The turn that works on it; messages of earlier ones have had theirs.
    pub turn: u64,
    /// How often it was saved: the condition of the next save.
    pub revision: u64,
    /// Who saved it: an id made for each run of a worker and each request, by which a save that got no answer is told from
    /// somebody else's.
    pub written_by: EventId,
    /// When it was ordered.
    pub started_at: Timestamp,
    /// When it was saved.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl Replay {
    /// A replay nobody has worked on.
    pub fn ordered(order: Order, bookings_total: Option<u64>, by: EventId, now: Timestamp) -> Self {
        let rest = match &order.selection {
            Selection::BookingCodes(_) => Rest::Codes(0),
            Selection::Accepted { .. } | Selection::All => Rest::Scan(None),
        };
        Self {
            order,
            status: Status::Running,
            place: Place { open: Vec::new(), rest },
            progress: Progress { bookings_total, ..Progress::default() },
            waiting: None,
            failure: None,
            turn: 0,
            revision: 0,
            written_by: by,
            started_at: now,
            updated_at: now,
            finished_at: None,
        }
    }

    /// The message of its turn.
    pub fn turn(&self) -> Turn {
        Turn { replay_id: self.order.replay_id, turn: self.turn }
    }

    /// Ends it.
    pub(super) fn end(&mut self, status: Status, now: Timestamp) {
        self.status = status;
        self.finished_at = Some(now);
        self.waiting = None;
    }

    /// Events a second, with one decimal: lately while it runs, on the whole once it has ended.
    pub fn rate(&self) -> f64 {
        let whole = self.finished_at.map(|end| Window {
            events: self.progress.events_sent,
            milliseconds: u64::try_from(end.unix_milliseconds() - self.started_at.unix_milliseconds()).unwrap_or(0),
        });
        let Window { events, milliseconds } = whole.unwrap_or(self.progress.window);
        // Tenths first, so that the text has no more digits than are meant.
        let tenths = events.saturating_mul(10_000).checked_div(milliseconds).unwrap_or(0);
        f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
    }

    /// Whether the parts agree; every decoder asks.
    pub fn is_sound(&self) -> bool {
        let rest = match (&self.order.selection, &self.place.rest) {
            (Selection::BookingCodes(codes), Rest::Codes(next)) => *next <= codes.len(),
            (Selection::Accepted { .. } | Selection::All, Rest::Scan(_)) | (_, Rest::Nothing) => true,
            (Selection::BookingCodes(_), Rest::Scan(_))
            | (Selection::Accepted { .. } | Selection::All, Rest::Codes(_)) => false,
        };
        let ended = self.status != Status::Running;
        rest && ended == self.finished_at.is_some()
            && self.place.open.len() <= MAX_REPLAY_OPEN + REPLAY_SCAN_PAGE
            && self.place.open.iter().all(|open| open.next >= Version::FIRST)
            && self.progress.failed.len() as u64 <= self.progress.errors
            && self.progress.errors <= self.progress.bookings_done
            && (self.status != Status::Done || self.place.is_empty())
    }
}

impl Place {
    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.rest == Rest::Nothing
    }
}

impl Progress {
    /// Counts a booking that was given up, and lists it while there is room.
    pub(super) fn give_up(&mut self, failed: FailedBooking) {
        self.bookings_done += 1;
        self.errors += 1;
        if self.failed.len() < REPLAY_LISTED_FAILURES {
            self.failed.push(failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replays::{Consumer, ReplayId};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_unix_milliseconds(milliseconds).unwrap()
    }

    fn ordered(selection: Selection) -> Replay {
        let by = EventId::from_bytes([1; 16]);
        let consumer = Consumer::parse("c").unwrap();
        let order = Order { replay_id: ReplayId::from(by), consumer, selection, rate_per_s: 1 };
        Replay::ordered(order, None, by, at(1_000))
    }

    #[test]
    fn the_rate_is_of_late_and_then_of_the_whole() {
        let mut replay = ordered(Selection::All);
        assert_eq!(replay.rate(), 0.0);
        replay.progress.events_sent = 300;
        replay.progress.window = Window { events: 100, milliseconds: 1_070 };
        assert_eq!(replay.rate(), 93.4);
        replay.end(Status::Done, at(4_000));
        assert_eq!(replay.rate(), 100.0);
    }

    #[test]
    fn unsound_replays() {
        let code = || BookingCode::parse("A").unwrap();
        let sound = ordered(Selection::BookingCodes(vec![code()]));
        assert!(sound.is_sound());
        let with = |change: fn(&mut Replay)| {
            let mut replay = sound.clone();
            change(&mut replay);
            replay
        };
        assert!(with(|r| r.place.rest = Rest::Codes(1)).is_sound());
        assert!(!with(|r| r.place.rest = Rest::Codes(2)).is_sound());
        assert!(!with(|r| r.place.rest = Rest::Scan(None)).is_sound());
        assert!(!with(|r| r.status = Status::Done).is_sound(), "no end");
        assert!(!with(|r| r.finished_at = Some(r.started_at)).is_sound(), "an end of what runs");
        assert!(!with(|r| (r.status, r.finished_at) = (Status::Done, Some(r.started_at))).is_sound(), "codes are left");
        assert!(!with(|r| r.progress.errors = 1).is_sound(), "more errors than bookings");
        assert!(!ordered(Selection::All).place.is_empty());
        let listed = |r: &mut Replay| r.place.open = vec![Open { next: Version::NONE, ..Open::named(code_of(r)) }];
        assert!(!with(listed).is_sound());
    }

    fn code_of(replay: &Replay) -> BookingCode {
        let Selection::BookingCodes(codes) = &replay.order.selection else { panic!() };
        codes[0].clone()
    }
}
