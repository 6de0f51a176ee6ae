//! Replays: a consumer has recorded events sent to the bus again, to build its state anew.
//!
//! What holds:
//! 1. Every event recorded when its booking's turn comes, and selected, is handed to the bus at least once, or its booking
//!    is counted in `errors` and said to be given up.
//! 2. Of one booking the first sendings are in version order, without a gap; the next one begins only after the bus has
//!    taken the one before.
//! 3. What a [`Replay`] tells as done is done: its place and its figures are saved together in one conditional write, after
//!    the sending. A crash repeats what was sent since, and counts it once.
//! 4. Of two workers on one replay, one saves; the other one sees that and stops.
//!
//! Nothing here writes to a booking. Not to be confused with [`crate::protocol::replay`], which recognises a client's
//! repeated *request* to append; here events that are long recorded are *sent* again.
//!
//! [`start`] and [`cancel`] are the client's operations, [`work`] is the worker's: it goes on from the saved place until its
//! time ends, saves and orders its own next [`Turn`]. Dependencies point one way: adapters → [`ports`] ← operations → types.

pub mod around;
pub mod cancel;
#[cfg(feature = "aws")]
pub mod dynamodb;
pub mod memory;
mod open;
mod order;
mod pacer;
#[cfg(feature = "aws")]
mod pauses;
pub mod ports;
mod replay;
mod shift;
mod slice;
#[cfg(feature = "aws")]
pub mod sqs;
pub mod start;
mod turn;
pub mod work;

pub use open::Open;
pub use order::{Consumer, InvalidConsumer, InvalidReplayId, Order, ReplayId, ReplayMark, Selection};
pub use pacer::Pacer;
#[cfg(feature = "aws")]
pub use pauses::SystemPauses;
pub use ports::{Bookings, Pauses, Ports, Replays, Turns};
pub use replay::{FailedBooking, Place, Progress, Replay, Rest, Status, Waiting, Window};
pub use turn::{MalformedTurn, Turn};
