//! Bugs on purpose, in wrappers of the ports and of the queue. A run that finds none of them proves nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use booking_store::failure::StoreFailure;
use booking_store::{BookingCode, Version};
use projection::ports::{Records, Saved, Source, SourceFailure, SourcePage};
use projection::record::Record;

use crate::random::Plan;
use crate::random_runs::{BAD_DAY, run};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    /// The last writer wins.
    AnyWriteCounts,
    /// The position is stored, the state is not.
    PositionWithoutState,
    /// The state is stored, the position is not.
    StateWithoutPosition,
    /// That a reaction was begun is forgotten.
    RunsAreForgotten,
    /// That a reaction is done is forgotten.
    DoneReactionsAreForgotten,
    /// The source ends an event too early and does not say so.
    TheSourceStopsShort,
    /// The source leaves an event out and counts on as if nothing were.
    TheSourceSkips,
    /// A message that must come again does not.
    EverythingIsAcknowledged,
}

const ALL: [Planted; 8] = [
    Planted::AnyWriteCounts,
    Planted::PositionWithoutState,
    Planted::StateWithoutPosition,
    Planted::RunsAreForgotten,
    Planted::DoneReactionsAreForgotten,
    Planted::TheSourceStopsShort,
    Planted::TheSourceSkips,
    Planted::EverythingIsAcknowledged,
];

/// A port with the bug in it.
pub(crate) struct Bent<T> {
    pub(crate) port: Arc<T>,
    pub(crate) planted: Option<Planted>,
}

#[async_trait]
impl<T: Records> Records for Bent<T> {
    async fn load(&self, booking_code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        self.port.load(booking_code).await
    }

    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        let before = self.port.load(&record.booking_code).await?;
        let mut bent = record.clone();
        match (self.planted, before) {
            (Some(Planted::AnyWriteCounts), before) => {
                bent.revision = before.map_or(0, |before| before.revision) + 1;
            }
            (Some(Planted::PositionWithoutState), Some(before)) => bent.state = before.state,
            (Some(Planted::StateWithoutPosition), Some(before)) => bent.position = before.position,
            (Some(Planted::RunsAreForgotten), _) => bent.reaction = None,
            (Some(Planted::DoneReactionsAreForgotten), Some(before)) => bent.reacted = before.reacted,
            (_, _) => {}
        }
        self.port.save(&bent).await
    }
}

#[async_trait]
impl<T: Source> Source for Bent<T> {
    async fn page(&self, code: &BookingCode, from: Version, known: Version) -> Result<SourcePage, SourceFailure> {
        let mut page = self.port.page(code, from, known).await?;
        match self.planted {
            Some(Planted::TheSourceStopsShort) if page.next.is_none() => {
                page.events.pop();
            }
            Some(Planted::TheSourceSkips) if page.events.len() > 2 => {
                page.events.remove(1);
                page.events.iter_mut().zip(0..).for_each(|(event, i)| event.version = from.plus(i));
                page.next = page.next.map(Version::previous);
            }
            _ => {}
        }
        Ok(page)
    }
}

/// Seeds that every bug must be found in.
const SEEDS: u64 = 60;

/// By a check that fails, or by messages that come back for ever.
fn found(planted: Planted) -> bool {
    let plan = Plan { planted: Some(planted), bookings: 2, replays: 4, ..BAD_DAY };
    (0..SEEDS).any(|seed| catch_unwind(AssertUnwindSafe(|| run(Plan { seed, ..plan }))).is_err())
}

#[test]
fn every_planted_bug_is_found() {
    let missed: Vec<_> = ALL.into_iter().filter(|planted| !found(*planted)).collect();
    assert_eq!(missed, [], "not found in {SEEDS} seeds");
}
