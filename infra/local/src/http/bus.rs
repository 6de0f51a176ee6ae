//! `/local/bus` and `/local/rules`: what the bus took, and where its rules send it.

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
use crate::bus::{InvalidRule, Retry, Target};

/// What a rule looks like.
const EXAMPLE: &str = "must be an object such as {\"pattern\":{\"source\":[\"booking.events\"]},\"target\":{\"queue\":\"mine\"}}; \
     target is {\"queue\":name} or {\"webhook\":url} and can be left out, as can \"retry\":{\"max_retries\":n,\"max_age_s\":n}";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleBody {
    pattern: Value,
    target: Option<Target>,
    #[serde(default)]
    retry: Retry,
}

/// Deliveries in their order.
pub(super) async fn deliveries(State(app): Shared, query: Query<BTreeMap<String, String>>) -> Response {
    match listing::page(query, true) {
        Ok(page) => shown(app.parts.bus.deliveries(page.after, page.limit, page.rule.as_deref()).await),
        Err(errors) => invalid(errors),
    }
}

/// Every rule.
pub(super) async fn rules(State(app): Shared) -> Response {
    Json(json!({ "rules": app.parts.bus.all_rules() })).into_response()
}

/// Adds or replaces a rule.
pub(super) async fn put_rule(State(app): Shared, Path(name): Path<String>, body: Body) -> Response {
    let body = match whole_body(body).await {
        Ok(body) => body,
        Err(too_large) => return too_large,
    };
    let Ok(RuleBody { pattern, target, retry }) = serde_json::from_slice(&body) else {
        return invalid(vec![FieldError::new("", EXAMPLE)]);
    };
    match app.parts.bus.put_rule(&name, &pattern, target, retry).await {
        Ok(rule) => Json(rule).into_response(),
        Err(error) => refused(error),
    }
}

/// Removes a rule.
pub(super) async fn delete_rule(State(app): Shared, Path(name): Path<String>) -> Response {
    match app.parts.bus.delete_rule(&name).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => no_rule(&name),
        Err(error) => refused(error),
    }
}

/// What a rule gave up.
pub(super) async fn dead_letters(
    State(app): Shared,
    Path(name): Path<String>,
    query: Query<BTreeMap<String, String>>,
) -> Response {
    if !app.parts.bus.all_rules().iter().any(|rule| rule.name == name) {
        return no_rule(&name);
    }
    listing::letters(&app, query, Some(format!("rule {name}"))).await
}

/// Sends what a rule gave up again.
pub(super) async fn redrive(State(app): Shared, Path(name): Path<String>) -> Response {
    match app.parts.bus.redrive(&name).await {
        Ok(Some(sent)) => Json(json!({ "sent": sent })).into_response(),
        Ok(None) => no_rule(&name),
        Err(error) => broken(&error),
    }
}

fn refused(error: InvalidRule) -> Response {
    let pointer = match &error {
        InvalidRule::Name => "{name}",
        InvalidRule::Pattern(_) => "/pattern",
        InvalidRule::Webhook => "/target/webhook",
        InvalidRule::Queue(_) => "/target/queue",
        InvalidRule::Fixed(_) => {
            let title = "The rule is the template's";
            return problem(Problem::new(StatusCode::CONFLICT, "rule-is-fixed", title, error.to_string()));
        }
        InvalidRule::Bus(error) => return broken(error),
    };
    invalid(vec![FieldError::new(pointer, error)])
}

fn no_rule(name: &str) -> Response {
    let detail = format!("There is no rule {name} with something to deliver.");
    problem(Problem::new(StatusCode::NOT_FOUND, "rule-not-found", "No such rule", detail))
}
