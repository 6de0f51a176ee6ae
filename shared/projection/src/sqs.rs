//! The projection's queue on Amazon SQS (standard): its messages hidden for a while, and its dead letters.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;
use booking_store::call::{call, classify};
use booking_store::failure::{FailureKind, Store, StoreFailure};
pub use booking_store::sqs::REASON_ATTRIBUTE;

use crate::ports::{DeadLetters, Letter, Messages};

/// Longest time a message can be hidden (AWS fact: 12 hours).
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3600);

/// The queue that feeds the projection.
pub struct SqsMessages {
    client: Client,
    queue_url: String,
}

impl SqsMessages {
    /// The queue behind the URL.
    pub fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }
}

#[async_trait]
impl Messages for SqsMessages {
    async fn back_off(&self, receipt: &str, pause: Duration) -> Result<(), StoreFailure> {
        let seconds = i32::try_from(whole_seconds(pause)).unwrap_or(i32::MAX);
        call(Store::Queue, || async {
            let change = self.client.change_message_visibility().queue_url(&self.queue_url).receipt_handle(receipt);
            let changed = change.visibility_timeout(seconds).send().await;
            changed.map(|_| ()).map_err(|error| classify(Store::Queue, error))
        })
        .await
    }
}

/// Rounded up: a message that came back a moment too early would be sent back once more.
fn whole_seconds(pause: Duration) -> u64 {
    let pause = pause.min(LONGEST_PAUSE);
    pause.as_secs() + u64::from(pause.subsec_nanos() > 0)
}

/// The dead-letter queue of that queue.
pub struct SqsDeadLetters {
    client: Client,
    queue_url: String,
}

impl SqsDeadLetters {
    /// The queue behind the URL, which must be a standard one: letters name no group. The reason is in the message attribute [`REASON_ATTRIBUTE`].
    pub fn new(client: Client, queue_url: String) -> Self {
        Self { client, queue_url }
    }
}

#[async_trait]
impl DeadLetters for SqsDeadLetters {
    async fn put(&self, letter: &Letter) -> Result<(), StoreFailure> {
        let refused = |error| StoreFailure::new(Store::Queue, FailureKind::Refused).because(error);
        let reason = MessageAttributeValue::builder().data_type("String").string_value(&letter.reason);
        let reason = reason.build().map_err(refused)?;
        call(Store::Queue, || async {
            let send = self.client.send_message().queue_url(&self.queue_url).message_body(&letter.body);
            let sent = send.message_attributes(REASON_ATTRIBUTE, reason.clone()).send().await;
            sent.map(|_| ()).map_err(|error| classify(Store::Queue, error))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_whole_seconds_up_to_the_most_sqs_takes() {
        let seconds = |ms| whole_seconds(Duration::from_millis(ms));
        assert_eq!([seconds(0), seconds(1), seconds(1000), seconds(1001)], [0, 1, 1, 2]);
        assert_eq!(whole_seconds(Duration::MAX), 12 * 3600);
    }
}
