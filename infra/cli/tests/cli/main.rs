//! The command line as a user runs it: the real binary against a small server that keeps the HTTP contract.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests: time is real, failure is a panic"
)]

mod bookings;
mod commands;
mod fake_feed;
mod fake_server;
mod feed;
mod import;
mod import_faults;
mod serving;
mod signing;
