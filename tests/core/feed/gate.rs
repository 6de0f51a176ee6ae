//! A gate before every call of the log: the schedule decides which call is made next and how it ends.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::feed::{Batch, Committed, FeedLog, Partition, Position};
use booking_store::{BookingCode, Version};
use futures::channel::oneshot;

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It acts and is heard.
    Heard,
    /// It does nothing.
    Failed,
    /// It acts; the answer is lost.
    Unheard,
    /// No answer; it acts later.
    Late,
    /// It acts, the answer is lost, the adapter makes it again and hears that.
    Twice,
}

/// A write that nobody waits for any more.
#[derive(Clone)]
pub(crate) enum Write {
    Commit(Partition, Batch),
    Page(Partition, Batch),
    Marker(BookingCode, Version),
}

impl Write {
    /// Has its effect.
    pub(crate) async fn arrive(self, log: &dyn FeedLog) {
        match self {
            Self::Commit(partition, batch) => drop(log.commit(partition, &batch).await),
            Self::Page(partition, batch) => drop(log.keep_page(partition, &batch).await),
            Self::Marker(booking_code, version) => drop(log.raise_marker(&booking_code, version).await),
        }
    }
}

/// Who waits at the gate, and what is still on its way.
#[derive(Default)]
pub(crate) struct Gate {
    waiting: Mutex<Vec<(usize, oneshot::Sender<End>)>>,
    late: Mutex<Vec<Write>>,
}

impl Gate {
    /// The processes with a call waiting; those that have died are forgotten.
    pub(crate) fn waiting(&self) -> Vec<usize> {
        let mut waiting = self.waiting.lock().unwrap();
        waiting.retain(|(_, call)| !call.is_canceled());
        waiting.iter().map(|(process, _)| *process).collect()
    }

    /// Lets a waiting call go on, to this end.
    pub(crate) fn open(&self, place: usize, end: End) {
        let (_, call) = self.waiting.lock().unwrap().remove(place);
        call.send(end).unwrap();
    }

    /// Takes a write that is still on its way.
    pub(crate) fn late(&self, choose: impl FnOnce(usize) -> usize) -> Option<Write> {
        let mut late = self.late.lock().unwrap();
        if late.is_empty() {
            return None;
        }
        let place = choose(late.len());
        Some(late.remove(place))
    }
}

/// The log as one process has it.
pub(crate) struct Gated {
    pub(crate) process: usize,
    pub(crate) gate: Arc<Gate>,
    pub(crate) log: Arc<dyn FeedLog>,
}

fn unanswered<T>() -> Result<T, StoreFailure> {
    Err(StoreFailure::new(Store::Feed, FailureKind::NoAnswer))
}

impl Gated {
    async fn turn(&self) -> End {
        let (open, opened) = oneshot::channel();
        self.gate.waiting.lock().unwrap().push((self.process, open));
        opened.await.unwrap()
    }

    async fn read<T>(&self, act: impl Future<Output = Result<T, StoreFailure>>) -> Result<T, StoreFailure> {
        match self.turn().await {
            End::Heard | End::Twice => act.await,
            End::Failed | End::Unheard | End::Late => unanswered(),
        }
    }

    async fn write<T, F>(&self, write: Write, act: impl Fn() -> F) -> Result<T, StoreFailure>
    where
        F: Future<Output = Result<T, StoreFailure>>,
    {
        match self.turn().await {
            End::Heard => act().await,
            End::Failed => Err(StoreFailure::new(Store::Feed, FailureKind::Throttled)),
            End::Unheard => {
                act().await?;
                unanswered()
            }
            End::Late => {
                self.gate.late.lock().unwrap().push(write);
                unanswered()
            }
            End::Twice => {
                act().await?;
                act().await
            }
        }
    }
}

#[async_trait]
impl FeedLog for Gated {
    async fn tip(&self, partition: Partition) -> Result<Batch, StoreFailure> {
        self.read(self.log.tip(partition)).await
    }
    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<Committed, StoreFailure> {
        self.write(Write::Commit(partition, batch.clone()), || self.log.commit(partition, batch)).await
    }
    async fn keep_page(&self, partition: Partition, batch: &Batch) -> Result<(), StoreFailure> {
        self.write(Write::Page(partition, batch.clone()), || self.log.keep_page(partition, batch)).await
    }
    async fn pages(
        &self,
        partition: Partition,
        after: Position,
        below: Position,
        limit: usize,
    ) -> Result<Vec<Batch>, StoreFailure> {
        self.read(self.log.pages(partition, after, below, limit)).await
    }
    async fn marker(&self, booking_code: &BookingCode) -> Result<Version, StoreFailure> {
        self.read(self.log.marker(booking_code)).await
    }
    async fn raise_marker(&self, booking_code: &BookingCode, version: Version) -> Result<(), StoreFailure> {
        let write = Write::Marker(booking_code.clone(), version);
        self.write(write, || self.log.raise_marker(booking_code, version)).await
    }
}
