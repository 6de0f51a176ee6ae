//! `POST /bookings/{booking_code}/events`: parse, append, answer.

mod answer;
mod request;

use std::sync::Arc;

use booking_store::clock::Ids;
use booking_store::ports::Stores;
use booking_store::protocol::append::{Outcome, append};
use lambda_http::http::{Method, Response};
use lambda_http::{Body, Request};
use lambda_kit::{Problem, http};

/// What the handler works with.
#[derive(Clone)]
pub struct Context {
    /// The stores.
    pub stores: Stores,
    /// Ids for events whose client names none.
    pub ids: Arc<dyn Ids>,
    /// Whether a new booking may be deferred while the arbiter is unreachable.
    pub deferred_accept: bool,
}

/// Answers one request; see the HTTP contract in the README.
pub async fn handle(context: &Context, request: Request) -> Response<Body> {
    let segments = http::segments(&request);
    let code = match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["bookings", code, "events"] => (*code).to_owned(),
        _ => return Problem::no_route(request.uri().path()).response(),
    };
    if request.method() != Method::POST {
        return Problem::method_not_allowed("POST").response();
    }
    let parsed = match request::parse(&code, &request, &*context.ids) {
        Ok(parsed) => parsed,
        Err(problem) => {
            tracing::info!(status = problem.status.as_u16(), code = problem.code, "refused");
            return problem.response();
        }
    };
    let booking_code = parsed.booking_code.clone();
    let event_id = parsed.events.first().map(|event| event.event_id.to_string());
    let outcome = append(&context.stores, parsed, context.deferred_accept).await;
    log(booking_code.as_str(), event_id.as_deref().unwrap_or_default(), &outcome);
    answer::answer(&booking_code, outcome)
}

fn log(booking_code: &str, event_id: &str, outcome: &Outcome) {
    let (name, cause) = match outcome {
        Outcome::Accepted { cause: None, replayed: true, .. } => ("replayed", None),
        Outcome::Accepted { cause: None, .. } => ("recorded", None),
        Outcome::Accepted { cause: Some(cause), .. } => ("pending", Some(cause)),
        Outcome::Deferred { cause, .. } => ("deferred", Some(cause)),
        Outcome::BookingCodeTaken => ("booking-code-taken", None),
        Outcome::VersionConflict { .. } => ("version-conflict", None),
        Outcome::BookingNotFound => ("booking-not-found", None),
        Outcome::EventIdReused(_) => ("event-id-reused", None),
        Outcome::PendingLimitReached => ("pending-limit-reached", None),
        Outcome::Unavailable { outcome_unknown: true, cause } => ("unknown", Some(cause)),
        Outcome::Unavailable { outcome_unknown: false, cause } => ("not_accepted", Some(cause)),
    };
    match cause {
        Some(cause) => tracing::warn!(booking_code, event_id, outcome = name, error = cause.chain(), "append"),
        None => tracing::info!(booking_code, event_id, outcome = name, "append"),
    }
}
