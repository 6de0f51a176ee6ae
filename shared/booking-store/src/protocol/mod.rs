//! The protocol: *the reservation item decides, the events table records, the item's stream publishes, the queue
//! retries.* Pure but for the ports.
//!
//! What holds, always:
//! 1. An accepted event is in the reservation item or the events table, at its version; a deferred one in the queue, the
//!    dead-letter queue, a conflict item, or accepted. None is ever lost.
//! 2. A booking code has one owner. A confirmed acknowledgement never turns into a conflict.
//! 3. A read that starts after a confirmed acknowledgement shows the event, or says that it can't know.
//! 4. The events table has no gaps, and what is recorded at a version never changes.
//! 5. The first publications of a booking's events are in version order, without gaps, and only of recorded events.
//! 6. Once stream and queue are empty, everything accepted is settled.

pub mod append;
pub mod audit;
pub mod drain;
pub mod lookup;
pub mod publish;
pub mod read;
pub mod record;
pub mod replay;
pub mod settle;
