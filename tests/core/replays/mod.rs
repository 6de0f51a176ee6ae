//! Replays: the two handlers over the in-memory ports, faults scripted call by call, time moved by hand.
//!
//! Checked at the end of every run, whatever befell it: all that is recorded and selected was sent, of each booking in
//! order and without a gap, and counted once.

mod bad_requests;
mod contract;
mod crash;
mod failing;
mod pace;
mod races;
mod random;
mod range;
mod rig;
mod selection;
