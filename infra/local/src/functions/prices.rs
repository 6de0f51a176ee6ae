//! `PriceProjectionFunction` and `PricesFunction`: the price projection, wired as any projection team would.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::clock::System;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use futures::FutureExt as _;
use price_projection::{CONSUMER, deliveries, http};
use projection::Ports;
use projection::dynamodb::DynamoRecords;
use projection::ports::{DeadLetters, Letter, Messages};
use projection::tables::TablesSource;

use super::HttpFunction;
use crate::drivers::QueueFunction;
use crate::ledger::LedgerError;
use crate::parts::Parts;
use crate::queue::LocalQueue;
use crate::template::{Template, TemplateError};

const PROJECTION: &str = "PriceProjectionFunction";
const TABLE: &str = "PricesTable";
const QUEUE: &str = "PriceQueue";

/// A queue as the kit needs it.
struct KitQueue(LocalQueue);

#[async_trait]
impl Messages for KitQueue {
    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        let hidden = self.0.change_visibility(receipt, pause).await.map_err(broken)?;
        let refused = || StoreFailure::new(Store::Projection, FailureKind::Refused).because("the receipt has expired");
        hidden.then_some(()).ok_or_else(refused)
    }
}

#[async_trait]
impl DeadLetters for KitQueue {
    async fn put(&self, letter: &Letter) -> Result<(), StoreFailure> {
        self.0.set_aside(None, &self.0.new_id(), &letter.body, &letter.reason).await.map_err(broken)
    }
}

fn broken(error: LedgerError) -> StoreFailure {
    StoreFailure::new(Store::Projection, FailureKind::ServerError).because(error)
}

fn records(parts: &Parts) -> Arc<DynamoRecords> {
    Arc::new(DynamoRecords::new(parts.client.clone(), TABLE.to_owned(), CONSUMER))
}

pub(super) fn queue(parts: &Parts, template: &Template) -> Result<QueueFunction, TemplateError> {
    let queue = Arc::new(KitQueue(parts.queue(QUEUE)?));
    let ports = Ports {
        source: Arc::new(TablesSource::new(parts.function())),
        records: records(parts),
        dead_letters: queue.clone(),
        clock: Arc::new(System),
        ids: Arc::new(System),
    };
    let context = deliveries::Context::new(ports, queue);
    let handle = move |event| {
        let context = context.clone();
        async move { deliveries::handle(&context, event).await }.boxed()
    };
    Ok(QueueFunction { name: PROJECTION, timeout: template.timeout(PROJECTION)?, handle: Arc::new(handle) })
}

pub(super) fn http(parts: &Parts) -> (&'static str, HttpFunction) {
    let context = http::Context { records: records(parts) };
    let handle = move |request| {
        let context = context.clone();
        async move { http::handle(&context, request).await }.boxed()
    };
    ("PricesFunction", Arc::new(handle))
}
