//! The booking event store's heart: *the reservation item decides, the events table records, the item's stream
//! publishes, the queue retries.*
//!
//! - types: [`BookingCode`], [`Version`], [`EventId`], [`Event`], [`Reservation`], [`Conflict`];
//! - [`protocol`]: append, record, publish, drain, read and audit, written once over the [`ports`];
//! - adapters of the ports: `dynamodb`, `sqs`, `eventbridge` (feature `aws`) and [`memory`] with the same semantics.
//!
//! Dependencies point one way: adapters → ports ← protocol → types. Every bound is in [`limits`].

#[cfg(test)]
mod arbitrary;
mod booking_code;
mod conflict;
mod decision;
mod event;
mod event_id;
mod json_object;
pub mod reservation;
mod text_name;
mod timestamp;
mod version;

pub mod around;
pub mod bus_entry;
pub mod clock;
pub mod failure;
pub mod feed;
pub mod limits;
pub mod memory;
pub mod metrics;
pub mod ports;
pub mod protocol;
pub mod queue_message;
pub mod replays;

#[cfg(feature = "aws")]
pub mod breaker;
#[cfg(feature = "aws")]
pub mod call;
#[cfg(feature = "aws")]
pub mod clients;
#[cfg(feature = "aws")]
pub mod dynamodb;
#[cfg(feature = "aws")]
pub mod eventbridge;
#[cfg(feature = "aws")]
pub mod sqs;

pub use booking_code::{BookingCode, InvalidBookingCode};
pub use conflict::Conflict;
pub use decision::Decision;
pub use event::{Event, EventType, InvalidEventType, NewEvent};
pub use event_id::{EventId, InvalidEventId};
pub use json_object::{InvalidJsonObject, JsonObject};
pub use reservation::{Image, Reservation};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use version::{ExpectedVersion, Version};
