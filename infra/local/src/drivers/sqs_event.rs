//! Queue messages as Lambda hands them to a function.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::{Value, json};

use crate::engine::REGION;
use crate::queue::Received;
use crate::template::QueueSettings;

/// The event of a batch.
pub(super) fn event(batch: &[Received], queue: &QueueSettings) -> Result<SqsEvent, serde_json::Error> {
    let records: Vec<Value> = batch.iter().map(|message| record(message, queue)).collect();
    serde_json::from_value(json!({ "Records": records }))
}

fn record(message: &Received, queue: &QueueSettings) -> Value {
    let mut attributes = json!({
        "ApproximateReceiveCount": message.receives.to_string(),
        "ApproximateFirstReceiveTimestamp": message.first_received_at.to_string(),
        "SentTimestamp": message.sent_at.to_string(),
        "SenderId": "local",
    });
    if queue.fifo {
        attributes["SequenceNumber"] = format!("{:020}", message.sequence_number).into();
        attributes["MessageGroupId"] = message.group.as_str().into();
        attributes["MessageDeduplicationId"] = message.deduplication_id.as_str().into();
    }
    let suffix = if queue.fifo { ".fifo" } else { "" };
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:000000000000:{}{suffix}", queue.name),
        "awsRegion": REGION,
    })
}

/// The messages to delete. An answer that names no message of the batch is a failure of all of it.
pub(super) fn done<'a>(batch: &'a [Received], response: &SqsBatchResponse) -> Vec<&'a Received> {
    let failed: Vec<&str> =
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    let known = |id: &&str| batch.iter().any(|message| message.message_id == **id);
    if !failed.iter().all(known) {
        return Vec::new();
    }
    batch.iter().filter(|message| !failed.contains(&message.message_id.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> Received {
        Received {
            message_id: id.to_owned(),
            receipt: format!("{id}#3"),
            group: "X1".to_owned(),
            deduplication_id: "d".to_owned(),
            body: "{}".to_owned(),
            sequence_number: 7,
            sent_at: 1,
            first_received_at: 2,
            receives: 3,
        }
    }

    #[test]
    fn is_an_event_lambda_would_send() {
        let standard = QueueSettings::standard("Prices".to_owned());
        let plain = event(&[message("m1")], &standard).unwrap();
        assert!(!plain.records[0].attributes.contains_key("MessageGroupId"));
        assert!(plain.records[0].event_source_arn.as_deref().is_some_and(|arn| arn.ends_with(":Prices")));
        let fifo = QueueSettings { fifo: true, ..standard };
        let event = event(&[message("m1")], &fifo).unwrap();
        let record = &event.records[0];
        assert_eq!(record.message_id.as_deref(), Some("m1"));
        assert_eq!(record.receipt_handle.as_deref(), Some("m1#3"));
        assert_eq!(record.attributes["ApproximateReceiveCount"], "3");
        assert_eq!(record.attributes["MessageGroupId"], "X1");
        assert_eq!(record.event_source.as_deref(), Some("aws:sqs"));
    }

    #[test]
    fn what_is_not_named_is_done() {
        let batch = [message("m1"), message("m2")];
        let done_after = |failed: &[&str]| {
            let mut response = SqsBatchResponse::default();
            failed.iter().for_each(|id| response.add_failure((*id).to_owned()));
            done(&batch, &response).iter().map(|message| message.message_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(done_after(&[]), ["m1", "m2"]);
        assert_eq!(done_after(&["m1"]), ["m2"]);
        assert_eq!(done_after(&["m1", ""]), [""; 0]);
    }
}
