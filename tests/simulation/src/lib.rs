//! Deterministic simulation of the booking event store: the shipped protocol over stores in memory, under faults.
//!
//! One seed is one schedule: who asks for what, which call fails how, who dies when, which answer comes late. Time is
//! virtual, there is one thread, and the same seed gives the same trace. After every write the ledger checks the
//! invariants of `booking_store::protocol`; every answer is checked against what was true while it was made.

mod answers;
mod calls;
mod chance;
mod clients;
mod clock;
mod closing;
pub mod fault;
mod functions;
mod ledger;
pub mod place;
pub mod planted;
mod request;
mod shrink;
mod simulation;
mod trace;
mod turns;
mod wire;
mod worker;
mod workload;

pub use ledger::Violation;
pub use shrink::shrink;
pub use simulation::{Options, Report, run};
pub use trace::Trace;
