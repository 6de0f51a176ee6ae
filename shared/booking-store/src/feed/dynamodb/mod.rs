//! The feed's log on DynamoDB: one table, and every write a conditional `PutItem` of one item.

mod item;
mod log;

pub use item::{FIRST, MARKER_PREFIX, NEXT, PARTITION, POSITION, RUNS, TIP_SUFFIX, VERSION};
pub use log::DynamoFeedLog;
