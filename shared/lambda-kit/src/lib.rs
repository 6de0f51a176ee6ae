//! What the booking store's Lambda functions share, so that each of them is its wiring and its handler and no more.

pub mod body;
pub mod config;
pub mod gateway;
pub mod http;
pub mod problem;
pub mod start;
pub mod telemetry;

pub use config::{Config, InvalidConfig};
pub use problem::Problem;
pub use start::{Kit, start};
