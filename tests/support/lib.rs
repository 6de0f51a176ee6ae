//! What the test binaries share: a [`World`] of in-memory stores, scripted faults, a manual clock, the five functions
//! driven with genuine Lambda payloads, and the protocol's six invariants as checks.
//!
//! It holds no test. Everything is deterministic: time moves by hand, ids are counted, and a fault strikes the call it
//! was written for.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test support: whatever fails here fails the test")]

mod answer;
pub mod convergence;
pub mod fault_proxy;
mod faults;
mod faulty;
mod invariants;
mod queue;
mod samples;
mod stream;
mod target_directory;
mod time;
pub mod torture;
mod world;

pub use answer::Answer;
pub use booking_store::around::Call;
pub use faults::{Fault, Faults};
pub use queue::{Delivered, sqs_event};
pub use samples::{Draft, body, code, draft, event_id};
pub use stream::stream_event;
pub use target_directory::target_directory;
pub use time::{CountedIds, ManualClock, START};
pub use world::World;
