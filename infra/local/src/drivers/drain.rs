//! Feeds the drain function from the fallback queue, as the event source of template.yaml says.

use std::sync::Arc;
use std::time::Duration;

use booking_store::failure::Store;
use booking_store::ports::Stores;
use tokio::sync::Notify;

use super::{Stop, invoke, sqs_event};
use crate::faults::{Faults, Mode};
use crate::ledger::LedgerError;
use crate::queue::LocalQueue;
use crate::template::QueueSource;

/// Batches at a time, if the template allows as many: what Lambda's pollers begin with.
const MAX_POLLERS: usize = 5;
/// Longest sleep without a message.
const IDLE: Duration = Duration::from_secs(1);
/// Sleep while the queue can't be reached.
const UNREACHABLE: Duration = Duration::from_millis(250);

/// Why a round failed. What was received comes back after its visibility timeout.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("a message has no JSON form")]
    Message(#[from] serde_json::Error),
}

/// One poller of the queue.
#[derive(Clone)]
pub struct DrainDriver {
    queue: LocalQueue,
    faults: Faults,
    source: QueueSource,
    stores: Stores,
    stream: Arc<Notify>,
}

impl DrainDriver {
    /// The pollers of `queue` for the function with these stores; they call `stream` after each batch.
    pub fn pollers(
        source: QueueSource,
        queue: LocalQueue,
        faults: Faults,
        stores: Stores,
        stream: Arc<Notify>,
    ) -> impl Iterator<Item = Self> {
        let poller = Self { queue, faults, source, stores, stream };
        std::iter::repeat_n(poller, source.concurrency.clamp(1, MAX_POLLERS))
    }

    /// Runs until asked to stop.
    pub async fn run(self, mut stop: Stop) {
        while !stop.requested() {
            // Pollers meet the outage like everyone else.
            if matches!(self.faults.mode(Store::Queue), Mode::Down | Mode::Unknown) {
                stop.pause(UNREACHABLE, None).await;
                continue;
            }
            match self.round().await {
                Ok(true) => self.stream.notify_one(),
                Ok(false) => tokio::select! {
                    () = stop.wait() => {}
                    _ = self.queue.wait(IDLE) => {}
                },
                Err(trouble) => {
                    tracing::error!(error = %trouble, "the queue cannot be drained");
                    stop.pause(IDLE, None).await;
                }
            }
        }
    }

    /// One batch; whether there was one.
    async fn round(&self) -> Result<bool, Trouble> {
        let batch = self.queue.receive(self.source.batch_size).await?;
        if batch.is_empty() {
            return Ok(false);
        }
        let (event, stores) = (sqs_event::event(&batch)?, self.stores.clone());
        let response = invoke("drain", async move { drain::handle(&stores, event).await }).await;
        for message in response.iter().flat_map(|response| sqs_event::done(&batch, response)) {
            if !self.queue.delete(&message.receipt).await? {
                tracing::warn!(message_id = message.message_id, "settled too late to be deleted; it comes again");
            }
        }
        Ok(true)
    }
}
