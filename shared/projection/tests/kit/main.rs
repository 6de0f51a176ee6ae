//! The kit under everything a bus, a store and a process can do to it: losses, duplicates, disorder, failures before and
//! after a call, crashes, two workers at one booking, replays, poison. One seed is one run; a failing one is printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "whatever fails here fails the test; its numbers are small"
)]

mod chance;
mod every_call;
mod faulty;
mod feeds;
mod gaps;
#[cfg(feature = "sigv4")]
mod http;
#[cfg(feature = "aws")]
mod lambda;
mod leases;
mod owed;
mod panics;
mod parking;
mod planted;
mod random;
mod random_runs;
mod reactions;
mod rebuilds;
mod shapes;
mod tally;
mod world;
