//! `/local/status`: what is still to be done, and what has been.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use booking_store::Timestamp;
use booking_store::clock::{Clock, System};
use booking_store::failure::StoreFailure;
use serde::Serialize;

use super::{App, Shared, broken};
use crate::engine::EngineError;
use crate::ledger::LedgerError;

/// Later than any event: every pending one is older.
const END_OF_TIME: i64 = 253_402_300_799_999;

#[derive(Serialize)]
struct Status {
    /// Bookings with events that are accepted and not yet settled.
    pending_bookings: u64,
    /// Messages in the fallback queue, hidden ones too.
    queue_depth: i64,
    /// Those of them that are being worked on or backed off.
    queue_in_flight: i64,
    dead_letters: i64,
    /// Entries the bus delivered.
    published: i64,
    /// Stream records the publisher has not passed.
    stream_lag: i64,
    /// Stream records it gave up.
    failed_records: i64,
    uptime_s: i64,
}

#[derive(Debug, thiserror::Error)]
enum StatusError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreFailure),
}

/// The status. Fault switches don't matter to it.
pub(super) async fn show(State(app): Shared) -> Response {
    match status(&app).await {
        Ok(status) => Json(status).into_response(),
        Err(error) => broken(&error),
    }
}

async fn status(app: &App) -> Result<Status, StatusError> {
    // Work moves from the bookings to stream and queue to the bus: asked in this order, nothing is missed on its way.
    let pending_bookings = pending_bookings(app).await?;
    let (_, stream_lag) = app.stream.standing(&app.checkpoint.load().await?).await?;
    let depth = app.queue.depth().await?;
    Ok(Status {
        pending_bookings,
        queue_depth: depth.messages,
        queue_in_flight: depth.in_flight,
        dead_letters: depth.dead_letters,
        published: app.bus.delivered().await?,
        stream_lag,
        failed_records: app.checkpoint.failed_records().await?,
        uptime_s: (System.now().unix_milliseconds() - app.started.unix_milliseconds()) / 1000,
    })
}

/// Counts by a scan, unless the table has not changed since the last one. One scan at a time.
async fn pending_bookings(app: &App) -> Result<u64, StatusError> {
    let mut counted = app.counted.lock().await;
    let (head, _) = app.stream.standing(&None).await?;
    if let Some((at, count)) = *counted
        && at == head
    {
        return Ok(count);
    }
    let end = Timestamp::from_unix_milliseconds(END_OF_TIME).unwrap_or(app.started);
    let (mut count, mut after) = (0, None);
    loop {
        let page = app.reservations.stale(end, 0, 1, after.as_ref()).await?;
        count += page.reservations.len() as u64;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    *counted = Some((head, count));
    Ok(count)
}
