//! `GET /bookings/{booking_code}`, `…/events`, `…/events/{event_id}` and `/health`: parse, read, answer.

mod answer;
mod request;

use booking_store::ports::Stores;
use booking_store::protocol::read::Outcome;
use booking_store::protocol::{lookup, read};
use booking_store::{BookingCode, EventId};
use lambda_http::http::{Method, Response};
use lambda_http::{Body, Request};
use lambda_kit::http;
use lambda_kit::problem::{FieldError, Problem};

/// Answers one request; see the HTTP contract in the README.
pub async fn handle(stores: &Stores, request: Request) -> Response<Body> {
    let segments = http::segments(&request);
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    if request.method() != Method::GET {
        return Problem::method_not_allowed("GET").response();
    }
    let answered = match segments.as_slice() {
        ["health"] => Ok(answer::health(stores).await),
        ["bookings", code] => summary(stores, code, &request).await,
        ["bookings", code, "events"] => events(stores, code, &request).await,
        ["bookings", code, "events", event_id] => event(stores, code, event_id, &request).await,
        _ => Err(Problem::no_route(request.uri().path())),
    };
    answered.unwrap_or_else(|problem| {
        tracing::info!(status = problem.status.as_u16(), code = problem.code, "read");
        problem.response()
    })
}

async fn events(stores: &Stores, code: &str, request: &Request) -> Result<Response<Body>, Problem> {
    let query = request::query(code, request)?;
    let page = found(read::read(stores, &query).await, &query.booking_code)?;
    if let Some(min_version) = query.min_version.filter(|min| page.complete && *min > page.version) {
        return Err(answer::not_reached(&query.booking_code, min_version, page.version));
    }
    Ok(answer::page(&query.booking_code, page, request))
}

async fn summary(stores: &Stores, code: &str, request: &Request) -> Result<Response<Body>, Problem> {
    let booking_code = http::booking_code(code)?;
    request::no_parameters(request)?;
    let (reservation, conflicts) = found(lookup::summary(stores, &booking_code).await, &booking_code)?;
    Ok(answer::summary(&reservation, &conflicts))
}

async fn event(stores: &Stores, code: &str, id: &str, request: &Request) -> Result<Response<Body>, Problem> {
    let booking_code = http::booking_code(code)?;
    let event_id =
        EventId::parse(id).map_err(|error| Problem::invalid_request(vec![FieldError::new("{event_id}", error)]))?;
    request::no_parameters(request)?;
    let located = found(lookup::event(stores, &booking_code, event_id).await, &booking_code)?;
    answer::event(&booking_code, event_id, located)
}

fn found<T>(outcome: Outcome<T>, booking_code: &BookingCode) -> Result<T, Problem> {
    match outcome {
        Outcome::Found(found) => Ok(found),
        Outcome::NotFound => Err(Problem::booking_not_found(booking_code.as_str())),
        Outcome::Unknown(cause) => {
            tracing::warn!(booking_code = booking_code.as_str(), outcome = "unknown", error = cause.chain(), "read");
            Err(Problem::store_unavailable("What the booking holds can't be known now. Try again.", None))
        }
    }
}
