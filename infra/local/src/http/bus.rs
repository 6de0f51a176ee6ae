//! `/local/bus` and `/local/rules`: what the bus delivered, and to whom it would have gone.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lambda_kit::Problem;
use lambda_kit::problem::FieldError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, broken, invalid, listing, problem, shown, whole_body};
use crate::bus::InvalidRule;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleBody {
    pattern: Value,
}

/// Deliveries in their order.
pub(super) async fn deliveries(State(app): Shared, query: Query<BTreeMap<String, String>>) -> Response {
    match listing::page(query, true) {
        Ok(page) => shown(app.bus.deliveries(page.after, page.limit, page.rule.as_deref()).await),
        Err(errors) => invalid(errors),
    }
}

/// Every rule.
pub(super) async fn rules(State(app): Shared) -> Response {
    shown(app.bus.rules().await.map(|rules| json!({ "rules": rules })))
}

/// Adds or replaces a rule.
pub(super) async fn put_rule(State(app): Shared, Path(name): Path<String>, body: Body) -> Response {
    let body = match whole_body(body).await {
        Ok(body) => body,
        Err(too_large) => return too_large,
    };
    let Ok(RuleBody { pattern }) = serde_json::from_slice(&body) else {
        return invalid(vec![FieldError::new(
            "",
            "must be an object such as {\"pattern\":{\"source\":[\"booking.events\"]}}",
        )]);
    };
    match app.bus.put_rule(&name, &pattern).await {
        Ok(()) => Json(json!({ "name": name, "pattern": pattern })).into_response(),
        Err(error @ InvalidRule::Name) => invalid(vec![FieldError::new("{name}", error)]),
        Err(error @ InvalidRule::Pattern(_)) => invalid(vec![FieldError::new("/pattern", error)]),
        Err(InvalidRule::Bus(error)) => broken(&error),
    }
}

/// Removes a rule.
pub(super) async fn delete_rule(State(app): Shared, Path(name): Path<String>) -> Response {
    match app.bus.delete_rule(&name).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => {
            let detail = format!("There is no rule {name}.");
            problem(Problem::new(StatusCode::NOT_FOUND, "rule-not-found", "No such rule", detail))
        }
        Err(error) => broken(&error),
    }
}
