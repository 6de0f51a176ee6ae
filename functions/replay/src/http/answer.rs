//! The answers about replays (HTTP contract).

use booking_store::replays::{FailedBooking, Replay, ReplayId, Selection, Status};
use booking_store::{BookingCode, Timestamp};
use lambda_http::Body;
use lambda_http::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use lambda_kit::Problem;
use lambda_kit::http::respond;
use serde::Serialize;

#[derive(Serialize)]
struct ReplayBody<'a> {
    replay_id: ReplayId,
    consumer: &'a str,
    selection: SelectionBody<'a>,
    rate_per_s: u32,
    status: Status,
    bookings_done: u64,
    bookings_total_estimate: Option<u64>,
    events_sent: u64,
    errors: u64,
    failed_bookings: &'a [FailedBooking],
    rate: f64,
    waiting_for: Option<&'a str>,
    failure: Option<&'a str>,
    started_at: Timestamp,
    updated_at: Timestamp,
    finished_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum SelectionBody<'a> {
    BookingCodes { booking_codes: &'a [BookingCode] },
    Accepted { accepted_from: Timestamp, accepted_to: Timestamp },
    All { all: bool },
}

fn body(replay: &Replay) -> ReplayBody<'_> {
    ReplayBody {
        replay_id: replay.order.replay_id,
        consumer: replay.order.consumer.as_str(),
        selection: match &replay.order.selection {
            Selection::BookingCodes(booking_codes) => SelectionBody::BookingCodes { booking_codes },
            Selection::Accepted { from, to } => SelectionBody::Accepted { accepted_from: *from, accepted_to: *to },
            Selection::All => SelectionBody::All { all: true },
        },
        rate_per_s: replay.order.rate_per_s,
        status: replay.status,
        bookings_done: replay.progress.bookings_done,
        bookings_total_estimate: replay.progress.bookings_total,
        events_sent: replay.progress.events_sent,
        errors: replay.progress.errors,
        failed_bookings: &replay.progress.failed,
        rate: replay.rate(),
        waiting_for: replay.waiting.as_ref().map(|waiting| waiting.reason.as_str()),
        failure: replay.failure.as_deref(),
        started_at: replay.started_at,
        updated_at: replay.updated_at,
        finished_at: replay.finished_at,
    }
}

/// A replay as it is.
pub(super) fn shown(replay: &Replay) -> Response<Body> {
    respond(StatusCode::OK, &body(replay))
}

/// A replay ordered now (202) or before (200).
pub(super) fn ordered(status: StatusCode, replay: &Replay) -> Response<Body> {
    let mut response = respond(status, &body(replay));
    if let Ok(location) = HeaderValue::from_str(&format!("/replays/{}", replay.order.replay_id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if status == StatusCode::OK {
        let replayed = HeaderName::from_static("idempotency-replayed");
        response.headers_mut().insert(replayed, HeaderValue::from_static("true"));
    }
    response
}

pub(super) fn id_reused(replay_id: ReplayId) -> Problem {
    let detail = format!("Replay id {replay_id} was used before for another order.");
    let title = "The replay id is used for something else";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "replay-id-reused", title, detail)
        .with("replay_id", replay_id.to_string())
}

pub(super) fn not_found(replay_id: ReplayId) -> Problem {
    let detail = format!("There is no replay {replay_id}.");
    Problem::new(StatusCode::NOT_FOUND, "replay-not-found", "No such replay", detail)
}

pub(super) fn not_running(replay: &Replay) -> Problem {
    let status = match replay.status {
        Status::Running => "running",
        Status::Done => "done",
        Status::Cancelled => "cancelled",
        Status::Failed => "failed",
    };
    let detail = format!("Replay {} is {status}; there is nothing to cancel.", replay.order.replay_id);
    Problem::new(StatusCode::CONFLICT, "replay-not-running", "The replay has ended", detail)
}

pub(super) fn not_ordered(replay_id: ReplayId, outcome_unknown: bool) -> Problem {
    let problem = if outcome_unknown {
        let detail = "Whether the replay is ordered is not known. Send the same request again, with this replay_id.";
        Problem::store_unavailable(detail, Some("unknown"))
    } else {
        Problem::store_unavailable("Nothing was ordered. Try again.", Some("not_accepted"))
    };
    problem.with("replay_id", replay_id.to_string())
}

pub(super) fn not_cancelled(outcome_unknown: bool) -> Problem {
    if outcome_unknown {
        let detail = "Whether the replay is cancelled is not known. Send the request again.";
        Problem::store_unavailable(detail, Some("unknown"))
    } else {
        Problem::store_unavailable("The replay is not cancelled. Try again.", Some("not_accepted"))
    }
}
