//! The kit behind a Lambda function: an SQS queue in front of it (a rule's target, as a rule), or a rule directly.

mod eventbridge;
mod sqs;

use booking_store::clock::Clock;
use booking_store::metrics;

use crate::counts::Counts;

pub use eventbridge::{NotYet, handle as handle_event};
pub use sqs::handle as handle_batch;

/// The counters as CloudWatch reads them: one line on standard output.
fn emit(counts: &Counts, projection: &str, clock: &dyn Clock) {
    if let Some(line) = counts.metrics(projection, clock.now()) {
        metrics::emit(&line);
    }
}
