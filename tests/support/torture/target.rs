//! What a run needs of the system under it.

use async_trait::async_trait;
use booking_store::failure::Store;

use super::history::Delivery;
use super::reply::Reply;
use super::weather::Spared;
use crate::fault_proxy::FaultProxy;

/// A system with a fault proxy in front of its engine.
#[async_trait]
pub trait Target: Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// Sends a request: a body is posted. The error is why no answer came.
    async fn call(&self, path: &str, body: Option<String>) -> Result<Reply, String>;

    /// The proxy.
    fn proxy(&self) -> &FaultProxy;

    /// Calls the wire must not fail, for want of something in the engine that would make up for it.
    fn spared(&self) -> Option<Spared>;

    /// The stores whose calls do not go over the wire here, with what their switches can do.
    fn switches(&self) -> &[(Store, &'static str)];

    /// Sets a switch; whether it could.
    async fn switch(&self, store: Store, mode: &str) -> bool;

    /// Whether functions die behind its API, which then answers 5xx in their place.
    fn crashes_behind_the_api(&self) -> bool;

    /// Shortest and longest time between two kills, in milliseconds.
    fn kills_every(&self) -> (u64, u64);

    /// Kills processes with signal 9, and has them come back; how many. `dice` says which.
    async fn kill(&self, dice: u64) -> u64;

    /// Does what there is to do against waiting, once nothing fails any more.
    async fn hasten(&self);

    /// Whether nothing is left to be done for these bookings; what is, if something is.
    async fn unsettled(&self, codes: &[String]) -> Option<String>;

    /// What the bus has delivered since the start, in order.
    async fn deliveries(&self) -> Vec<Delivery>;

    /// What nobody could work on.
    async fn dead_letters(&self) -> Vec<String>;
}
