//! What is committed to a partition at once: runs of versions of bookings, at consecutive positions.
//!
//! A run as text is `code@version`, or `code@version+more` for the version and as many after it; a space stands between
//! two. Neither sign can be part of a booking code.

use crate::feed::Position;
use crate::limits::FEED_BATCH_RUNS;
use crate::{BookingCode, Version};

/// Consecutive versions of one booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The booking.
    pub booking_code: BookingCode,
    /// The first version.
    pub first: Version,
    /// The last version, not before the first.
    pub last: Version,
}

impl Run {
    /// How many events they are.
    pub fn count(&self) -> u64 {
        self.last.get() - self.first.get() + 1
    }

    fn parse(text: &str) -> Option<Self> {
        let (code, versions) = text.split_once('@')?;
        let (first, more) = versions.split_once('+').unwrap_or((versions, "0"));
        let (first, more) = (first.parse::<u64>().ok()?, more.parse::<u64>().ok()?);
        let (first, last) = (Version::new(first), Version::new(first.checked_add(more)?));
        (first >= Version::FIRST).then_some(Self { booking_code: BookingCode::parse(code).ok()?, first, last })
    }

    fn text(&self) -> String {
        match self.count() - 1 {
            0 => format!("{}@{}", self.booking_code, self.first),
            more => format!("{}@{}+{more}", self.booking_code, self.first),
        }
    }
}

/// Consecutive positions of a partition, committed together. Also a partition's tip: its last batch, empty in a
/// partition without events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    first: Position,
    runs: Vec<Run>,
}

/// A text that is no list of runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no runs of versions: {0:?}")]
pub struct InvalidRuns(pub String);

impl Batch {
    /// The tip of a partition without events.
    pub const fn none() -> Self {
        Self { first: Position::new(1), runs: Vec::new() }
    }

    /// `runs` from position `first` on; none if there is nothing in them, or more than a batch may have.
    pub fn new(first: Position, runs: Vec<Run>) -> Option<Self> {
        let fits = first > Position::START && !runs.is_empty() && runs.len() <= FEED_BATCH_RUNS;
        fits.then_some(Self { first, runs })
    }

    /// The batch of `runs` as [`Batch::text`] writes them.
    ///
    /// # Errors
    /// They are not what it writes.
    pub fn parse(first: Position, text: &str) -> Result<Self, InvalidRuns> {
        let runs: Option<Vec<_>> = text.split(' ').map(Run::parse).collect();
        let batch = runs.and_then(|runs| Self::new(first, runs)).filter(|batch| batch.text() == text);
        batch.ok_or_else(|| InvalidRuns(text.to_owned()))
    }

    /// The runs as text.
    pub fn text(&self) -> String {
        self.runs.iter().map(Run::text).collect::<Vec<_>>().join(" ")
    }

    /// The position of its first event.
    pub const fn first(&self) -> Position {
        self.first
    }

    /// The position of its last event; before the first if there is none.
    pub fn last(&self) -> Position {
        self.next().previous()
    }

    /// The position behind its last event: where the next batch begins.
    pub fn next(&self) -> Position {
        self.first.plus(self.len())
    }

    /// How many events it has.
    pub fn len(&self) -> u64 {
        self.runs.iter().map(Run::count).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The runs in order.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The last version of a booking in it.
    pub fn last_of(&self, booking_code: &BookingCode) -> Option<Version> {
        self.runs.iter().rev().find(|run| run.booking_code == *booking_code).map(|run| run.last)
    }

    /// Every position after `after` with the version it stands for, in order.
    pub fn entries(&self, after: Position) -> impl Iterator<Item = (Position, &BookingCode, Version)> {
        let mut first = self.first;
        let placed = self.runs.iter().map(move |run| {
            let at = first;
            first = first.plus(run.count());
            (at, run)
        });
        placed.flat_map(move |(at, run)| {
            let skipped = after.next().count_since(at).min(run.count());
            (skipped..run.count()).map(move |i| (at.plus(i), &run.booking_code, Version::new(run.first.get() + i)))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    fn runs() -> impl Strategy<Value = Vec<Run>> {
        let run = (arbitrary::booking_code(), 1..1_000_000_u64, 0..20_u64).prop_map(|(booking_code, first, more)| {
            Run { booking_code, first: Version::new(first), last: Version::new(first + more) }
        });
        prop::collection::vec(run, 1..=FEED_BATCH_RUNS)
    }

    proptest! {
        #[test]
        fn a_batch_is_read_as_it_was_written(first in 1..1_000_000_000_u64, runs in runs()) {
            let batch = Batch::new(Position::new(first), runs).unwrap();
            prop_assert_eq!(Batch::parse(batch.first(), &batch.text()).unwrap(), batch);
        }

        #[test]
        fn no_other_text_is_a_batch(text in "[a1@+ .]{0,12}") {
            if let Ok(batch) = Batch::parse(Position::new(1), &text) {
                prop_assert_eq!(batch.text(), text.as_str());
            }
        }

        #[test]
        fn its_entries_are_consecutive(first in 1..100_u64, runs in runs(), after in 0..200_u64) {
            let batch = Batch::new(Position::new(first), runs).unwrap();
            let all: Vec<_> = batch.entries(Position::START).collect();
            let positions: Vec<_> = all.iter().map(|(position, ..)| position.get()).collect();
            prop_assert_eq!(positions, (first..batch.next().get()).collect::<Vec<_>>());
            let rest: Vec<_> = all.into_iter().filter(|(position, ..)| position.get() > after).collect();
            prop_assert_eq!(batch.entries(Position::new(after)).collect::<Vec<_>>(), rest);
        }
    }

    #[test]
    fn what_is_no_batch() {
        let first = Position::new(1);
        for bad in ["", " ", "A", "A@", "A@0", "A@1+0", "A@01", "A@1  B@1", "A@1 ", "A@1+", "A@+1", "a b@1", "A@-1"] {
            assert!(Batch::parse(first, bad).is_err(), "{bad:?}");
        }
        let endless = format!("A@{0}+{0}", u64::MAX);
        assert!(Batch::parse(first, &endless).is_err());
        assert!(Batch::parse(Position::START, "A@1").is_err());
        assert_eq!(Batch::parse(first, "A@1 B@2+3").unwrap().len(), 5);
        let too_many = vec!["A@1"; FEED_BATCH_RUNS + 1].join(" ");
        assert!(Batch::parse(first, &too_many).is_err());
    }

    #[test]
    fn the_tip_of_an_empty_partition() {
        let none = Batch::none();
        assert_eq!((none.next(), none.last(), none.len()), (Position::new(1), Position::START, 0));
        assert!(none.is_empty() && none.entries(Position::START).next().is_none());
    }
}
