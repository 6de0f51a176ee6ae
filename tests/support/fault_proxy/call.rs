//! What a plan knows of a call.

use booking_store::failure::Store;
use hyper::HeaderMap;

/// A call of an AWS API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whose port it came in by.
    pub caller: &'static str,
    /// The store it is for, if it is for one of ours.
    pub store: Option<Store>,
    /// The operation, such as `PutItem`.
    pub operation: String,
}

impl Call {
    /// Reads the JSON protocols' header; of a table's call also which table the body names.
    pub(super) fn of(caller: &'static str, headers: &HeaderMap, body: &[u8]) -> Self {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let (service, operation) = target.split_once('.').unwrap_or_default();
        let store = match service {
            "AmazonSQS" => Some(Store::Queue),
            "AWSEvents" => Some(Store::Bus),
            _ if service.starts_with("DynamoDB_") => table(body),
            _ => None,
        };
        Self { caller, store, operation: operation.to_owned() }
    }

    /// Whether it can change anything.
    pub fn writes(&self) -> bool {
        !matches!(self.operation.as_str(), "GetItem" | "BatchGetItem" | "Query" | "Scan" | "DescribeTable")
    }
}

fn table(body: &[u8]) -> Option<Store> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let name = body["TableName"].as_str()?;
    // As the template names them, with or without what a deployment adds.
    match (name.contains("Reservations"), name.contains("Events")) {
        (true, false) => Some(Store::Reservations),
        (false, true) => Some(Store::Events),
        _ => None,
    }
}
