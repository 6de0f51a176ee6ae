//! `/local/status`: what is still to be done, and what has been.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use booking_store::Timestamp;
use booking_store::clock::{Clock, System};
use booking_store::failure::StoreFailure;
use booking_store::ports::Reservations;
use serde::Serialize;

use super::{App, Shared, broken};
use crate::bus::RuleStatus;
use crate::engine::EngineError;
use crate::ledger::LedgerError;
use crate::queue::Depth;

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
    /// What the fallback queue gave up.
    dead_letters: i64,
    /// Entries the bus took.
    published: i64,
    /// Stream records the publisher has not passed.
    stream_lag: i64,
    /// Stream records that readers gave up.
    failed_records: i64,
    /// Each reader of the stream.
    streams: Vec<StreamStatus>,
    /// Each queue.
    queues: Vec<QueueStatus>,
    /// Each rule of the bus.
    rules: Vec<RuleStatus>,
    /// Where the tables can be looked into, with any key: DynamoDB's own API.
    tables_url: String,
    uptime_s: i64,
}

#[derive(Serialize)]
struct StreamStatus {
    /// The function.
    reader: &'static str,
    /// Records it has not passed.
    lag: i64,
    /// Records it gave up.
    failed_records: i64,
}

#[derive(Serialize)]
pub(super) struct QueueStatus {
    queue: String,
    fifo: bool,
    #[serde(flatten)]
    depth: Depth,
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
    // Work moves from the bookings to stream and queue to the bus and on: asked in this order, nothing is missed on its way.
    let pending_bookings = pending_bookings(app).await?;
    let streams = streams(app).await?;
    let publisher = streams.first().map_or(0, |publisher| publisher.lag);
    let fallback = app.parts.fallback.depth().await?;
    let published = app.parts.bus.delivered().await?;
    let rules = app.parts.bus.standing().await?;
    Ok(Status {
        pending_bookings,
        queue_depth: fallback.messages,
        queue_in_flight: fallback.in_flight,
        dead_letters: fallback.dead_letters,
        published,
        stream_lag: publisher,
        failed_records: streams.iter().map(|stream| stream.failed_records).sum(),
        streams,
        queues: queues(app).await?,
        rules,
        tables_url: app.parts.tables_url.clone(),
        uptime_s: (System.now().unix_milliseconds() - app.started.unix_milliseconds()) / 1000,
    })
}

async fn streams(app: &App) -> Result<Vec<StreamStatus>, StatusError> {
    let mut all = Vec::new();
    for checkpoint in &app.checkpoints {
        let (_, lag) = app.parts.stream.standing(&checkpoint.load().await?).await?;
        let failed_records = checkpoint.failed_records().await?;
        all.push(StreamStatus { reader: checkpoint.reader(), lag, failed_records });
    }
    Ok(all)
}

/// Every queue and what it holds.
pub(super) async fn queues(app: &App) -> Result<Vec<QueueStatus>, LedgerError> {
    let mut all = Vec::new();
    for queue in app.parts.queues.all() {
        let (fifo, depth) = (queue.settings().fifo, queue.depth().await?);
        all.push(QueueStatus { queue: queue.name().to_owned(), fifo, depth });
    }
    Ok(all)
}

/// Counts by a scan, unless the table has not changed since the last one. One scan at a time.
async fn pending_bookings(app: &App) -> Result<u64, StatusError> {
    let mut counted = app.counted.lock().await;
    let (head, _) = app.parts.stream.standing(&None).await?;
    if let Some((at, count)) = *counted
        && at == head
    {
        return Ok(count);
    }
    let end = Timestamp::from_unix_milliseconds(END_OF_TIME).unwrap_or(app.started);
    let (mut count, mut after) = (0, None);
    loop {
        let page = app.parts.reservations.stale(end, 0, 1, after.as_ref()).await?;
        count += page.reservations.len() as u64;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    *counted = Some((head, count));
    Ok(count)
}
