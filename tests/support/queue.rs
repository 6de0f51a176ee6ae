//! The fallback queue as Lambda polls it: batches, receive counts, deletion of what the function did not keep.

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use futures::FutureExt;
use serde_json::json;

use crate::World;

/// Messages in one batch.
const BATCH: usize = 10;
/// How long a received message stays hidden.
const VISIBILITY: Duration = Duration::from_secs(180);

/// One message of a batch.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Its receipt, which also names it.
    pub receipt: String,
    /// Its group.
    pub group: String,
    /// Its body.
    pub body: String,
    /// How often it was received.
    pub receives: u32,
}

/// The event of a batch of messages.
pub fn sqs_event(messages: &[Delivered]) -> SqsEvent {
    let record = |message: &Delivered| {
        json!({
            "messageId": message.receipt,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receives.to_string(),
                "SentTimestamp": "1795251600000",
                "SequenceNumber": "18849496460467696128",
                "MessageGroupId": message.group,
                "SenderId": "AIDAIO23YVJENQZJOL4VO",
                "MessageDeduplicationId": message.receipt,
                "ApproximateFirstReceiveTimestamp": "1795251600001",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:fallback.fifo",
            "awsRegion": "eu-central-1",
        })
    };
    serde_json::from_value(json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})).unwrap()
}

impl World {
    /// Delivers what is visible to the drain function, batch after batch, until nothing is. Returns how many messages
    /// were settled.
    pub async fn drain_queue(&self) -> usize {
        let mut settled = 0;
        loop {
            let (received, kept) = self.drain_batch().await;
            settled += received - kept;
            if received == 0 {
                return settled;
            }
        }
    }

    /// The drain function dies where the script says. Its messages come back after their visibility time-out.
    #[track_caller]
    pub fn drain_queue_crashing(&self) {
        assert!(self.drain_batch().now_or_never().is_none(), "it was to crash");
        self.wait(VISIBILITY);
    }

    async fn drain_batch(&self) -> (usize, usize) {
        let received = self.memory.queue.receive(BATCH, VISIBILITY).into_iter();
        let messages = received.map(|message| Delivered {
            receipt: message.receipt,
            group: message.group.to_string(),
            body: message.body,
            receives: message.receives,
        });
        let messages: Vec<_> = messages.collect();
        let response = drain::handle(&self.stores, sqs_event(&messages)).await;
        let kept: Vec<_> = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        for message in messages.iter().filter(|message| !kept.contains(&message.receipt)) {
            self.memory.queue.delete(&message.receipt);
        }
        (messages.len(), kept.len())
    }
}
