//! ministack's DynamoDB and SQS, through the SDK and the adapters. One server for all cases; tables and queues of
//! their own for each, made as template.yaml says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use booking_store::clients;
use booking_store::dynamodb::{DynamoEvents, DynamoReservations};
use booking_store::feed::dynamodb::DynamoFeedLog;
use booking_store::replays::dynamodb::{DynamoBookings, DynamoReplays};
use booking_store::replays::sqs::SqsTurns;
use booking_store::sqs::{REASON_ATTRIBUTE, SqsQueue};
use local::template::{Table, Template};
use serde_json::json;

use super::{Engine, Inbox, Letter, MAX_RECEIVES, Received, VISIBILITY, sdk};
use crate::python::{Ministack, REGION};

/// The server, and a prefix for names of one's own.
fn server() -> (&'static str, String) {
    static SERVER: OnceLock<Ministack> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let endpoint = SERVER.get_or_init(|| Ministack::start(&[])).endpoint();
    (endpoint, format!("case{}", NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// A queue of turns of its own, and its receiving side.
pub(crate) async fn turns() -> (SqsTurns, Arc<dyn Inbox>) {
    let (endpoint, prefix) = server();
    let client = clients::sqs(&sdk::config(endpoint, REGION));
    let (queue_url, dead_letter_url) = queues(&client, &prefix, &Template::embedded().unwrap()).await;
    let turns = SqsTurns::new(client.clone(), queue_url.clone());
    (turns, Arc::new(SqsInbox { client, queue_url, dead_letter_url }))
}

/// Tables and queues of their own.
pub(crate) async fn ministack() -> Engine {
    let (endpoint, prefix) = server();
    let template = Template::embedded().unwrap();
    for table in template.tables().unwrap() {
        create(endpoint, &prefix, table).await;
    }
    let config = sdk::config(endpoint, REGION);
    let dynamodb = clients::dynamodb(&config);
    let sqs = clients::sqs(&config);
    let (queue_url, dead_letter_url) = queues(&sqs, &prefix, &template).await;
    let queue = SqsQueue::new(sqs.clone(), queue_url.clone(), dead_letter_url.clone());
    Engine {
        name: "ministack",
        reservations: Arc::new(DynamoReservations::new(dynamodb.clone(), format!("{prefix}-ReservationsTable"))),
        events: Arc::new(DynamoEvents::new(dynamodb.clone(), format!("{prefix}-EventsTable"))),
        feed: Arc::new(DynamoFeedLog::new(dynamodb.clone(), format!("{prefix}-FeedTable"))),
        replays: Arc::new(DynamoReplays::new(dynamodb.clone(), format!("{prefix}-ReplaysTable"))),
        bookings: Arc::new(DynamoBookings::new(dynamodb, format!("{prefix}-ReservationsTable"))),
        queue: Arc::new(queue),
        inbox: Arc::new(SqsInbox { client: sqs, queue_url, dead_letter_url }),
        _held: Box::new(()),
    }
}

/// Sends the template's own request, which the SDK can't read.
async fn create(endpoint: &str, prefix: &str, table: Table) {
    let mut request = table.create;
    request["TableName"] = format!("{prefix}-{}", table.name).into();
    let keys = format!("AWS4-HMAC-SHA256 Credential=test/20261121/{REGION}/dynamodb/aws4_request");
    let post = reqwest::Client::new().post(endpoint).body(request.to_string());
    let post = post.header("content-type", "application/x-amz-json-1.0").header("authorization", keys);
    let answer = post.header("x-amz-target", "DynamoDB_20120810.CreateTable").send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// The fallback queue with its dead-letter queue; shorter times than the template's, and fewer receives.
async fn queues(sqs: &aws_sdk_sqs::Client, prefix: &str, template: &Template) -> (String, String) {
    let within_group = template.queue_settings("FallbackQueue").unwrap().deduplicate_within_group;
    assert!(within_group, "the cases ask for it");
    let fifo = [
        (QueueAttributeName::FifoQueue, "true".to_owned()),
        (QueueAttributeName::DeduplicationScope, "messageGroup".to_owned()),
        (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId".to_owned()),
        (QueueAttributeName::VisibilityTimeout, VISIBILITY.as_secs().to_string()),
    ];
    let mut attributes = HashMap::from(fifo);
    let dead = sqs.create_queue().queue_name(format!("{prefix}-dead.fifo"));
    let dead = dead.set_attributes(Some(attributes.clone())).send().await.unwrap().queue_url.unwrap();
    let arn = sqs.get_queue_attributes().queue_url(&dead).attribute_names(QueueAttributeName::QueueArn);
    let arn = arn.send().await.unwrap().attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
    let redrive = json!({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}).to_string();
    attributes.insert(QueueAttributeName::RedrivePolicy, redrive);
    let queue = sqs.create_queue().queue_name(format!("{prefix}-fallback.fifo")).set_attributes(Some(attributes));
    (queue.send().await.unwrap().queue_url.unwrap(), dead)
}

struct SqsInbox {
    client: aws_sdk_sqs::Client,
    queue_url: String,
    dead_letter_url: String,
}

#[async_trait]
impl Inbox for SqsInbox {
    async fn receive(&self, most: usize) -> Vec<Received> {
        let receive = self.client.receive_message().queue_url(&self.queue_url);
        let receive = receive.max_number_of_messages(i32::try_from(most).unwrap());
        let received = receive.message_system_attribute_names(MessageSystemAttributeName::All).send().await.unwrap();
        let messages = received.messages.unwrap_or_default().into_iter().map(|message| {
            let attributes = message.attributes.unwrap();
            Received {
                receipt: message.receipt_handle.unwrap(),
                group: attributes[&MessageSystemAttributeName::MessageGroupId].clone(),
                body: message.body.unwrap(),
                receives: attributes[&MessageSystemAttributeName::ApproximateReceiveCount].parse().unwrap(),
            }
        });
        messages.collect()
    }

    async fn delete(&self, receipt: &str) {
        // Refused for a receipt that is no longer good; whether it was is what the case looks at.
        drop(self.client.delete_message().queue_url(&self.queue_url).receipt_handle(receipt).send().await);
    }

    async fn dead_letters(&self) -> Vec<Letter> {
        let mut letters = Vec::new();
        loop {
            let receive = self.client.receive_message().queue_url(&self.dead_letter_url).max_number_of_messages(10);
            let received = receive.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default();
            if received.is_empty() {
                return letters;
            }
            for message in received {
                // A message that waits for its deletion blocks those behind it.
                let delete = self.client.delete_message().queue_url(&self.dead_letter_url);
                delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
                let reason = message.message_attributes.and_then(|mut all| all.remove(REASON_ATTRIBUTE)?.string_value);
                letters.push(Letter { body: message.body.unwrap(), reason });
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a server of its own has its own clock")]
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time + Duration::from_millis(300)).await;
    }
}
