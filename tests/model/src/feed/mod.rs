//! Ingestion of the feed as a small model, explored exhaustively: one partition, two bookings, indexers that are given any
//! images in any order and more than once, a reader; and at every call, as long as the budget of faults lasts: it fails,
//! it acts and its answer is lost, it acts late, its process dies before or after.
//!
//! What the model leaves out is in the seeded schedules of the shipped code: batches that are cut off, events of more
//! bookings, pages of a reader.

mod bug;
mod indexer;
mod properties;
mod state;
mod steps;

use stateright::{Checker, Expectation, HasDiscoveries, Model};

pub use bug::Bug;
pub use indexer::{Images, Indexer};
pub use state::{Batch, Broken, Call, Reader, Seen, State};
pub use steps::{Action, End, Process};

use crate::exploration::Exploration;

/// The size of the model.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Versions that each booking will have.
    pub versions: [u8; 2],
    /// Indexers.
    pub indexers: usize,
    /// Reads.
    pub reads: u8,
    /// Faults.
    pub faults: u8,
    /// The bug that is planted.
    pub bug: Option<Bug>,
}

impl Feed {
    /// Two indexers, with one fault.
    pub fn racing() -> Self {
        Self { versions: [2, 1], indexers: 2, reads: 0, faults: 1, bug: None }
    }

    /// One indexer and a reader, with one fault.
    pub fn reading() -> Self {
        Self { indexers: 1, reads: 1, ..Self::racing() }
    }

    /// One indexer with two faults and more events.
    pub fn failing() -> Self {
        Self { versions: [2, 2], indexers: 1, faults: 2, ..Self::racing() }
    }

    /// All sizes that CI explores.
    pub fn sizes() -> [Self; 3] {
        [Self::reading(), Self::failing(), Self::racing()]
    }

    /// The same with a bug.
    #[must_use]
    pub fn with(self, bug: Bug) -> Self {
        Self { bug: Some(bug), ..self }
    }

    /// Explores every state, the shortest histories first; with a bug planted, only until a property is broken.
    pub fn explore(self, threads: usize) -> Exploration<Action> {
        let until = if self.bug.is_some() { HasDiscoveries::AnyFailures } else { HasDiscoveries::All };
        let search = self.checker().threads(threads).finish_when(until).spawn_bfs().join();
        let discoveries = search.discoveries();
        let (mut broken, mut unreached) = (Vec::new(), Vec::new());
        for property in search.model().properties() {
            match (property.expectation, discoveries.get(property.name)) {
                (Expectation::Always | Expectation::Eventually, Some(path)) => {
                    broken.push((property.name, path.clone().into_actions()));
                }
                (Expectation::Sometimes, None) => unreached.push(property.name),
                (Expectation::Always | Expectation::Eventually, None) | (Expectation::Sometimes, Some(_)) => {}
            }
        }
        Exploration { states: search.unique_state_count(), depth: search.max_depth(), broken, unreached }
    }
}
