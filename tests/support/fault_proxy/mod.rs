//! A proxy between the AWS SDK and an engine that does to a call what networks and services do: delays it, loses it or
//! its answer, refuses it in the service's own words, answers with something that is none.
//!
//! It speaks HTTP to both sides, so the SDK's client, its time-outs and its parsers are met as they are shipped. What
//! happens to which call is a [`Plan`]'s to say. A call that is passed is passed whatever becomes of the caller: one
//! that gave up may have acted all the same, as on a real network. It keeps no call for ever: what is neither passed nor
//! answered ends with the caller's connection.

mod answers;
mod call;
mod fault;
mod serve;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, RwLock};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use call::Call;
pub use fault::{Clear, ConnectFault, Fault, Garbage, Loss, Passed, Plan, Refusal};
use serve::Upstream;

/// A running proxy; it ends with this value.
pub struct FaultProxy {
    shared: Arc<Shared>,
    listeners: JoinSet<()>,
}

/// What all connections share.
struct Shared {
    upstream: Upstream,
    plan: RwLock<Arc<dyn Plan>>,
    counts: Mutex<BTreeMap<String, u64>>,
}

impl FaultProxy {
    /// Passes calls to `engine`; without one, to where each call itself says it goes, as a forward proxy.
    pub fn new(engine: Option<SocketAddr>) -> Self {
        let plan: Arc<dyn Plan> = Arc::new(Clear);
        let shared = Shared { upstream: Upstream::new(engine), plan: RwLock::new(plan), counts: Mutex::default() };
        Self { shared: Arc::new(shared), listeners: JoinSet::new() }
    }

    /// Opens a port; the plan sees that calls on it are `caller`'s. Returns its URL.
    pub async fn listen(&mut self, caller: &'static str) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        self.listeners.spawn(serve::accept(listener, caller, self.shared.clone()));
        url
    }

    /// From now on calls meet what `plan` says.
    pub fn plan(&self, plan: impl Plan + 'static) {
        *self.shared.plan.write().unwrap() = Arc::new(plan);
    }

    /// From now on every call is passed and answered.
    pub fn heal(&self) {
        self.plan(Clear);
    }

    /// What was done to calls so far, and how often; `passed` are those nothing was done to.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.shared.counts.lock().unwrap().clone()
    }
}

impl Shared {
    fn plan(&self) -> Arc<dyn Plan> {
        self.plan.read().unwrap().clone()
    }

    fn count(&self, what: &str) {
        *self.counts.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }
}
