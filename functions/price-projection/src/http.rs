//! `GET /prices/{booking_code}`: parse, look, answer.

mod answer;

use std::sync::Arc;

use booking_store::Version;
use lambda_http::http::{Method, Response};
use lambda_http::{Body, Request};
use lambda_kit::http::{self, query_parameters};
use lambda_kit::problem::{FieldError, Problem};
use projection::Records;

use crate::price::Prices;

/// What the handler works with.
#[derive(Clone)]
pub struct Context {
    /// The projection's records.
    pub records: Arc<dyn Records>,
}

/// Answers one request; see the HTTP contract.
pub async fn handle(context: &Context, request: Request) -> Response<Body> {
    if request.method() != Method::GET {
        return Problem::method_not_allowed("GET").response();
    }
    let answered = match http::segments(&request).iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["prices", code] => price(context, code, &request).await,
        _ => Err(Problem::no_route(request.uri().path())),
    };
    answered.unwrap_or_else(|problem| {
        tracing::info!(status = problem.status.as_u16(), code = problem.code, "prices");
        problem.response()
    })
}

async fn price(context: &Context, code: &str, request: &Request) -> Result<Response<Body>, Problem> {
    let booking_code = http::booking_code(code)?;
    let min_version = min_version(request)?;
    let known = projection::current(&Prices, &*context.records, &booking_code).await.map_err(|failure| {
        tracing::warn!(booking_code = booking_code.as_str(), outcome = "unknown", error = failure.chain(), "prices");
        Problem::store_unavailable("The price can't be known now. Try again.", None)
    })?;
    answer::answer(&booking_code, min_version, known, request)
}

/// The version the reader was told when it wrote.
fn min_version(request: &Request) -> Result<Version, Problem> {
    let (mut min_version, mut errors) = (None, Vec::new());
    for (name, value) in query_parameters(request) {
        let number = value.parse().ok().filter(|number| *number >= 1);
        let wrong = match (name.as_str(), number) {
            ("min_version", _) if min_version.is_some() => "is there more than once",
            ("min_version", None) => "must be a whole number from 1 on",
            ("min_version", Some(number)) => {
                min_version = Some(Version::new(number));
                continue;
            }
            _ => "is not a known parameter; known is min_version",
        };
        errors.push(FieldError::new(format!("?{name}"), wrong));
    }
    if errors.is_empty() { Ok(min_version.unwrap_or(Version::NONE)) } else { Err(Problem::invalid_request(errors)) }
}
