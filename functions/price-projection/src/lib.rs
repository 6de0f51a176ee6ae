//! The reference projection: the current price of each booking, kept from the bus by [`projection`]'s kit, in a table of
//! its own, and shown at `GET /prices/{booking_code}`.
//!
//! - [`price`]: the state and the pure `apply`, all there is to write for a projection without reactions;
//! - [`deliveries`]: the function behind the queue;
//! - [`http`]: the function behind the API.

pub mod deliveries;
pub mod http;
pub mod price;
pub mod total;

pub use price::{CONSUMER, Price, Prices, Status};
pub use total::Total;
