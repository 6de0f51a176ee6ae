//! One entry that a rule hands straight to the function. An error makes Lambda invoke it again, twice and within minutes,
//! and then hand it to the function's failure destination: a queue in between (`handle_batch`) waits longer and says why.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde_json::value::RawValue;

use super::emit;
use crate::bus::{Incoming, Malformed, entry};
use crate::counts::Counts;
use crate::delivery::{Delivery, Outcome, Why};
use crate::ports::Letter;
use crate::projection::Projection;
use crate::projector::Projector;

/// The entry must come again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not yet: {0}")]
pub struct NotYet(String);

/// Works on one entry. The detail is taken as text, so that no number passes through a float.
///
/// # Errors
/// It can't be finished now.
pub async fn handle<P: Projection>(
    projector: &Projector<P>,
    event: EventBridgeEvent<Box<RawValue>>,
) -> Result<(), NotYet> {
    let mut counts = Counts::default();
    let done = match entry(&event.source, &event.detail_type, &event.detail, projector.name()) {
        Ok(Incoming::Event(recorded, replay)) => {
            let report = projector.deliver(vec![Delivery { event: *recorded, replay, receives: 1 }]).await;
            counts += report.counts;
            report.outcomes.into_iter().try_for_each(|outcome| match outcome {
                Outcome::Done(_) => Ok(()),
                Outcome::Again(again) => Err(again.why),
            })
        }
        Ok(Incoming::NotOurs | Incoming::Resume(_)) => {
            counts.ignored += 1;
            Ok(())
        }
        Err(malformed) => set_aside(projector, &event, &malformed, &mut counts).await,
    };
    emit(&counts, projector.name(), projector.ports.clock.as_ref());
    done.map_err(|why| NotYet(why.to_string()))
}

async fn set_aside<P: Projection>(
    projector: &Projector<P>,
    event: &EventBridgeEvent<Box<RawValue>>,
    malformed: &Malformed,
    counts: &mut Counts,
) -> Result<(), Why> {
    let body = serde_json::to_string(event).map_err(|error| Why::Failed(error.to_string()))?;
    let letter = Letter { booking_code: None, body, reason: malformed.to_string() };
    tracing::error!(projection = projector.name(), reason = letter.reason, "dead letter");
    projector.ports.dead_letters.put(&letter).await.map_err(|failure| Why::Failed(failure.chain()))?;
    counts.dead_lettered += 1;
    Ok(())
}
