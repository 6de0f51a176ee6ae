//! `POST /replays`, `GET /replays/{replay_id}`, `POST /replays/{replay_id}/cancel`: parse, act, answer.

mod answer;
mod request;

use booking_store::failure::StoreFailure;
use booking_store::replays::cancel::{Cancelled, cancel};
use booking_store::replays::start::{Started, start};
use booking_store::replays::{Ports, ReplayId};
use lambda_http::http::{Method, Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::problem::{FieldError, Problem};

/// Answers one request; see the HTTP contract in docs/openapi.yaml.
pub async fn handle(ports: &Ports, request: Request) -> Response<Body> {
    let segments = lambda_kit::http::segments(&request);
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    let (post, get) = (request.method() == Method::POST, request.method() == Method::GET);
    let answered = match segments.as_slice() {
        ["replays", ..] if !lambda_kit::http::query_parameters(&request).is_empty() => {
            Err(request::unknown_parameters(&request))
        }
        ["replays"] if post => order(ports, &request).await,
        ["replays"] => Err(Problem::method_not_allowed("POST")),
        ["replays", id] if get => show(ports, id).await,
        ["replays", _] => Err(Problem::method_not_allowed("GET")),
        ["replays", id, "cancel"] if post => stop(ports, id).await,
        ["replays", _, "cancel"] => Err(Problem::method_not_allowed("POST")),
        _ => Err(Problem::no_route(request.uri().path())),
    };
    answered.unwrap_or_else(|problem| {
        tracing::info!(status = problem.status.as_u16(), code = problem.code, "replays");
        problem.response()
    })
}

async fn order(ports: &Ports, request: &Request) -> Result<Response<Body>, Problem> {
    let order = request::order(request, &*ports.ids)?;
    let replay_id = order.replay_id;
    let (name, answered) = match start(ports, order).await {
        Started::New(replay) => ("ordered", Ok(answer::ordered(StatusCode::ACCEPTED, &replay))),
        Started::Before(replay) => ("ordered_before", Ok(answer::ordered(StatusCode::OK, &replay))),
        Started::OtherOrder => ("replay-id-reused", Err(answer::id_reused(replay_id))),
        Started::Unavailable { outcome_unknown, replay_id, cause } => {
            failed(replay_id, &cause);
            return Err(answer::not_ordered(replay_id, outcome_unknown));
        }
    };
    tracing::info!(replay_id = replay_id.to_string(), outcome = name, "replays");
    answered
}

async fn show(ports: &Ports, id: &str) -> Result<Response<Body>, Problem> {
    let replay_id = parse_id(id)?;
    match ports.replays.get(replay_id).await {
        Ok(Some(replay)) => Ok(answer::shown(&replay)),
        Ok(None) => Err(answer::not_found(replay_id)),
        Err(cause) => {
            failed(replay_id, &cause);
            Err(Problem::store_unavailable("How the replay is can't be known now. Try again.", None))
        }
    }
}

async fn stop(ports: &Ports, id: &str) -> Result<Response<Body>, Problem> {
    let replay_id = parse_id(id)?;
    match cancel(ports, replay_id).await {
        Cancelled::Done(replay) => {
            tracing::info!(replay_id = replay_id.to_string(), outcome = "cancelled", "replays");
            Ok(answer::shown(&replay))
        }
        Cancelled::NotRunning(replay) => Err(answer::not_running(&replay)),
        Cancelled::NotFound => Err(answer::not_found(replay_id)),
        Cancelled::Unavailable { outcome_unknown, cause } => {
            failed(replay_id, &cause);
            Err(answer::not_cancelled(outcome_unknown))
        }
    }
}

fn parse_id(segment: &str) -> Result<ReplayId, Problem> {
    ReplayId::parse(segment).map_err(|error| Problem::invalid_request(vec![FieldError::new("{replay_id}", error)]))
}

fn failed(replay_id: ReplayId, cause: &StoreFailure) {
    tracing::warn!(replay_id = replay_id.to_string(), outcome = "unavailable", error = cause.chain(), "replays");
}
