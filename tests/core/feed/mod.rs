//! The feed: the shipped ingestion and reading over the in-memory log, by hand and by seed.

mod gate;
mod hydration;
mod ingest;
mod planted;
mod reading;
mod seeded;
mod sweeping;
mod system;

pub(crate) use system::Feed;
