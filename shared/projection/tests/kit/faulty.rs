//! Ports that fail and processes that die: before a call, or after it has acted.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::{BookingCode, Version};
use projection::ports::{DeadLetters, Letter, Records, Saved, Source, SourceFailure, SourcePage};
use projection::record::Record;
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::chance::Chance;

/// How often what goes wrong, in thousandths of the calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Odds {
    pub(crate) fail: usize,
    pub(crate) crash: usize,
}

/// One thing that goes wrong, at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    FailsBefore,
    FailsAfter,
    DiesBefore,
    DiesAfter,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] = [Self::FailsBefore, Self::FailsAfter, Self::DiesBefore, Self::DiesAfter];
}

/// What all faulty ports of a run share.
pub(crate) struct Faults {
    pub(crate) chance: Arc<Chance>,
    odds: Odds,
    /// At which call, counted from 0, what happens.
    script: Vec<(usize, Fault)>,
    calls: AtomicUsize,
    on: AtomicBool,
}

impl Faults {
    pub(crate) fn new(chance: Arc<Chance>, odds: Odds) -> Self {
        Self { chance, odds, script: Vec::new(), calls: AtomicUsize::new(0), on: AtomicBool::new(true) }
    }

    /// Just these.
    pub(crate) fn scripted(script: Vec<(usize, Fault)>) -> Self {
        Self { script, ..Self::new(Arc::new(Chance::new(0)), Odds::default()) }
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// From now on everything works.
    pub(crate) fn stop(&self) {
        self.on.store(false, Ordering::SeqCst);
    }

    fn strikes(&self, odds: usize) -> bool {
        self.on.load(Ordering::SeqCst) && self.chance.per_mille(odds)
    }
}

/// A process: its crash is a call that never returns and this signal.
#[derive(Default)]
pub(crate) struct Process {
    crashed: Notify,
}

impl Process {
    /// Runs `work` until it is done, or until the process dies in it.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.crashed.notified() => None,
            done = work => Some(done),
        }
    }

    async fn die<T>(&self) -> T {
        self.crashed.notify_one();
        pending().await
    }
}

/// A port of one process, through which things go wrong.
pub(crate) struct Faulty<T> {
    pub(crate) port: Arc<T>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) process: Arc<Process>,
}

impl<T> Faulty<T> {
    /// A moment in which others act.
    async fn pass(&self) {
        for _ in 0..self.faults.chance.below(4) {
            yield_now().await;
        }
    }

    async fn around<V, E>(&self, act: impl Future<Output = Result<V, E>>, failure: impl Fn() -> E) -> Result<V, E> {
        let Odds { fail, crash } = self.faults.odds;
        let call = self.faults.calls.fetch_add(1, Ordering::SeqCst);
        let scripted = |fault| self.faults.script.contains(&(call, fault));
        self.pass().await;
        if scripted(Fault::DiesBefore) || self.faults.strikes(crash) {
            return self.process.die().await;
        }
        if scripted(Fault::FailsBefore) || self.faults.strikes(fail) {
            return Err(failure());
        }
        let answer = act.await;
        self.pass().await;
        if scripted(Fault::DiesAfter) || self.faults.strikes(crash) {
            return self.process.die().await;
        }
        if scripted(Fault::FailsAfter) || self.faults.strikes(fail) {
            return Err(failure());
        }
        answer
    }
}

fn silent() -> StoreFailure {
    StoreFailure::new(Store::Projection, FailureKind::NoAnswer)
}

#[async_trait]
impl<T: Records> Records for Faulty<T> {
    async fn load(&self, booking_code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        self.around(self.port.load(booking_code), silent).await
    }
    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        self.around(self.port.save(record), silent).await
    }
}

#[async_trait]
impl<T: Source> Source for Faulty<T> {
    async fn page(&self, code: &BookingCode, from: Version, known: Version) -> Result<SourcePage, SourceFailure> {
        self.around(self.port.page(code, from, known), || SourceFailure::Unavailable("down".into())).await
    }
}

#[async_trait]
impl<T: DeadLetters> DeadLetters for Faulty<T> {
    async fn put(&self, letter: &Letter) -> Result<(), StoreFailure> {
        self.around(self.port.put(letter), silent).await
    }
}
