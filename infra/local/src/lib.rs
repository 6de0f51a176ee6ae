//! The whole system in one process: the same handlers that run on Lambda, fed by the same events, over stores that
//! survive `kill -9`.
//!
//! | on AWS | here |
//! |---|---|
//! | DynamoDB and its stream | [`engine`]: `dynoxide` on a file, through the AWS SDK and the store's own adapters |
//! | SQS, FIFO and standard, dead letters | [`queue`], in the [`ledger`] |
//! | EventBridge, its rules and targets | [`bus`], in the ledger, patterns by [`pattern`] |
//! | event source mappings, scheduler, delivery to targets | [`drivers`], set by [`template`] |
//! | the functions | [`functions`], over the same [`parts`] |
//! | HTTP API | [`http`], routes from the template |
//! | outages | [`faults`] |
//!
//! A function's stores are adapter → fault switch → circuit breaker, the breaker its own for each function as it would
//! be in processes of their own.

pub mod bus;
pub mod data_dir;
pub mod drivers;
pub mod engine;
pub mod faults;
pub mod functions;
pub mod http;
pub mod ledger;
pub mod parts;
pub mod pattern;
pub mod queue;
mod start;
pub mod template;

pub use data_dir::DataDirError;
pub use start::{DEFAULT_PORT, Options, Rig, Running, StartError, start, start_rigged};

/// An error and its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        // A transparent error repeats its source.
        if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
        next = error.source();
    }
    line
}
