//! The replay queue: one turn at a replay after another. The figures go to CloudWatch as embedded metrics.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use booking_store::Timestamp;
use booking_store::limits::{
    DRAIN_FIRST_BACKOFF, REPLAY_LONGEST_BACKOFF, REPLAY_TIME_TO_CHECKPOINT, REPLAY_WORKER_TIMEOUT,
};
use booking_store::metrics;
use booking_store::replays::work::{Ran, Report, work};
use booking_store::replays::{Ports, Status, Turn};
use serde_json::json;

/// What is left of the function's time when it stops sending.
pub const TIME_TO_CHECKPOINT: Duration = REPLAY_TIME_TO_CHECKPOINT;

/// Works on one batch until `deadline`. The answer names the messages to keep: one whose replay can't go on now, and those
/// behind it in its group.
pub async fn handle(ports: &Ports, event: SqsEvent, deadline: Option<Timestamp>) -> SqsBatchResponse {
    let deadline = deadline.unwrap_or_else(|| {
        let time = REPLAY_WORKER_TIMEOUT.saturating_sub(TIME_TO_CHECKPOINT).as_millis();
        let end = ports.clock.now().unix_milliseconds().saturating_add(i64::try_from(time).unwrap_or(0));
        Timestamp::from_unix_milliseconds(end).unwrap_or(ports.clock.now())
    });
    let mut response = SqsBatchResponse::default();
    let mut kept_groups = Vec::new();
    for message in event.records {
        let group = message.attributes.get("MessageGroupId").cloned().unwrap_or_default();
        if kept_groups.contains(&group) || !is_done(ports, &message, deadline).await {
            back_off(ports, &message).await;
            kept_groups.push(group);
            response.add_failure(message.message_id.unwrap_or_default());
        }
    }
    response
}

/// Takes one turn; whether its message may be deleted.
async fn is_done(ports: &Ports, message: &SqsMessage, deadline: Timestamp) -> bool {
    let body = message.body.as_deref().unwrap_or_default();
    let turn = match Turn::decode(body) {
        Ok(turn) => turn,
        Err(malformed) => {
            // Kept: deleting what is not understood could lose what somebody put here by mistake. The queue moves it to
            // its dead letters in the end, and it blocks nobody's group but its own.
            tracing::error!(outcome = "malformed", bytes = body.len(), error = malformed.to_string(), "replay");
            return false;
        }
    };
    let report = work(ports, &turn, deadline).await;
    log(&turn, &report);
    emit(&report, ports.clock.now());
    match report.ran {
        Ran::Ended(_) | Ran::HandedOn | Ran::Superseded | Ran::NoSuchReplay => true,
        Ran::Overtaken | Ran::Waits(_) => false,
    }
}

fn log(turn: &Turn, report: &Report) {
    let (replay_id, turn) = (turn.replay_id.to_string(), turn.turn);
    let (events_sent, errors) = (report.events_sent, report.errors);
    let outcome = match &report.ran {
        Ran::Ended(Status::Failed) => {
            tracing::error!(replay_id, turn, events_sent, errors, outcome = "failed", "replay");
            return;
        }
        Ran::Waits(failure) => {
            let error = failure.chain();
            tracing::warn!(replay_id, turn, events_sent, errors, outcome = "waits", error, "replay");
            return;
        }
        Ran::NoSuchReplay => {
            tracing::error!(replay_id, turn, outcome = "no_such_replay", "replay");
            return;
        }
        Ran::Ended(Status::Done) => "done",
        Ran::Ended(Status::Cancelled) => "cancelled",
        Ran::Ended(Status::Running) | Ran::HandedOn => "handed_on",
        Ran::Superseded => "superseded",
        Ran::Overtaken => "overtaken",
    };
    tracing::info!(replay_id, turn, events_sent, errors, outcome, "replay");
}

/// Hides the message for longer each time it comes back in vain. If this fails, the queue's own time-out is the pause.
async fn back_off(ports: &Ports, message: &SqsMessage) {
    let receives = message.attributes.get("ApproximateReceiveCount");
    let pause = pause(receives.and_then(|count| count.parse().ok()).unwrap_or(1));
    let receipt = message.receipt_handle.as_deref().unwrap_or_default();
    if let Err(failure) = ports.turns.back_off(receipt, pause).await {
        tracing::warn!(outcome = "no_back_off", error = failure.chain(), "replay");
    }
}

/// Capped exponential, by how often the message was received.
fn pause(receives: u32) -> Duration {
    let doublings = receives.saturating_sub(1).min(16);
    DRAIN_FIRST_BACKOFF.saturating_mul(1 << doublings).min(REPLAY_LONGEST_BACKOFF)
}

/// CloudWatch's embedded metric format.
fn emit(report: &Report, now: Timestamp) {
    let names = ["ReplayEventsSent", "ReplayErrors", "ReplaysFailed"];
    let counted = names.map(|name| json!({"Name": name, "Unit": "Count"}));
    let line = json!({
        "_aws": {
            "Timestamp": now.unix_milliseconds(),
            "CloudWatchMetrics": [{"Namespace": "BookingStore", "Dimensions": [[]], "Metrics": counted}],
        },
        "ReplayEventsSent": report.events_sent,
        "ReplayErrors": report.errors,
        "ReplaysFailed": u8::from(matches!(report.ran, Ran::Ended(Status::Failed))),
    });
    metrics::emit(&line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_its_cap() {
        assert_eq!(pause(1), DRAIN_FIRST_BACKOFF);
        assert_eq!(pause(3), DRAIN_FIRST_BACKOFF * 4);
        assert_eq!(pause(1000), REPLAY_LONGEST_BACKOFF);
    }
}
