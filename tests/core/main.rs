//! The protocol under faults and the handlers on recorded payloads, over the in-memory stores.

mod handlers;
mod protocol;
