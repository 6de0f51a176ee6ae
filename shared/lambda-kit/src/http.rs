//! Requests taken apart and answers put together.

use booking_store::BookingCode;
use lambda_http::http::{HeaderValue, Response, StatusCode, header};
use lambda_http::{Body, Request, RequestExt};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::{FieldError, Problem};

/// What the paths of the HTTP API begin with.
const FIRST_SEGMENTS: [&str; 5] = ["bookings", "health", "feed", "prices", "replays"];

/// Bytes of a hash in an `ETag`.
const TAG_BYTES: usize = 12;

/// The path's segments from the first one of the API's own on, percent-decoded. What comes before is a stage or a mapping.
pub fn segments(request: &Request) -> Vec<String> {
    // API Gateway hands the path over decoded; a '#' in it must not be taken for the end of the URI's path.
    let path = Some(request.raw_http_path()).filter(|path| !path.is_empty()).unwrap_or(request.uri().path());
    let decoded = path.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned());
    decoded.skip_while(|part| !FIRST_SEGMENTS.contains(&part.as_str())).collect()
}

/// The query's parameters, decoded, in order.
pub fn query_parameters(request: &Request) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let query = request.uri().query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// The path's booking code.
///
/// # Errors
/// 400 naming what is wrong with it.
pub fn booking_code(segment: &str) -> Result<BookingCode, Problem> {
    BookingCode::parse(segment)
        .map_err(|error| Problem::invalid_request(vec![FieldError::new("{booking_code}", error)]))
}

/// A JSON answer.
pub fn respond(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    // Our own types serialise; a failure would be a bug, and an empty body with a 500 says so.
    let (status, json) = match serde_json::to_string(body) {
        Ok(json) => (status, json),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            (StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
    };
    let mut response = Response::new(Body::Text(json));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether the client has the representation tagged `etag` (with its quotes) and asks only for another one.
pub fn is_known(request: &Request, etag: &str) -> bool {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == etag || tag == "*")
}

/// A JSON answer tagged by a hash of its content; 304 without it if the client has it already.
pub fn respond_tagged(status: StatusCode, body: &impl Serialize, request: &Request) -> Response<Body> {
    let mut response = respond(status, body);
    let hash = Sha256::digest(response.body().as_ref());
    let etag = hash.iter().take(TAG_BYTES).fold("\"".to_owned(), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
    if response.status() == status && is_known(request, &etag) {
        response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}
