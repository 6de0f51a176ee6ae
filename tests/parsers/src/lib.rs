//! What must hold of every parser of outside input, whatever the input is. One file a parser, each with one `check` that
//! panics where something does not hold; [`mutation`] makes new inputs of old ones, so that they keep the shape that
//! leads deep into the parsers.
//!
//! Run by the fuzz targets (`tests/fuzz`, by hand and for long) and by the tests (`tests/core/fuzz.rs`, on every change).
//! The stores are the in-memory ones: no input may lead to a failure of any of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "whatever fails here is a finding")]

mod answer;
mod deployment;
pub mod document;
mod gateway;
pub mod item;
pub mod message;
pub mod mutation;
pub mod query;
pub mod request;
pub mod stream;
mod wild;

/// What a fuzz target does with an input: panics if anything does not hold.
pub type Check = fn(&[u8]);

/// The checks by the name of their fuzz target, which is also that of their folder of seeds.
pub const TARGETS: [(&str, Check); 5] = [
    ("request", request::check),
    ("query", query::check),
    ("item", item::check),
    ("stream", stream::check),
    ("message", message::check),
];
