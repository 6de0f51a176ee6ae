//! The kit for projections. A team implements [`Projection::apply`], which is pure, and if it needs any,
//! [`Reactions::react`]. The kit does the rest: it takes events at least once, in any order, some of them never, and
//! ends with the state that the source's events give.
//!
//! - A position per booking: what is known is skipped; what is missing is fetched from the [`Source`] and applied first.
//! - State and position are one record, written by one conditional write ([`Records`]).
//! - An event that can't be applied parks its booking; others go on. Bounded tries, then a dead letter; [`Projector::resume`].
//! - Reactions run after the state is stored, in order, never in a replay.
//! - A replay's delivery makes its booking again from the source.
//!
//! ```
//! use std::sync::Arc;
//!
//! use booking_store::clock::System;
//! use projection::memory::{MemoryDeadLetters, MemoryRecords, MemorySource};
//! use projection::{Applied, ApplyError, Current, Delivery, Ports, Projection, Projector, RecordedEvent, Settings};
//!
//! /// How often a booking's price changed.
//! struct Changes;
//!
//! impl Projection for Changes {
//!     type State = u64;
//!
//!     fn name(&self) -> &str {
//!         "changes"
//!     }
//!
//!     fn apply(&self, changes: &mut u64, event: &RecordedEvent) -> Result<Applied, ApplyError> {
//!         match event.kind() {
//!             "BookingPriced" => {
//!                 *changes += 1;
//!                 Ok(Applied::Known)
//!             }
//!             _ => Ok(Applied::Unknown),
//!         }
//!     }
//! }
//!
//! # fn event(version: u64) -> RecordedEvent {
//! #     let at = booking_store::Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
//! #     RecordedEvent {
//! #         booking_code: booking_store::BookingCode::parse("LH4711").unwrap(),
//! #         version: booking_store::Version::new(version),
//! #         event_id: booking_store::EventId::from_bytes(u128::from(version).to_be_bytes()),
//! #         event_type: booking_store::EventType::parse("BookingPriced").unwrap(),
//! #         occurred_at: at,
//! #         accepted_at: at,
//! #         data: booking_store::JsonObject::parse("{}").unwrap(),
//! #         metadata: None,
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let source = Arc::new(MemorySource::default());
//! let events = [event(1), event(2), event(3)].map(|event| source.append(event));
//! let ports = Ports {
//!     source,
//!     records: Arc::new(MemoryRecords::default()),
//!     dead_letters: Arc::new(MemoryDeadLetters::default()),
//!     clock: Arc::new(System),
//!     ids: Arc::new(System),
//! };
//! let projector = Projector::new(Changes, ports, Settings::default());
//! // The bus delivers the third event, and the first one late; the second one never.
//! let report = projector.deliver(vec![Delivery::of(events[2].clone())]).await;
//! assert_eq!((report.counts.applied, report.counts.repaired), (3, 2));
//! let report = projector.deliver(vec![Delivery::of(events[0].clone())]).await;
//! assert_eq!(report.counts.duplicates, 1);
//! let Ok(Current::State(changes, _)) = projector.current(&events[0].booking_code).await else { panic!() };
//! assert_eq!(changes, 3);
//! # }
//! ```
//!
//! The decision what to do is pure (`step.rs`); [`Projector`] does it. A message may go only when its event is in the
//! stored state (or the booking has its dead letter), so nothing depends on what a process remembers.

mod advance;
pub mod bus;
mod counts;
mod delivery;
#[cfg(feature = "aws")]
pub mod dynamodb;
mod event;
pub mod feed;
mod fold;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod letter;
pub mod loader;
pub mod memory;
pub mod ports;
mod projection;
mod projector;
mod react;
mod rebuild;
pub mod record;
mod settings;
#[cfg(feature = "aws")]
pub mod sqs;
mod step;
pub mod tables;
mod upcast;
mod work;

pub use counts::{Counts, NAMESPACE};
pub use delivery::{Again, Delivery, Done, Outcome, Report, Why};
pub use event::{InvalidReplayId, RecordedEvent, ReplayId};
pub use ports::{DeadLetters, Ports, Records, Source};
pub use projection::{Applied, ApplyError, Projection, ReactTo, ReactionError, Reactions, UnknownPolicy};
pub use projector::{Current, Projector, Resumed, current};
pub use settings::{Mode, Settings};
pub use upcast::Upcasts;
