//! Paged lists: `?after=` a place and `?limit=` so many.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use lambda_kit::problem::FieldError;
use serde_json::json;

use super::{App, Shared, broken, invalid, shown};
use crate::drivers::failed_batches as given_up;
use crate::queue;

/// Entries of a page when nobody names a limit.
const DEFAULT_LIMIT: u32 = 100;
/// Most entries of a page.
const MAX_LIMIT: u32 = 1000;

/// The page asked for.
pub(super) struct Page {
    /// Entries after this place.
    pub(super) after: i64,
    /// At most so many.
    pub(super) limit: u32,
    /// Of this rule only.
    pub(super) rule: Option<String>,
}

/// The query's parameters as a page; `rule` only where it means something.
pub(super) fn page(query: Query<BTreeMap<String, String>>, with_rule: bool) -> Result<Page, Vec<FieldError>> {
    let (mut page, mut errors) = (Page { after: 0, limit: DEFAULT_LIMIT, rule: None }, Vec::new());
    for (name, value) in query.0 {
        match name.as_str() {
            "after" => match value.parse() {
                Ok(after) => page.after = after,
                Err(_) => errors.push(FieldError::new("?after", "must be a whole number")),
            },
            "limit" => match value.parse() {
                Ok(limit @ 1..=MAX_LIMIT) => page.limit = limit,
                Ok(_) | Err(_) => errors.push(FieldError::new("?limit", format!("must be 1 to {MAX_LIMIT}"))),
            },
            "rule" if with_rule => page.rule = Some(value),
            _ => errors.push(FieldError::new(format!("?{name}"), "is not a parameter of this route")),
        }
    }
    if errors.is_empty() { Ok(page) } else { Err(errors) }
}

/// `/local/dead-letters`: what queues and rules gave up on, with the reason.
pub(super) async fn dead_letters(State(app): Shared, query: Query<BTreeMap<String, String>>) -> Response {
    letters(&app, query, None).await
}

/// Dead letters, of one source if it is named.
pub(super) async fn letters(app: &App, query: Query<BTreeMap<String, String>>, source: Option<String>) -> Response {
    let page = match page(query, false) {
        Ok(page) => page,
        Err(errors) => return invalid(errors),
    };
    let letters = queue::dead_letters(&app.parts.ledger, page.after, page.limit, source).await;
    shown(letters.map(|letters| {
        let next = letters.last().map_or(page.after, |last| last.n);
        json!({ "dead_letters": letters, "next": next })
    }))
}

/// `/local/failed-batches`: what the stream's failure destination got.
pub(super) async fn failed_batches(State(app): Shared, query: Query<BTreeMap<String, String>>) -> Response {
    let page = match page(query, false) {
        Ok(page) => page,
        Err(errors) => return invalid(errors),
    };
    match given_up(&app.parts.ledger, page.after, page.limit).await {
        Ok(batches) => {
            let next = batches.last().map_or(page.after, |(n, _)| *n);
            let notices = batches.iter().map(|(_, notice)| serde_json::from_str(notice).unwrap_or_default());
            let notices: Vec<serde_json::Value> = notices.collect();
            Json(json!({ "failed_batches": notices, "next": next })).into_response()
        }
        Err(error) => broken(&error),
    }
}
