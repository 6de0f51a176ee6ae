//! The protocol under faults and the handlers on recorded payloads, over the in-memory stores.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "whatever fails here fails the test")]

mod feed;
mod fuzz;
mod handlers;
mod protocol;
mod replays;
