//! Scripted faults: what befalls the next calls of each kind, and which stores are down.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use booking_store::around::{Around, Call};
use booking_store::failure::{FailureKind, Store, StoreFailure};
use futures::future::{BoxFuture, pending};

/// What befalls one call.
pub enum Fault {
    /// Nothing.
    Pass,
    /// It fails before the store acts.
    Fail(FailureKind),
    /// The store acts, and its answer is lost.
    Unknown,
    /// The process dies before the store acts: the call never ends.
    CrashBefore,
    /// The process dies after the store has acted: the call never ends.
    CrashAfter,
    /// Something else happens first; then the store acts and answers.
    Meanwhile(BoxFuture<'static, ()>),
}

impl Fault {
    /// `first` happens before the store acts.
    pub fn meanwhile(first: impl Future<Output = ()> + Send + 'static) -> Self {
        Self::Meanwhile(Box::pin(first))
    }
}

/// How a store is down.
#[derive(Clone, Copy)]
enum Outage {
    Fails(FailureKind),
    ActsSilently,
}

#[derive(Default)]
struct State {
    scripts: BTreeMap<Call, VecDeque<Fault>>,
    outages: BTreeMap<Store, Outage>,
    calls: Vec<Call>,
}

/// The faults of one world.
#[derive(Default)]
pub struct Faults {
    state: Mutex<State>,
}

impl Faults {
    /// The next calls of this kind meet `faults`, one each; those after them meet none.
    pub fn script(&self, call: Call, faults: impl IntoIterator<Item = Fault>) {
        self.lock().scripts.entry(call).or_default().extend(faults);
    }

    /// The next call of this kind meets `fault`.
    pub fn once(&self, call: Call, fault: Fault) {
        self.script(call, [fault]);
    }

    /// Every call of `store` finds nobody, until [`Faults::up`].
    pub fn down(&self, store: Store) {
        self.down_with(store, FailureKind::Unreachable);
    }

    /// Every call of `store` fails as `kind` before the store acts, until [`Faults::up`].
    pub fn down_with(&self, store: Store, kind: FailureKind) {
        self.lock().outages.insert(store, Outage::Fails(kind));
    }

    /// Every call of `store` acts, and its answer is lost, until [`Faults::up`].
    pub fn silent(&self, store: Store) {
        self.lock().outages.insert(store, Outage::ActsSilently);
    }

    /// `store` works again.
    pub fn up(&self, store: Store) {
        self.lock().outages.remove(&store);
    }

    /// All stores work again. What is scripted stays.
    pub fn all_up(&self) {
        self.lock().outages.clear();
    }

    /// Forgets what is scripted and has not struck.
    pub fn forget(&self) {
        self.lock().scripts.clear();
    }

    /// The calls since this was asked last.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.lock().calls)
    }

    /// Asserts that every scripted fault has struck: a test whose fault never happened proves nothing.
    #[track_caller]
    pub fn assert_spent(&self) {
        let state = self.lock();
        let left: Vec<_> =
            state.scripts.iter().filter(|(_, script)| !script.is_empty()).map(|(call, _)| call).collect();
        assert!(left.is_empty(), "scripted faults that never struck: {left:?}");
    }

    fn next(&self, call: Call) -> Fault {
        let mut state = self.lock();
        state.calls.push(call);
        if let Some(fault) = state.scripts.get_mut(&call).and_then(VecDeque::pop_front) {
            return fault;
        }
        match state.outages.get(&call.store()) {
            None => Fault::Pass,
            Some(Outage::Fails(kind)) => Fault::Fail(*kind),
            Some(Outage::ActsSilently) => Fault::Unknown,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Around for Faults {
    /// Lets `act` meet what is planned for this call.
    async fn around<T: Send>(
        &self,
        call: Call,
        act: impl Future<Output = Result<T, StoreFailure>> + Send,
    ) -> Result<T, StoreFailure> {
        let fail = |kind| Err(StoreFailure::new(call.store(), kind).because("a scripted fault"));
        match self.next(call) {
            Fault::Pass => act.await,
            Fault::Fail(kind) => fail(kind),
            Fault::Unknown => {
                act.await?;
                fail(FailureKind::NoAnswer)
            }
            Fault::CrashBefore => pending().await,
            Fault::CrashAfter => {
                act.await?;
                pending().await
            }
            Fault::Meanwhile(first) => {
                first.await;
                act.await
            }
        }
    }
}
