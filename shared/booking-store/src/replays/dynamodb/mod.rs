//! Replays on DynamoDB: their table, and the scan of the reservations table.

mod bookings;
mod replay_item;
mod replays;

pub use bookings::DynamoBookings;
pub use replay_item::{REPLAY_ID, decode, encode};
pub use replays::DynamoReplays;
