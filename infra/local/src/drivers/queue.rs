//! Feeds a function from a queue, as the event source of template.yaml says.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures::future::BoxFuture;

use super::{Stop, Wake, invoke_until, sqs_event};
use crate::faults::Faults;
use crate::ledger::LedgerError;
use crate::queue::LocalQueue;
use crate::template::QueueSource;

/// Batches at a time, if the template allows as many: what Lambda's pollers begin with.
const MAX_POLLERS: usize = 5;
/// Longest sleep without a message.
const IDLE: Duration = Duration::from_secs(1);
/// Sleep while the queue can't be reached.
const UNREACHABLE: Duration = Duration::from_millis(250);

/// A function that is fed from a queue.
#[derive(Clone)]
pub struct QueueFunction {
    /// Its logical id.
    pub name: &'static str,
    /// How long it may run.
    pub timeout: Duration,
    /// Its handler.
    pub handle: Arc<dyn Fn(SqsEvent) -> BoxFuture<'static, SqsBatchResponse> + Send + Sync>,
}

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
pub struct QueueDriver {
    queue: LocalQueue,
    faults: Faults,
    source: QueueSource,
    function: QueueFunction,
    wake: Wake,
}

impl QueueDriver {
    /// The pollers of `queue` for `function`; they wake the stream's readers after each batch.
    pub fn pollers(
        source: QueueSource,
        queue: LocalQueue,
        faults: Faults,
        function: QueueFunction,
        wake: Wake,
    ) -> impl Iterator<Item = Self> {
        let pollers = source.concurrency.clamp(1, MAX_POLLERS);
        std::iter::repeat_n(Self { queue, faults, source, function, wake }, pollers)
    }

    /// Runs until asked to stop.
    pub async fn run(self, mut stop: Stop) {
        while !stop.requested() {
            // Pollers meet the outage like everyone else.
            if self.faults.queues_are_down() {
                stop.pause(UNREACHABLE, std::future::pending()).await;
                continue;
            }
            match self.round(&mut stop).await {
                Ok(true) => self.wake.call(),
                Ok(false) => tokio::select! {
                    () = stop.wait() => {}
                    _ = self.queue.wait(IDLE) => {}
                },
                Err(trouble) => {
                    tracing::error!(queue = self.queue.name(), error = %trouble, "the queue cannot be polled");
                    stop.pause(IDLE, std::future::pending()).await;
                }
            }
        }
    }

    /// One batch; whether there was one.
    async fn round(&self, stop: &mut Stop) -> Result<bool, Trouble> {
        let batch = self.queue.receive(self.source.batch_size).await?;
        if batch.is_empty() {
            return Ok(false);
        }
        let event = sqs_event::event(&batch, self.queue.settings())?;
        let QueueFunction { name, timeout, handle } = &self.function;
        let response = invoke_until(name, *timeout, stop, handle(event)).await;
        // Without the flag Lambda deletes the whole batch unless the function crashed.
        let response = response.map(|named| if self.source.reports_failures { named } else { Default::default() });
        for message in response.iter().flat_map(|response| sqs_event::done(&batch, response)) {
            if !self.queue.delete(&message.receipt).await? {
                tracing::warn!(message_id = message.message_id, "settled too late to be deleted; it comes again");
            }
        }
        Ok(true)
    }
}
