//! The feed: every accepted event of all bookings, each exactly once, for consumers that pull.
//!
//! A log of references for each [`Partition`], built from the reservations table's stream and from nothing else
//! ([decision 11](../../../../docs/decisions/0011-feed.md)). What holds, always:
//! 1. The positions of a partition are 1, 2, 3, …: who has read up to n knows that nothing up to n is missing.
//! 2. What stands at a position never changes, and nothing ever appears below a position that a reader has been shown.
//! 3. An accepted event stands at one position, once; a booking's events stand in the order of their versions.
//! 4. Once every image of the stream is ingested, every accepted event is in the feed. A lost image is made good by the
//!    booking's next one, or by a [`sweep`].
//!
//! What it does not do: order events of different bookings, or wait for an event to be recorded.
//!
//! - types: [`Partition`], [`Position`], [`Positions`], [`Run`], [`Batch`];
//! - [`FeedLog`], the port: a tip that is moved by one conditional write, pages that are never overwritten, markers;
//! - [`ingest`], [`sweep`] and [`read`], written once over it; adapters: [`memory`], `dynamodb` (feature `aws`).

mod batch;
#[cfg(feature = "aws")]
pub mod dynamodb;
mod hydrate;
pub mod ingest;
pub mod memory;
mod partition;
pub mod port;
mod position;
pub mod read;
pub mod sweep;

pub use batch::{Batch, InvalidRuns, Run};
pub use partition::Partition;
pub use port::{Committed, FeedLog};
pub use position::{InvalidPosition, Position, Positions};
