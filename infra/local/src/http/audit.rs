//! `/local/audit`: the audit, now.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lambda_kit::Problem;

use super::{Shared, problem};
use crate::drivers::invoke;

/// Runs the function and shows its report.
pub(super) async fn run(State(app): Shared) -> Response {
    let stores = app.audit.clone();
    match invoke("audit", async move { audit::handle(&stores, None).await }).await {
        Some(report) => Json(report).into_response(),
        None => {
            let (status, detail) = (StatusCode::INTERNAL_SERVER_ERROR, "The function crashed; the log says how.");
            problem(Problem::new(status, "internal-error", "Internal error", detail))
        }
    }
}
