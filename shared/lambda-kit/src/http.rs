//! Requests taken apart and answers put together.

use booking_store::BookingCode;
use lambda_http::http::{HeaderValue, Response, StatusCode, header};
use lambda_http::{Body, Request, RequestExt};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::problem::{FieldError, Problem};

/// The path's segments from `bookings` (or `health`) on, percent-decoded. What comes before is a stage or a mapping.
pub fn segments(request: &Request) -> Vec<String> {
    // API Gateway hands the path over decoded; a '#' in it must not be taken for the end of the URI's path.
    let path = Some(request.raw_http_path()).filter(|path| !path.is_empty()).unwrap_or(request.uri().path());
    let decoded = path.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned());
    decoded.skip_while(|part| part != "bookings" && part != "health").collect()
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
