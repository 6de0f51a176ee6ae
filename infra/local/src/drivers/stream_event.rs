//! Stream records as Lambda hands them to a function.

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use dynoxide::actions::get_records::Record;
use serde_json::{Value, json};

use crate::engine::REGION;

/// A record of the stream: its number, and what the function would receive of it.
#[derive(Debug)]
pub(super) struct StreamRecord {
    /// Its sequence number.
    pub(super) sequence_number: String,
    json: Value,
}

impl StreamRecord {
    /// Takes over the engine's record.
    pub(super) fn new(record: &Record, stream_arn: &str) -> Result<Self, serde_json::Error> {
        let mut json = serde_json::to_value(record)?;
        json["eventSourceARN"] = stream_arn.into();
        json["awsRegion"] = REGION.into();
        Ok(Self { sequence_number: record.dynamodb.sequence_number.clone(), json })
    }

    /// What a filter looks at.
    pub(super) fn json(&self) -> &Value {
        &self.json
    }
}

/// The event of a batch.
pub(super) fn event<'a>(batch: impl Iterator<Item = &'a StreamRecord>) -> Result<Event, serde_json::Error> {
    let records: Vec<&Value> = batch.map(|record| &record.json).collect();
    serde_json::from_value(json!({ "Records": records }))
}

/// How many of the first records are done. An answer that names no record of the batch is a failure of all of it.
pub(super) fn done(numbers: &[&str], response: &DynamoDbEventResponse) -> usize {
    let place = |name: &Option<String>| {
        let name = name.as_deref().unwrap_or_default();
        numbers.iter().position(|number| *number == name).unwrap_or(0)
    };
    let failures = response.batch_item_failures.iter().map(|failure| place(&failure.item_identifier));
    failures.min().unwrap_or(numbers.len())
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::event::streams::DynamoDbBatchItemFailure;

    use super::*;

    fn response(failed: &[Option<&str>]) -> DynamoDbEventResponse {
        let mut response = DynamoDbEventResponse::default();
        for name in failed {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = name.map(str::to_owned);
            response.batch_item_failures.push(failure);
        }
        response
    }

    #[test]
    fn everything_before_the_lowest_failure_is_done() {
        let numbers = ["11", "12", "13"];
        assert_eq!(done(&numbers, &response(&[])), 3);
        assert_eq!(done(&numbers, &response(&[Some("13"), Some("12")])), 1);
        assert_eq!(done(&numbers, &response(&[Some("13"), Some("99")])), 0);
        assert_eq!(done(&numbers, &response(&[None])), 0);
    }

    #[test]
    fn is_an_event_lambda_would_send() {
        let item = |pending: &str| {
            serde_json::from_value(
                json!({"booking_code": {"S": "X"}, "pending_bytes": {"N": pending}, "recent": {"L": [{"B": "AAEC"}]}}),
            )
            .unwrap()
        };
        let record = Record {
            event_id: "e1".to_owned(),
            event_name: "INSERT".to_owned(),
            dynamodb: dynoxide::actions::get_records::StreamRecord {
                keys: serde_json::from_value(json!({"booking_code": {"S": "X"}})).unwrap(),
                new_image: Some(item("7")),
                sequence_number: "100000000000000000001".to_owned(),
                stream_view_type: "NEW_IMAGE".to_owned(),
                ..Default::default()
            },
            ..Record::default()
        };
        let record = StreamRecord::new(&record, "arn:s").unwrap();
        let event = event(std::iter::once(&record)).unwrap();
        assert_eq!(event.records[0].event_name, "INSERT");
        assert_eq!(event.records[0].event_source_arn.as_deref(), Some("arn:s"));
        assert_eq!(event.records[0].change.sequence_number.as_deref(), Some("100000000000000000001"));
        assert_eq!(event.records[0].change.new_image.len(), 3);
    }
}
