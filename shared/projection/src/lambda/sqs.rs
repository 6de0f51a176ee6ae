//! A batch of queue messages, each an envelope of the bus. What can't be finished is hidden for its pause and named in
//! the answer (`ReportBatchItemFailures`); the rest may go.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use booking_store::BookingCode;
use booking_store::failure::StoreFailure;
use futures::stream::{self, StreamExt};

use super::emit;
use crate::bus::{Incoming, parse};
use crate::counts::Counts;
use crate::delivery::{Delivery, Outcome};
use crate::ports::{Letter, Messages};
use crate::projection::Projection;
use crate::projector::Projector;

/// What is to be done about a message.
enum Verdict {
    Gone,
    Keep(Duration),
}

/// Works on one batch. `messages` is the queue it is from.
pub async fn handle<P: Projection>(
    projector: &Projector<P>,
    messages: &dyn Messages,
    event: SqsEvent,
) -> SqsBatchResponse {
    let mut counts = Counts::default();
    let mut deliveries = Vec::new();
    let mut delivered = Vec::new();
    let mut verdicts = Vec::new();
    for message in event.records {
        match parse(body(&message), projector.name()) {
            Ok(Incoming::Event(event, replay)) => {
                deliveries.push(Delivery { event: *event, replay, receives: receives(&message) });
                delivered.push(message);
            }
            Ok(Incoming::Resume(booking_code)) => {
                let verdict = resume(projector, &booking_code, &message, &mut counts).await;
                verdicts.push((message, verdict));
            }
            Ok(Incoming::NotOurs) => {
                counts.ignored += 1;
                verdicts.push((message, Verdict::Gone));
            }
            Err(malformed) => {
                let verdict = set_aside(projector, &message, malformed.to_string(), &mut counts).await;
                verdicts.push((message, verdict));
            }
        }
    }
    let report = projector.deliver(deliveries).await;
    counts += report.counts;
    verdicts.extend(delivered.into_iter().zip(report.outcomes.into_iter().map(verdict)));
    let response = keep(projector, messages, verdicts).await;
    emit(&counts, projector.name(), projector.ports.clock.as_ref());
    response
}

fn verdict(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Done(_) => Verdict::Gone,
        Outcome::Again(again) => Verdict::Keep(again.after),
    }
}

/// A dead letter that was moved back: one try at once. Until that could be made the letter waits; if its booking still
/// can't go on after it, it is a dead letter again.
async fn resume<P: Projection>(
    projector: &Projector<P>,
    booking_code: &BookingCode,
    message: &SqsMessage,
    counts: &mut Counts,
) -> Verdict {
    let resumed = projector.resume(booking_code).await;
    *counts += resumed.counts;
    let has_new_letter = resumed.counts.dead_lettered > 0;
    match (resumed.again, resumed.parked) {
        (Some(again), _) => Verdict::Keep(projector.wait(&again.why, receives(message))),
        (None, Some(parked)) if parked.dead_lettered && !has_new_letter => {
            set_aside(projector, message, parked.reason, counts).await
        }
        (None, _) => Verdict::Gone,
    }
}

/// Nothing helps this message: into the dead-letter queue with the reason.
async fn set_aside<P: Projection>(
    projector: &Projector<P>,
    message: &SqsMessage,
    reason: String,
    counts: &mut Counts,
) -> Verdict {
    let message_id = message.message_id.as_deref().unwrap_or_default();
    tracing::error!(projection = projector.name(), message_id, reason, "dead letter");
    let letter = Letter { booking_code: None, body: body(message).to_owned(), reason };
    match projector.ports.dead_letters.put(&letter).await {
        Ok(()) => {
            counts.dead_lettered += 1;
            Verdict::Gone
        }
        Err(failure) => {
            log(projector.name(), message, &failure);
            Verdict::Keep(projector.settings.pause(receives(message)))
        }
    }
}

/// Hides what is kept, and names it. If hiding fails the queue's own visibility timeout is the pause.
async fn keep<P: Projection>(
    projector: &Projector<P>,
    messages: &dyn Messages,
    verdicts: Vec<(SqsMessage, Verdict)>,
) -> SqsBatchResponse {
    let kept = verdicts.into_iter().filter_map(|(message, verdict)| match verdict {
        Verdict::Gone => None,
        Verdict::Keep(pause) => Some((message, pause)),
    });
    let hidden = stream::iter(kept).map(|(message, pause)| async move {
        let receipt = message.receipt_handle.as_deref().unwrap_or_default();
        if let Err(failure) = messages.back_off(receipt, pause).await {
            log(projector.name(), &message, &failure);
        }
        // The empty id, which no message has, fails the whole batch: better than a message that nobody has named.
        message.message_id.unwrap_or_default()
    });
    let ids: Vec<_> = hidden.buffered(projector.settings.concurrency.max(1)).collect().await;
    let mut response = SqsBatchResponse::default();
    ids.into_iter().for_each(|id| response.add_failure(id));
    response
}

fn body(message: &SqsMessage) -> &str {
    message.body.as_deref().unwrap_or_default()
}

fn receives(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

fn log(projection: &str, message: &SqsMessage, failure: &StoreFailure) {
    let message_id = message.message_id.as_deref().unwrap_or_default();
    tracing::warn!(projection, message_id, error = failure.chain(), "the queue did not answer");
}
