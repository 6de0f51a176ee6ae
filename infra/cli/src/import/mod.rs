//! `bookings import`: a file's bookings into the store, resumably, and read back to prove it.
//!
//! Reading order: [`booking`] (what a row is) ← [`hotel`], [`csv`], [`ndjson`] (pure, from text) · [`booking_codes`]
//! (names, derived) · [`submit`], [`confirm`] (one booking against the server) · [`pump`] (many at a time) ·
//! [`journal`] (what is done) · [`run`] (all of it) · [`verify`].

pub mod args;
pub mod booking;
pub mod booking_codes;
pub mod confirm;
pub mod counters;
pub mod csv;
pub mod dates;
pub mod fingerprint;
pub mod hotel;
pub mod interrupt;
pub mod journal;
pub mod money;
pub mod ndjson;
pub mod pump;
pub mod rejects;
pub mod run;
pub mod source;
pub mod submit;
pub mod verify;

pub use run::run;
