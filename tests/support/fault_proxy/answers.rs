//! What the services say when they say no, as their JSON protocols put it on the wire.

use booking_store::failure::Store;
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::{Response, StatusCode};
use serde_json::json;

use super::{Call, Garbage, Refusal};

/// A body that may end in the middle.
pub(super) type Body = BoxBody<Bytes, std::io::Error>;

/// A whole body.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// A service's refusal.
pub(super) fn refusal(call: &Call, refusal: Refusal) -> Response<Body> {
    let word = match (call.store, refusal) {
        (Some(Store::Bus), Refusal::EntryThrottled) => return entry("ThrottlingException"),
        (Some(Store::Bus), Refusal::EntryFailed) => return entry("InternalFailure"),
        (Some(Store::Queue), _) => "RequestThrottled",
        (Some(Store::Bus), _) => "ThrottlingException",
        (_, Refusal::Contended) => "ReplicatedWriteConflictException",
        (_, Refusal::Throughput) => "ProvisionedThroughputExceededException",
        (_, Refusal::Throttled | Refusal::EntryThrottled | Refusal::EntryFailed) => "ThrottlingException",
    };
    error(call, StatusCode::BAD_REQUEST, word)
}

/// 500: the service has failed and says so.
pub(super) fn server_error(call: &Call) -> Response<Body> {
    let word = match call.store {
        Some(Store::Queue) => "InternalFailure",
        Some(Store::Bus) => "InternalException",
        _ => "InternalServerError",
    };
    error(call, StatusCode::INTERNAL_SERVER_ERROR, word)
}

/// 503 from in front of the service.
pub(super) fn unavailable() -> Response<Body> {
    let mut response = Response::new(whole("upstream connect error or disconnect/reset before headers"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// A 200 that is no answer.
pub(super) fn garbage(garbage: Garbage) -> Response<Body> {
    let json = Response::builder().header("content-type", "application/x-amz-json-1.0");
    match garbage {
        Garbage::Html => Response::builder()
            .header("content-type", "text/html")
            .body(whole("<html><head><title>Welcome</title></head><body>Please sign in.</body></html>")),
        Garbage::CutJson => json.body(whole(r#"{"Attributes":{"booking_code":{"S":"#)),
        Garbage::CutBody => {
            let part = Ok(hyper::body::Frame::data(Bytes::from_static(br#"{"Attributes":{"#)));
            let broken = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
            let body = http_body_util::StreamBody::new(futures::stream::iter([part, broken]));
            json.header("content-length", "400").body(BodyExt::boxed(body))
        }
    }
    .unwrap()
}

fn entry(word: &str) -> Response<Body> {
    let entry = json!({"ErrorCode": word, "ErrorMessage": "The entry was not taken."});
    let answer = json!({"FailedEntryCount": 1, "Entries": [entry]});
    Response::builder().header("content-type", "application/x-amz-json-1.1").body(whole(answer.to_string())).unwrap()
}

fn error(call: &Call, status: StatusCode, word: &str) -> Response<Body> {
    let space = match call.store {
        Some(Store::Queue) => "com.amazonaws.sqs#",
        Some(Store::Bus) => "",
        _ => "com.amazonaws.dynamodb.v20120810#",
    };
    let body = json!({"__type": format!("{space}{word}"), "message": "The request was not served."});
    let mut response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    if call.store == Some(Store::Queue) {
        // SQS names its errors as it did before it spoke JSON.
        let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
        response = response.header("x-amzn-query-error", format!("{word};{fault}"));
    }
    response.body(whole(body.to_string())).unwrap()
}
