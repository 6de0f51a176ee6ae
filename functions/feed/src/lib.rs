//! The feed's two functions: `feed-index` appends to it what the reservations table's stream shows, `feed` serves it.

pub mod http;
pub mod index;
pub mod invocation;
pub mod sweep;
