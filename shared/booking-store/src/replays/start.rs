//! Ordering a replay: stored, then its first turn queued.

use super::ports::Created;
use super::{Order, Ports, Replay, ReplayId, Selection, Status};
use crate::failure::StoreFailure;

/// How an order ended.
#[derive(Debug)]
pub enum Started {
    /// Ordered now.
    New(Box<Replay>),
    /// The same was ordered before: as it is. Its present turn was queued again if it runs, in case its message is lost.
    Before(Box<Replay>),
    /// The id is used for another order.
    OtherOrder,
    /// A store fails.
    Unavailable {
        /// Whether the replay may be stored all the same.
        outcome_unknown: bool,
        /// Its id: the same order with this id finds out.
        replay_id: ReplayId,
        /// What failed.
        cause: StoreFailure,
    },
}

/// Orders a replay. The same order under the same id is the same replay.
pub async fn start(ports: &Ports, order: Order) -> Started {
    let replay_id = order.replay_id;
    let total = estimate(ports, &order.selection).await;
    let replay = Replay::ordered(order, total, ports.ids.event_id(), ports.clock.now());
    let before = match ports.replays.create(&replay).await {
        Ok(Created::New) => None,
        Ok(Created::Before(before)) if before.order != replay.order => return Started::OtherOrder,
        Ok(Created::Before(before)) => Some(before),
        Err(cause) => return Started::Unavailable { outcome_unknown: cause.effect_possible, replay_id, cause },
    };
    let present = before.as_deref().unwrap_or(&replay);
    if present.status == Status::Running
        && let Err(cause) = ports.turns.send(&present.turn()).await
    {
        return Started::Unavailable { outcome_unknown: true, replay_id, cause };
    }
    before.map_or_else(|| Started::New(Box::new(replay)), Started::Before)
}

async fn estimate(ports: &Ports, selection: &Selection) -> Option<u64> {
    match selection {
        Selection::BookingCodes(codes) => Some(codes.len() as u64),
        Selection::Accepted { .. } | Selection::All => match ports.bookings.estimate().await {
            Ok(total) => Some(total),
            Err(failure) => {
                tracing::warn!(error = failure.chain(), "the number of bookings can't be told");
                None
            }
        },
    }
}
