//! Replays, two functions: `replays` takes, shows and cancels orders over HTTP, `replay-worker` works on them, turn by turn,
//! from its queue. What a replay is and promises is in [`booking_store::replays`].

pub mod http;
pub mod wiring;
pub mod worker;
