//! The protocol as a small model, explored exhaustively: one booking code, a few writers, drainers, a publisher, a reader;
//! every order of store calls, and at every call, as long as the budget of faults lasts: it fails, it acts and its answer
//! is lost, it acts late, its process dies before or after.
//!
//! A process's own computation is no step of its own: nobody can see it. A step is one store call with its answer.
//!
//! Against PROTOCOL.md it is refined where the code is: an append "at the end" is one blind conditional update that is
//! refused if the event id is among the recent ones, and settle orders in the queue carry no event.
//!
//! What the model leaves out is in the simulation: batches, several codes, expected versions, paging, payloads, the
//! deduplication window, the dead-letter queue and the audit.

mod bug;
mod drainer;
mod exploration;
pub mod feed;
mod properties;
mod publisher;
mod reader;
mod state;
mod steps;
mod stores;
mod writer;

pub use bug::Bug;
pub use exploration::{Exploration, First};
pub use state::State;
pub use steps::{Action, End, Process};

/// What a writer expects of the booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It creates the booking.
    New,
    /// It appends at the end.
    Any,
}

/// The size of the model.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// One writer each, with one event.
    pub expectations: Vec<Expectation>,
    /// How often a client may repeat its request.
    pub retries: u8,
    /// Drainers.
    pub drainers: usize,
    /// Reads.
    pub reads: u8,
    /// Faults.
    pub faults: u8,
    /// The bug that is planted.
    pub bug: Option<Bug>,
}

impl Protocol {
    /// Two claimants of one code and a third who appends, with one fault.
    pub fn claims() -> Self {
        let expectations = vec![Expectation::New, Expectation::New, Expectation::Any];
        Self { expectations, retries: 0, drainers: 1, reads: 1, faults: 1, bug: None }
    }

    /// A claimant and one who appends, who may repeat a request, with one fault.
    pub fn retries() -> Self {
        let expectations = vec![Expectation::New, Expectation::Any];
        Self { expectations, retries: 1, drainers: 1, reads: 1, faults: 1, bug: None }
    }

    /// The same with a bug.
    #[must_use]
    pub fn with(self, bug: Bug) -> Self {
        Self { bug: Some(bug), ..self }
    }
}
