//! `/local/queues`: receive from and send to the queues, as SQS would let one.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use booking_store::Timestamp;
use booking_store::limits::MAX_QUEUE_MESSAGE_BYTES;
use lambda_kit::Problem;
use lambda_kit::problem::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::{Shared, broken, invalid, problem, status, whole_body};
use crate::ledger::LedgerError;
use crate::queue::{LocalQueue, Received};

/// Most messages of one receive (AWS fact).
const MAX_MESSAGES: u64 = 10;
/// Longest wait for a message (AWS fact).
const MAX_WAIT_S: u64 = 20;
/// Longest time that a message can be hidden (AWS fact).
const MAX_VISIBILITY_S: u64 = 12 * 3600;

/// A received message on the wire.
#[derive(Serialize)]
struct Message {
    message_id: String,
    /// Names this receive of it; deletes it or hides it longer.
    receipt: String,
    /// How often it was received, this time included.
    receives: u32,
    sent_at: Option<Timestamp>,
    /// What was sent, as text.
    body: String,
}

/// How to receive.
struct Receive {
    most: u64,
    wait: Duration,
    visibility: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hide {
    visibility_timeout_s: u64,
}

/// Every queue and what it holds.
pub(super) async fn list(State(app): Shared) -> Response {
    super::shown(status::queues(&app).await.map(|queues| json!({ "queues": queues })))
}

/// Receives: what is shown here is hidden from everybody else until it is deleted or its time is over.
pub(super) async fn receive(
    State(app): Shared,
    Path(name): Path<String>,
    query: Query<BTreeMap<String, String>>,
) -> Response {
    let Some(queue) = app.parts.queues.get(&name) else { return unknown(&name) };
    let how = match how(query) {
        Ok(how) => how,
        Err(errors) => return invalid(errors),
    };
    match take(&queue, how).await {
        Ok(received) => {
            let messages: Vec<Message> = received.into_iter().map(Message::from).collect();
            Json(json!({ "messages": messages })).into_response()
        }
        Err(error) => broken(&error),
    }
}

/// Sends the body to a standard queue.
pub(super) async fn send(State(app): Shared, Path(name): Path<String>, body: Body) -> Response {
    let body = match whole_body(body).await {
        Ok(body) => body,
        Err(too_large) => return too_large,
    };
    let Some(queue) = app.parts.queues.get(&name) else { return unknown(&name) };
    if queue.settings().fifo {
        return fifo(&name);
    }
    match String::from_utf8(body.to_vec()) {
        Ok(text) if (1..=MAX_QUEUE_MESSAGE_BYTES).contains(&text.len()) => match queue.push(text).await {
            Ok(()) => StatusCode::ACCEPTED.into_response(),
            Err(error) => broken(&error),
        },
        Ok(_) | Err(_) => {
            let message = format!("must be 1 to {MAX_QUEUE_MESSAGE_BYTES} bytes of text");
            invalid(vec![FieldError::new("", message)])
        }
    }
}

/// Puts a standard queue's dead letters back into it.
pub(super) async fn redrive(State(app): Shared, Path(name): Path<String>) -> Response {
    match app.parts.queues.get(&name) {
        Some(queue) if queue.settings().fifo => fifo(&name),
        Some(queue) => super::shown(queue.redrive().await.map(|sent| json!({ "sent": sent }))),
        None => unknown(&name),
    }
}

/// Deletes a received message.
pub(super) async fn delete(State(app): Shared, Path((name, receipt)): Path<(String, String)>) -> Response {
    match app.parts.queues.get(&name) {
        Some(queue) => settled(queue.delete(&receipt).await),
        None => unknown(&name),
    }
}

/// Hides a received message for another time from now on; 0 gives it back.
pub(super) async fn hide(State(app): Shared, Path((name, receipt)): Path<(String, String)>, body: Body) -> Response {
    let body = match whole_body(body).await {
        Ok(body) => body,
        Err(too_large) => return too_large,
    };
    let Some(queue) = app.parts.queues.get(&name) else { return unknown(&name) };
    match serde_json::from_slice(&body) {
        Ok(Hide { visibility_timeout_s: seconds @ 0..=MAX_VISIBILITY_S }) => {
            settled(queue.change_visibility(&receipt, Duration::from_secs(seconds)).await)
        }
        Ok(_) | Err(_) => {
            let example = format!("must be {{\"visibility_timeout_s\":n}} with n from 0 to {MAX_VISIBILITY_S}");
            invalid(vec![FieldError::new("", example)])
        }
    }
}

fn unknown(name: &str) -> Response {
    let detail = format!("There is no queue {name}; a rule with the target {{\"queue\":\"{name}\"}} makes one.");
    problem(Problem::new(StatusCode::NOT_FOUND, "queue-not-found", "No such queue", detail))
}

fn fifo(name: &str) -> Response {
    let detail = format!("{name} is a FIFO queue; only its own senders know groups and deduplication ids.");
    problem(Problem::new(StatusCode::CONFLICT, "queue-is-fifo", "Not a standard queue", detail))
}

fn settled(done: Result<bool, LedgerError>) -> Response {
    match done {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => {
            let detail = "The message is deleted, was received again, or its visibility time is over.";
            problem(Problem::new(StatusCode::GONE, "receipt-expired", "The receipt is no longer good", detail))
        }
        Err(error) => broken(&error),
    }
}

async fn take(queue: &LocalQueue, how: Receive) -> Result<Vec<Received>, LedgerError> {
    let until = Instant::now() + how.wait;
    let visibility = how.visibility.unwrap_or(queue.settings().visibility_timeout);
    loop {
        let received = queue.receive_for(usize::try_from(how.most).unwrap_or(1), visibility).await?;
        if !received.is_empty() || Instant::now() >= until {
            return Ok(received);
        }
        // Woken or not: look again, and once more at the end.
        drop(timeout_at(until, queue.wait(how.wait)).await);
    }
}

fn how(query: Query<BTreeMap<String, String>>) -> Result<Receive, Vec<FieldError>> {
    let (mut how, mut errors) = (Receive { most: 1, wait: Duration::ZERO, visibility: None }, Vec::new());
    for (name, value) in query.0 {
        let number = value.parse::<u64>().ok();
        let mut within = |least: u64, most: u64| {
            let number = number.filter(|number| (least..=most).contains(number));
            if number.is_none() {
                errors.push(FieldError::new(
                    format!("?{name}"),
                    format!("must be a whole number from {least} to {most}"),
                ));
            }
            number
        };
        match name.as_str() {
            "max" => how.most = within(1, MAX_MESSAGES).unwrap_or(1),
            "wait_s" => how.wait = Duration::from_secs(within(0, MAX_WAIT_S).unwrap_or(0)),
            "visibility_timeout_s" => how.visibility = within(0, MAX_VISIBILITY_S).map(Duration::from_secs),
            _ => {
                let known = "is not a parameter of this route; known are max, wait_s and visibility_timeout_s";
                errors.push(FieldError::new(format!("?{name}"), known));
            }
        }
    }
    if errors.is_empty() { Ok(how) } else { Err(errors) }
}

impl From<Received> for Message {
    fn from(received: Received) -> Self {
        Self {
            message_id: received.message_id,
            receipt: received.receipt,
            receives: received.receives,
            sent_at: Timestamp::from_unix_milliseconds(received.sent_at),
            body: received.body,
        }
    }
}
