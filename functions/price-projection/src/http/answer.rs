//! What is known of a price, as an answer (HTTP contract).

use booking_store::{BookingCode, EventId, Timestamp, Version};
use lambda_http::http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::respond_tagged;
use projection::Current;
use projection::record::Parked;
use serde::Serialize;

use crate::price::{Price, Status};
use crate::total::Total;

#[derive(Serialize)]
struct PriceBody<'a> {
    booking_code: &'a BookingCode,
    version: Version,
    total: Option<&'a Total>,
    currency: Option<&'a str>,
    state: Status,
    as_of: Timestamp,
    parked: Option<ParkedBody<'a>>,
}

/// The event at which the price stands still.
#[derive(Serialize)]
struct ParkedBody<'a> {
    version: Version,
    event_id: EventId,
    reason: &'a str,
    attempts: u32,
    since: Timestamp,
    /// `None`: only on demand.
    retry_at: Option<Timestamp>,
}

impl<'a> ParkedBody<'a> {
    fn of(parked: &'a Parked) -> Self {
        Self {
            version: parked.version,
            event_id: parked.event_id,
            reason: &parked.reason,
            attempts: parked.attempts,
            since: parked.since,
            retry_at: (!parked.dead_lettered).then_some(parked.retry_at),
        }
    }
}

/// The answer: the price up to `min_version` at least, or why there is none.
pub(super) fn answer(
    booking_code: &BookingCode,
    min_version: Version,
    known: Current<Option<Price>>,
    request: &Request,
) -> Result<Response<Body>, Problem> {
    let (price, record) = match known {
        Current::State(price, record) => (price, Some(record)),
        Current::Absent => (None, None),
        Current::Outdated(_) => return Err(outdated(booking_code)),
    };
    let version = record.as_ref().map_or(Version::NONE, |record| record.position);
    let parked = record.as_ref().and_then(|record| record.parked.as_ref());
    if version < min_version {
        return Err(behind(booking_code, min_version, version, parked));
    }
    let Some(price) = price else { return Err(not_found(booking_code, version, parked)) };
    let body = PriceBody {
        booking_code,
        version,
        total: price.total.as_ref(),
        currency: price.currency.as_deref(),
        state: price.state,
        as_of: price.as_of,
        parked: parked.map(ParkedBody::of),
    };
    Ok(respond_tagged(StatusCode::OK, &body, request))
}

/// 503: the price is stored as other code than this stores it, as between two deployments.
fn outdated(booking_code: &BookingCode) -> Problem {
    let detail = format!("The price of booking {booking_code} is stored in another form and has yet to be made anew.");
    let title = "The projection is behind";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "projection-behind", title, detail)
}

/// 404: the projection knows no price of the booking.
fn not_found(booking_code: &BookingCode, version: Version, parked: Option<&Parked>) -> Problem {
    let detail = match version {
        Version::NONE => format!("Nothing is known here of a booking {booking_code}."),
        version => format!("No event of booking {booking_code} up to version {version} names a price."),
    };
    let problem = Problem::new(StatusCode::NOT_FOUND, "price-not-found", "No price is known", detail);
    with_parked(problem, parked)
}

/// 503: the reader knows of a later version than the projection.
fn behind(booking_code: &BookingCode, min: Version, version: Version, parked: Option<&Parked>) -> Problem {
    let detail = format!("The price of booking {booking_code} is known up to version {version}, not yet up to {min}.");
    let title = "The projection is behind";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "projection-behind", title, detail)
        .with("min_version", min.get())
        .with("actual_version", version.get());
    with_parked(problem, parked)
}

/// Says so if trying again soon is no use.
fn with_parked(problem: Problem, parked: Option<&Parked>) -> Problem {
    match parked.and_then(|parked| serde_json::to_value(ParkedBody::of(parked)).ok()) {
        Some(parked) => problem.with("parked", parked),
        None => problem,
    }
}
