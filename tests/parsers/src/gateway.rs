//! A request as API Gateway hands it to a function.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::Request;
use serde_json::{Map, Value, json};

/// Longest path and query (AWS fact: request line and headers together).
const MAX_URI_BYTES: usize = 10_240;

/// The request of a payload (2.0), if API Gateway could have sent it: what the client chooses is taken from the
/// payload, what the gateway writes itself is what it always is.
pub(crate) fn request(payload: &[u8]) -> Option<Request> {
    let payload: Value = serde_json::from_slice(payload).ok()?;
    let context = &payload["requestContext"];
    let method = context["http"]["method"].as_str().unwrap_or("GET");
    let stage = if context["stage"] == "prod" { "prod" } else { "$default" };
    let path = payload["rawPath"].as_str().filter(|path| path.starts_with('/'))?;
    let query = payload["rawQueryString"].as_str().unwrap_or_default();
    if path.len() + query.len() > MAX_URI_BYTES {
        return None;
    }
    let body = payload["body"].as_str();
    let encoded = payload["isBase64Encoded"] == true && body.is_some();
    if encoded && STANDARD.decode(body.unwrap_or_default()).is_err() {
        return None;
    }
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(payload["headers"].as_object()),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "8xk2p7q1zd",
            "domainName": "8xk2p7q1zd.execute-api.eu-central-1.amazonaws.com",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
            "requestId": "UZk1xhHgFiAEJNw=",
            "stage": stage,
            "timeEpoch": 1_795_251_600_000_u64,
        },
        "body": body,
        "isBase64Encoded": encoded,
    });
    // A method or header that HTTP does not know reaches no function.
    lambda_kit::gateway::request(&event.to_string()).ok()
}

/// The client's headers by lower-case name.
fn headers(sent: Option<&Map<String, Value>>) -> Map<String, Value> {
    let sent = sent.into_iter().flatten().filter(|(_, value)| value.is_string());
    sent.map(|(name, value)| (name.to_lowercase(), value.clone())).collect()
}
