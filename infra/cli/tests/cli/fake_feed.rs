//! The fake server's feed and replays: one partition, and a replay that moves each time it is looked at.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[derive(Debug, Default)]
pub(crate) struct Told {
    /// How many events the feed has.
    pub(crate) events: usize,
    /// The queries it was asked.
    pub(crate) queries: Vec<HashMap<String, String>>,
    /// How many of the next questions are answered 503.
    pub(crate) silent: usize,
    /// The replays' requests by id, and how often each was looked at.
    pub(crate) replays: HashMap<String, (Value, usize)>,
    /// How a replay ends.
    pub(crate) end: &'static str,
    /// With how many errors.
    pub(crate) errors: u64,
}

type Shared = Arc<Mutex<Told>>;

/// A server at work; it ends when it is dropped.
pub(crate) struct FakeFeed {
    pub(crate) url: String,
    pub(crate) told: Shared,
    _runtime: Runtime,
}

impl FakeFeed {
    pub(crate) fn new(told: Told) -> Self {
        let told = Arc::new(Mutex::new(told));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/feed", get(feed))
            .route("/feed/partitions", get(heads))
            .route("/replays", post(start))
            .route("/replays/{id}", get(look))
            .route("/replays/{id}/cancel", post(cancel))
            .with_state(told.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { url, told, _runtime: runtime }
    }
}

async fn feed(State(told): State<Shared>, Query(query): Query<HashMap<String, String>>) -> Response {
    let mut told = told.lock().unwrap();
    told.queries.push(query.clone());
    if told.silent > 0 {
        told.silent -= 1;
        let problem = json!({"title": "A store is unavailable", "status": 503, "code": "store-unavailable"});
        return (StatusCode::SERVICE_UNAVAILABLE, problem.to_string()).into_response();
    }
    let after = query.get("after").map_or(0, |after| after.trim_start_matches("v1-").parse().unwrap());
    let limit: usize = query["limit"].parse().unwrap();
    let last = told.events.min(after + limit);
    let events: Vec<String> = (after + 1..=last).map(event).collect();
    let end = last == told.events;
    format!("{{\"events\":[{}],\"next\":\"v1-{last}\",\"end\":{end}}}", events.join(",")).into_response()
}

async fn heads(State(told): State<Shared>) -> Response {
    let events = told.lock().unwrap().events;
    format!("{{\"partitions\":1,\"positions\":[{events}],\"next\":\"v1-{events}\"}}").into_response()
}

/// The n-th event, with a number that no float holds.
pub(crate) fn event(n: usize) -> String {
    format!(
        "{{\"partition\":0,\"position\":{n},\"booking_code\":\"B-{n}\",\"version\":1,\"event_id\":\"x\",\
         \"type\":\"BookingPriced\",\"occurred_at\":\"2026-11-21T09:00:00.000Z\",\
         \"accepted_at\":\"2026-11-21T09:00:00.000Z\",\"status\":\"recorded\",\
         \"data\":{{\"total\": {n}.10000000000000000001}},\"metadata\":null}}"
    )
}

async fn start(State(told): State<Shared>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let mut told = told.lock().unwrap();
    let id = request["replay_id"].as_str().unwrap().to_owned();
    told.replays.insert(id.clone(), (request, 0));
    (StatusCode::ACCEPTED, view(&told, &id, "running").to_string()).into_response()
}

async fn look(State(told): State<Shared>, Path(id): Path<String>) -> Response {
    let mut told = told.lock().unwrap();
    let Some((_, looks)) = told.replays.get_mut(&id) else {
        let problem = json!({"title": "No such replay", "status": 404, "code": "replay-not-found"});
        return (StatusCode::NOT_FOUND, problem.to_string()).into_response();
    };
    *looks += 1;
    let status = if *looks < 2 { "running" } else { told.end };
    view(&told, &id, status).to_string().into_response()
}

async fn cancel(State(told): State<Shared>, Path(id): Path<String>) -> Response {
    view(&told.lock().unwrap(), &id, "cancelled").to_string().into_response()
}

fn view(told: &Told, id: &str, status: &str) -> Value {
    let looks = told.replays.get(id).map_or(0, |(_, looks)| *looks);
    json!({"replay_id": id, "consumer": "c", "selection": {"all": true}, "rate_per_s": 100, "status": status,
        "bookings_done": looks, "bookings_total_estimate": 2, "events_sent": looks * 3, "errors": told.errors,
        "failed_bookings": [], "rate": 3.0, "waiting_for": null, "failure": null,
        "started_at": "2026-11-21T09:00:00.000Z", "updated_at": "2026-11-21T09:00:00.000Z", "finished_at": null})
}
