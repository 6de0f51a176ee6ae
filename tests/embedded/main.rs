//! The embedded system over HTTP, as its users see it: the same handlers as on Lambda, DynamoDB by an independent
//! engine, event sources driven by its stream.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

mod conflict;
mod contention;
mod contract;
mod convergence;
mod feed;
mod history;
mod hotel;
mod outage;
mod paging;
mod prices;
mod replays;
mod restart;
mod schemas;
mod system;
mod targets;
mod torture;
mod unknown;
#[path = "../python/venv.rs"]
mod venv;
mod webhook;
mod wire;
