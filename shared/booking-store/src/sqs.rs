//! The fallback queue on Amazon SQS FIFO.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;

use crate::call::{call, classify};
use crate::failure::{FailureKind, Store, StoreFailure};
use crate::ports::FallbackQueue;
use crate::queue_message::QueueMessage;

/// The message attribute of a dead letter that says why it is there.
pub const REASON_ATTRIBUTE: &str = "reason";

/// Sends to one FIFO queue and to its dead-letter queue.
pub struct SqsQueue {
    client: Client,
    queue_url: String,
    dead_letter_url: String,
}

impl SqsQueue {
    /// Uses the queues behind the two URLs.
    pub fn new(client: Client, queue_url: String, dead_letter_url: String) -> Self {
        Self { client, queue_url, dead_letter_url }
    }
}

#[async_trait]
impl FallbackQueue for SqsQueue {
    async fn send(&self, message: &QueueMessage) -> Result<(), StoreFailure> {
        let body = message.encode().map_err(|error| StoreFailure::corrupt(Store::Queue, error))?;
        let (group, id) = (message.booking_code().as_str(), message.deduplication_id());
        call(Store::Queue, || async {
            let send = self.client.send_message().queue_url(&self.queue_url).message_body(&body);
            let sent = send.message_group_id(group).message_deduplication_id(&id).send().await;
            sent.map(|_| ()).map_err(|error| classify(Store::Queue, error))
        })
        .await
    }

    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        let seconds = i32::try_from(pause.as_secs()).unwrap_or(i32::MAX);
        call(Store::Queue, || async {
            let change = self.client.change_message_visibility().queue_url(&self.queue_url).receipt_handle(receipt);
            let changed = change.visibility_timeout(seconds).send().await;
            changed.map(|_| ()).map_err(|error| classify(Store::Queue, error))
        })
        .await
    }

    async fn dead_letter(&self, group: &str, message_id: &str, body: &str, reason: &str) -> Result<(), StoreFailure> {
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build();
        let reason = reason.map_err(|error| StoreFailure::new(Store::Queue, FailureKind::Refused).because(error))?;
        call(Store::Queue, || async {
            let send = self.client.send_message().queue_url(&self.dead_letter_url).message_body(body);
            let send = send.message_group_id(group).message_deduplication_id(message_id);
            let sent = send.message_attributes(REASON_ATTRIBUTE, reason.clone()).send().await;
            sent.map(|_| ()).map_err(|error| classify(Store::Queue, error))
        })
        .await
    }
}
