//! The fallback queue: settle each message, in order within its group, groups side by side.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use booking_store::failure::StoreFailure;
use booking_store::limits::{DRAIN_FIRST_BACKOFF, DRAIN_LONGEST_BACKOFF};
use booking_store::ports::Stores;
use booking_store::protocol::drain::{Drained, drain};
use booking_store::queue_message::QueueMessage;
use futures::future::join_all;

/// Works on one batch. The answer names the messages to keep: the first one of a group that could not be settled and
/// all behind it, so that the group stays in order; other groups go on.
pub async fn handle(stores: &Stores, event: SqsEvent) -> SqsBatchResponse {
    let kept = join_all(by_group(event.records).into_iter().map(|group| work_group(stores, group))).await;
    let mut response = SqsBatchResponse::default();
    for message_id in kept.into_iter().flatten() {
        response.add_failure(message_id);
    }
    response
}

fn by_group(messages: Vec<SqsMessage>) -> Vec<(String, Vec<SqsMessage>)> {
    let mut groups: Vec<(String, Vec<SqsMessage>)> = Vec::new();
    for message in messages {
        let name = message.attributes.get("MessageGroupId").cloned().unwrap_or_default();
        match groups.iter_mut().find(|(group, _)| *group == name) {
            Some((_, messages)) => messages.push(message),
            None => groups.push((name, vec![message])),
        }
    }
    groups
}

/// Works on a group until a message has to wait; returns the ids of the messages to keep.
async fn work_group(stores: &Stores, (group, messages): (String, Vec<SqsMessage>)) -> Vec<String> {
    let mut messages = messages.into_iter();
    while let Some(message) = messages.next() {
        if let Err(failure) = work(stores, &group, &message).await {
            tracing::warn!(booking_code = group, outcome = "not_yet", error = failure.chain(), "drain");
            let kept: Vec<_> = std::iter::once(message).chain(messages).collect();
            back_off(stores, &group, &kept).await;
            return kept.into_iter().filter_map(|message| message.message_id).collect();
        }
    }
    Vec::new()
}

/// Settles one message, or moves it to the dead-letter queue. An error means that it must wait.
async fn work(stores: &Stores, group: &str, message: &SqsMessage) -> Result<(), StoreFailure> {
    let body = message.body.as_deref().unwrap_or_default();
    let reason = match QueueMessage::decode(body) {
        Err(malformed) => malformed.to_string(),
        Ok(order) => match drain(stores, &order).await {
            Drained::Settled => {
                tracing::info!(booking_code = group, outcome = "settled", "drain");
                return Ok(());
            }
            Drained::Conflict => {
                tracing::warn!(booking_code = group, outcome = "conflict", "drain");
                return Ok(());
            }
            Drained::NotYet(failure) => return Err(failure),
            Drained::Unworkable(reason) => reason,
        },
    };
    tracing::error!(booking_code = group, outcome = "dead_letter", reason, "drain");
    let message_id = message.message_id.as_deref().unwrap_or_default();
    stores.queue.dead_letter(group, message_id, body, &reason).await
}

/// Hides the messages for longer each time the first one fails. Those behind it get the same pause, after it: one that
/// stayed hidden for the queue's own visibility timeout would block the group that long. If this fails, that timeout is
/// the pause.
async fn back_off(stores: &Stores, group: &str, kept: &[SqsMessage]) {
    let receives = kept.first().and_then(|message| message.attributes.get("ApproximateReceiveCount"));
    let pause = pause(receives.and_then(|count| count.parse().ok()).unwrap_or(1));
    for message in kept {
        let receipt = message.receipt_handle.as_deref().unwrap_or_default();
        if let Err(failure) = stores.queue.back_off(receipt, pause).await {
            tracing::warn!(booking_code = group, outcome = "no_back_off", error = failure.chain(), "drain");
        }
    }
}

/// Capped exponential, by how often the message was received.
fn pause(receives: u32) -> Duration {
    let doublings = receives.saturating_sub(1).min(16);
    DRAIN_FIRST_BACKOFF.saturating_mul(1 << doublings).min(DRAIN_LONGEST_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_its_cap() {
        assert_eq!(pause(1), DRAIN_FIRST_BACKOFF);
        assert_eq!(pause(2), DRAIN_FIRST_BACKOFF * 2);
        assert_eq!(pause(1000), DRAIN_LONGEST_BACKOFF);
    }
}
