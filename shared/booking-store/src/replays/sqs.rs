//! The queue of turns on Amazon SQS FIFO.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;

use super::Turn;
use super::ports::Turns;
use crate::call::{call, classify};
use crate::failure::{Store, StoreFailure};

/// Sends to one FIFO queue.
pub struct SqsTurns {
    client: Client,
    queue_url: String,
}

impl SqsTurns {
    /// Uses the queue behind the URL.
    pub fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }
}

#[async_trait]
impl Turns for SqsTurns {
    async fn send(&self, turn: &Turn) -> Result<(), StoreFailure> {
        let (body, group, id) = (turn.encode(), turn.group(), turn.deduplication_id());
        call(Store::Replays, || async {
            let send = self.client.send_message().queue_url(&self.queue_url).message_body(&body);
            let sent = send.message_group_id(&group).message_deduplication_id(&id).send().await;
            sent.map(|_| ()).map_err(|error| classify(Store::Replays, error))
        })
        .await
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        let seconds = i32::try_from(pause.as_secs()).unwrap_or(i32::MAX);
        call(Store::Replays, || async {
            let change = self.client.change_message_visibility().queue_url(&self.queue_url).receipt_handle(receipt);
            let changed = change.visibility_timeout(seconds).send().await;
            changed.map(|_| ()).map_err(|error| classify(Store::Replays, error))
        })
        .await
    }
}
