//! The sweep, invoked by hand: it feeds what no image of the stream will bring any more. One invocation goes on until it
//! is through or out of time; then its answer says where the next one begins.

use std::sync::Arc;
use std::time::Duration;

use booking_store::Timestamp;
use booking_store::clock::Clock;
use booking_store::failure::StoreFailure;
use booking_store::feed::FeedLog;
use booking_store::feed::sweep::{Ports, sweep};
use booking_store::ports::Cursor;
use booking_store::replays::Bookings;
use serde::{Deserialize, Serialize};

/// What is left of the function's time when a sweep stops.
pub const TIME_TO_REPORT: Duration = Duration::from_secs(15);

/// What a sweep works with.
pub struct Context {
    /// All bookings.
    pub bookings: Arc<dyn Bookings>,
    /// The feed's log.
    pub log: Arc<dyn FeedLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The payload of the invocation: `{"sweep":{}}`, or with what an earlier answer said is next.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Where to go on.
    #[serde(default)]
    pub after: Option<Cursor>,
}

/// What one invocation has done.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Bookings looked at.
    pub bookings: u64,
    /// Events that were not in the feed and now are.
    pub appended: u64,
    /// What the next invocation goes on after; null if this one is through.
    pub next: Option<Cursor>,
    /// Whether every booking behind `after` has been looked at.
    pub complete: bool,
    /// Why it has stopped early.
    pub failure: Option<String>,
}

/// Sweeps until `deadline`.
pub async fn handle(context: &Context, request: Request, deadline: Timestamp) -> Report {
    let ports = Ports { bookings: &*context.bookings, log: &*context.log, clock: &*context.clock };
    let swept = sweep(ports, request.after, deadline).await;
    let complete = swept.next.is_none() && swept.failure.is_none();
    let failure = swept.failure.as_ref().map(StoreFailure::chain);
    tracing::info!(bookings = swept.bookings, appended = swept.appended, complete, failure, "feed-sweep");
    Report { bookings: swept.bookings, appended: swept.appended, next: swept.next, complete, failure }
}
