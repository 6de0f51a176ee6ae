//! HTTP on the loopback: the API of template.yaml through its gateway, and `/local/…` for whoever tries things out.

mod audit;
mod bus;
mod faults;
mod gateway;
mod listing;
mod queues;
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post, put};
use booking_store::Timestamp;
use booking_store::clock::{Clock, System};
use booking_store::ports::Stores;
use lambda_kit::problem::{FieldError, Problem};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::drivers::Checkpoint;
use crate::functions::HttpFunction;
use crate::ledger::LedgerError;
use crate::parts::Parts;
use crate::template::Route;

/// Largest body (AWS fact: what API Gateway lets through).
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// What the routes work with.
pub struct App {
    /// What the functions share.
    pub parts: Parts,
    /// The functions behind the API, by logical id.
    pub functions: BTreeMap<&'static str, HttpFunction>,
    /// The audit function's stores.
    pub audit: Stores,
    /// Where the stream's readers are.
    pub checkpoints: Vec<Checkpoint>,
    /// The bookings counted last, and at which place of the stream.
    pub counted: Mutex<Option<(i64, u64)>>,
    /// When all this started.
    pub started: Timestamp,
}

impl App {
    /// Routes over `parts` to `functions`.
    pub fn new(parts: Parts, functions: BTreeMap<&'static str, HttpFunction>, checkpoints: Vec<Checkpoint>) -> Self {
        let (audit, counted, started) = (parts.function(), Mutex::new(None), System.now());
        Self { parts, functions, audit, checkpoints, counted, started }
    }
}

type Shared = State<Arc<App>>;

/// All routes.
pub fn router(app: Arc<App>, routes: &[Route]) -> Router {
    let local = Router::new()
        .route("/local/faults", get(faults::show).put(faults::switch))
        .route("/local/status", get(status::show))
        .route("/local/bus", get(bus::deliveries))
        .route("/local/rules", get(bus::rules))
        .route("/local/rules/{name}", put(bus::put_rule).delete(bus::delete_rule))
        .route("/local/rules/{name}/dead-letters", get(bus::dead_letters))
        .route("/local/rules/{name}/redrive", post(bus::redrive))
        .route("/local/queues", get(queues::list))
        .route("/local/queues/{name}/messages", get(queues::receive).post(queues::send))
        .route("/local/queues/{name}/messages/{receipt}", delete(queues::delete).patch(queues::hide))
        .route("/local/queues/{name}/redrive", post(queues::redrive))
        .route("/local/audit", post(audit::run))
        .route("/local/dead-letters", get(listing::dead_letters))
        .route("/local/failed-batches", get(listing::failed_batches))
        .method_not_allowed_fallback(wrong_method);
    let api = gateway::by_path(routes).into_iter().fold(local, |router, (path, api)| {
        let api = Arc::new(api);
        router.route(&path, any(move |app, parameters, request| gateway::serve(api.clone(), app, parameters, request)))
    });
    api.fallback(no_route).with_state(app)
}

async fn no_route(uri: Uri) -> Response {
    problem(Problem::no_route(uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let detail = format!("{} does not take {method}.", uri.path());
    let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    // The router says in `Allow` what it takes.
    problem(Problem::new(status, "method-not-allowed", "Method not allowed", detail))
}

/// A problem as the functions answer it.
fn problem(problem: Problem) -> Response {
    answer(problem.response())
}

/// Several things wrong with a request.
fn invalid(errors: Vec<FieldError>) -> Response {
    problem(Problem::invalid_request(errors))
}

/// The embedded system itself has failed.
fn broken(error: &dyn std::error::Error) -> Response {
    tracing::error!(error = crate::chain(error), "the embedded system failed");
    let detail = "The embedded system failed; its log says how.";
    let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
    problem(Problem::new(status, "internal-error", "Internal error", detail))
}

/// A function's answer on the wire.
fn answer(response: lambda_http::Response<lambda_http::Body>) -> Response {
    response.map(|body| match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        // Empty, and whatever the library adds.
        lambda_http::Body::Empty | _ => Body::empty(),
    })
}

/// What the ledger found, as JSON.
fn shown<T: Serialize>(found: Result<T, LedgerError>) -> Response {
    match found {
        Ok(found) => axum::Json(found).into_response(),
        Err(error) => broken(&error),
    }
}

/// The body, or a 413.
async fn whole_body(body: Body) -> Result<axum::body::Bytes, Response> {
    axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
        let (status, detail) =
            (axum::http::StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 10 MB, or broke off.");
        problem(Problem::new(status, "request-too-large", "Request too large", detail))
    })
}
