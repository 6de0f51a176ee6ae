//! One file for each operation of docs/protocol.md. Every test ends with `heal` or `check`: the six invariants hold.

mod audit;
mod contradiction;
mod crash;
mod deferred;
mod drain;
mod idempotency;
mod limits;
mod outages;
mod paging;
mod publish;
mod race;
mod read;
mod record;
mod replay_mismatch;
mod unknown;
