//! What `feed-index` is invoked with: a batch of the stream, or by hand the order to sweep.

use aws_lambda_events::event::dynamodb::Event;
use booking_store::Timestamp;
use serde_json::Value;

use crate::{index, sweep};

/// Answers one invocation. `deadline` is the end of the function's time.
///
/// # Errors
/// The payload is neither, which retries don't help; or the answer can't be written.
pub async fn handle(
    index: &index::Context,
    sweep: &sweep::Context,
    mut payload: Value,
    deadline: Timestamp,
) -> Result<Value, serde_json::Error> {
    match payload.get_mut("sweep").map(Value::take) {
        Some(order) => {
            let order = serde_json::from_value(order)?;
            let report = sweep::handle(sweep, order, deadline.before(sweep::TIME_TO_REPORT)).await;
            serde_json::to_value(report)
        }
        None => {
            let event: Event = serde_json::from_value(payload)?;
            serde_json::to_value(index::handle(index, event).await)
        }
    }
}
