//! Cancelling a replay: its worker finds out when it saves next.

use super::ports::Saved;
use super::{Ports, Replay, ReplayId, Status};
use crate::failure::{FailureKind, Store, StoreFailure};
use crate::limits::REPLAY_CANCEL_ATTEMPTS;

/// How a cancellation ended.
#[derive(Debug)]
pub enum Cancelled {
    /// It is cancelled, now or before.
    Done(Box<Replay>),
    /// It had ended otherwise.
    NotRunning(Box<Replay>),
    /// There is no such replay.
    NotFound,
    /// A store fails, or the worker was faster each time.
    Unavailable {
        /// Whether the replay may be cancelled all the same.
        outcome_unknown: bool,
        /// What failed.
        cause: StoreFailure,
    },
}

/// Cancels a replay. Idempotent.
pub async fn cancel(ports: &Ports, replay_id: ReplayId) -> Cancelled {
    let unavailable = |cause: StoreFailure| {
        // A read has no effect, whatever became of it.
        let outcome_unknown = cause.effect_possible;
        Cancelled::Unavailable { outcome_unknown, cause }
    };
    let mut present = match ports.replays.get(replay_id).await {
        Ok(present) => present,
        Err(cause) => return Cancelled::Unavailable { outcome_unknown: false, cause },
    };
    let by = ports.ids.event_id();
    for _ in 0..REPLAY_CANCEL_ATTEMPTS {
        let Some(mut replay) = present else { return Cancelled::NotFound };
        match replay.status {
            Status::Running => {}
            Status::Cancelled => return Cancelled::Done(Box::new(replay)),
            Status::Done | Status::Failed => return Cancelled::NotRunning(Box::new(replay)),
        }
        (replay.updated_at, replay.written_by) = (ports.clock.now(), by);
        replay.end(Status::Cancelled, replay.updated_at);
        match ports.replays.save(&replay).await {
            Ok(Saved::Done) => {
                replay.revision += 1;
                return Cancelled::Done(Box::new(replay));
            }
            Ok(Saved::Moved(other)) => present = other.map(|other| *other),
            Err(cause) => return unavailable(cause),
        }
    }
    let cause = StoreFailure::new(Store::Replays, FailureKind::Contended).because("the worker saved first each time");
    unavailable(cause)
}
