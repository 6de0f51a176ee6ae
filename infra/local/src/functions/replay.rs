//! `ReplaysFunction` and `ReplayWorkerFunction`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::Timestamp;
use booking_store::clock::{Clock, System};
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::replays::dynamodb::{DynamoBookings, DynamoReplays};
use booking_store::replays::{Ports, SystemPauses, Turn, Turns, around};
use futures::FutureExt as _;
use replay::{http, worker};

use super::HttpFunction;
use crate::drivers::QueueFunction;
use crate::ledger::LedgerError;
use crate::parts::Parts;
use crate::queue::LocalQueue;
use crate::template::{Template, TemplateError};

const WORKER: &str = "ReplayWorkerFunction";
const TABLE: &str = "ReplaysTable";
const QUEUE: &str = "ReplayQueue";

/// The queue of turns in the ledger.
struct LocalTurns(LocalQueue);

#[async_trait]
impl Turns for LocalTurns {
    async fn send(&self, turn: &Turn) -> Result<(), StoreFailure> {
        self.0.enqueue(turn.group(), turn.deduplication_id(), turn.encode()).await.map_err(broken)
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        let hidden = self.0.change_visibility(receipt, pause).await.map_err(broken)?;
        let refused = || StoreFailure::new(Store::Replays, FailureKind::Refused).because("the receipt has expired");
        hidden.then_some(()).ok_or_else(refused)
    }
}

fn broken(error: LedgerError) -> StoreFailure {
    StoreFailure::new(Store::Replays, FailureKind::ServerError).because(error)
}

fn ports(parts: &Parts) -> Result<Ports, TemplateError> {
    let stores = parts.function();
    let ports = Ports {
        replays: Arc::new(DynamoReplays::new(parts.client.clone(), TABLE.to_owned())),
        turns: Arc::new(LocalTurns(parts.queue(QUEUE)?)),
        bookings: Arc::new(DynamoBookings::new(parts.client.clone(), parts.table.clone())),
        events: stores.events,
        bus: stores.bus,
        clock: stores.clock,
        ids: Arc::new(System),
        pauses: Arc::new(SystemPauses),
    };
    Ok(around::wrap(ports, parts.faults.clone()))
}

pub(super) fn http(parts: &Parts) -> Result<(&'static str, HttpFunction), TemplateError> {
    let ports = ports(parts)?;
    let handle = move |request| {
        let ports = ports.clone();
        async move { http::handle(&ports, request).await }.boxed()
    };
    Ok(("ReplaysFunction", Arc::new(handle)))
}

pub(super) fn queue(parts: &Parts, template: &Template) -> Result<QueueFunction, TemplateError> {
    let (ports, timeout) = (ports(parts)?, template.timeout(WORKER)?);
    let handle = move |event| {
        let (ports, deadline) = (ports.clone(), deadline(timeout));
        async move { worker::handle(&ports, event, deadline).await }.boxed()
    };
    Ok(QueueFunction { name: WORKER, timeout, handle: Arc::new(handle) })
}

/// When a worker called now is to stop sending.
fn deadline(timeout: Duration) -> Option<Timestamp> {
    let work = timeout.saturating_sub(worker::TIME_TO_CHECKPOINT);
    Timestamp::from_unix_milliseconds(
        System.now().unix_milliseconds().saturating_add(i64::try_from(work.as_millis()).ok()?),
    )
}
