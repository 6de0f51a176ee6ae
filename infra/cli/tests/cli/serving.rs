//! The fake server on a port of its own, and the faults that need one: lost answers, hanging, 401.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::fake_server::{Faults, Reply, Store, problem};

/// A page holds so many events, so that every longer booking is paged.
const PAGE: usize = 3;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Store>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap()
    }
}

/// A server at work; it ends when it is dropped.
pub(crate) struct Serving {
    pub(crate) url: String,
    shared: Shared,
    _runtime: Runtime,
}

impl Serving {
    pub(crate) fn new(faults: Faults) -> Self {
        let shared = Shared::default();
        shared.lock().faults = faults;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/health", get(|| async { "{}" }))
            .route("/bookings/{code}", get(status))
            .route("/bookings/{code}/events", get(read).post(append))
            .route("/bookings/{code}/events/{id}", get(read_event))
            .layer(from_fn_with_state(shared.clone(), authorize))
            .with_state(shared.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { url, shared, _runtime: runtime }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.shared.lock()
    }

    /// Waits until the store holds so many bookings.
    pub(crate) fn wait_for_bookings(&self, wanted: usize) {
        for _ in 0..3_000 {
            if self.store().bookings.len() >= wanted {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{wanted} bookings never came");
    }
}

fn response((status, body, replayed): Reply, retry_after: u64) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    if status == 503 {
        response.headers_mut().insert("retry-after", retry_after.into());
    }
    if replayed {
        response.headers_mut().insert("idempotency-replayed", "true".parse().unwrap());
    }
    response
}

async fn authorize(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let wanted = shared.lock().faults.authorization.clone();
    let found = request.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    if wanted.is_some() && wanted != found {
        return response(problem(401, "unauthorized", json!({"detail": "no token"})), 0);
    }
    next.run(request).await
}

async fn append(State(shared): State<Shared>, Path(code): Path<String>, body: Bytes) -> Response {
    let (faults, number) = {
        let mut store = shared.lock();
        store.appends += 1;
        (store.faults.clone(), store.appends)
    };
    let every = |n: u64| n > 0 && number.is_multiple_of(n);
    sleep(Duration::from_millis(faults.append_millis)).await;
    if every(faults.refuse_every) {
        return response(problem(503, "store-unavailable", json!({"outcome": "not_accepted"})), faults.retry_after);
    }
    let reply = shared.lock().append(&code, &body);
    if every(faults.hang_every) {
        sleep(Duration::from_millis(1500)).await;
    }
    if every(faults.lose_every) {
        return response(problem(503, "store-unavailable", json!({"outcome": "unknown"})), faults.retry_after);
    }
    response(reply, 0)
}

async fn read(
    State(shared): State<Shared>,
    Path(code): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let limit = number("limit").unwrap_or(PAGE).min(PAGE);
    response(shared.lock().read(&code, number("from_version").unwrap_or(1), limit), 0)
}

async fn read_event(State(shared): State<Shared>, Path((code, id)): Path<(String, String)>) -> Response {
    response(shared.lock().read_event(&code, &id), 0)
}

async fn status(State(shared): State<Shared>, Path(code): Path<String>) -> Response {
    response(shared.lock().status(&code), 0)
}
