//! A simulated process: its connection, its clock, and the turn it is at.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use booking_store::clock::Clock;
use booking_store::ports::Stores;
use booking_store::protocol::append::Append;
use booking_store::protocol::read::Query;
use booking_store::{EventId, ExpectedVersion};

use crate::clock::SkewedClock;
use crate::ledger::Mark;
use crate::place::{Place, Process, Turn};
use crate::turns::{Ended, Task};
use crate::wire::{Sent, Wire};
use crate::workload::Operation;

/// What a turn is about; what is needed to judge its end.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    /// An append, and how far the booking was when it began.
    Append(usize, Append, Mark),
    /// A read.
    Read(usize, Query, Mark),
    /// A look for an event.
    Event(usize, EventId, Mark),
    /// A look at the state.
    Summary(usize, Mark),
    /// A batch of a shard: where it begins and ends.
    Publish(usize, usize, usize),
    /// A batch of the queue.
    Drain,
    /// An audit.
    Audit,
}

/// A client's place in its script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The operations, with their numbers.
    pub script: Vec<(u16, Operation)>,
    /// The one at hand.
    pub next: usize,
    /// How often it was tried.
    pub attempts: u16,
    /// What its first attempt expected.
    pub expected: Option<ExpectedVersion>,
}

/// One process.
pub(crate) struct Worker {
    /// Its name.
    pub process: Process,
    /// The stores as it has them.
    pub stores: Stores,
    /// Its connection.
    pub wire: Arc<Wire>,
    /// Its idea of the time.
    pub clock: SkewedClock,
    /// The turn it is at, or was at last.
    pub turn: Turn,
    /// What that turn is about, while it runs.
    pub job: Option<Job>,
    /// A client's script.
    pub progress: Progress,
    /// A publisher's shard.
    pub shard: usize,
    /// Whether its next turn is on the agenda.
    pub is_due: bool,
    /// How often in a row it found nothing to do.
    pub idle: u32,
    task: Option<Task>,
    calls: u16,
    turns: u16,
}

impl Worker {
    /// A process that has done nothing yet.
    pub(crate) fn new(process: Process, clock: SkewedClock) -> Self {
        let wire = Arc::<Wire>::default();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        Self {
            process,
            stores: wire.stores(shared),
            wire,
            clock,
            turn: Turn { process, number: 0 },
            job: None,
            progress: Progress::default(),
            shard: 0,
            is_due: false,
            idle: 0,
            task: None,
            calls: 0,
            turns: 0,
        }
    }

    /// Whether a turn is on its way.
    pub(crate) fn is_busy(&self) -> bool {
        self.task.is_some()
    }

    /// The number of the next turn of a function.
    pub(crate) fn next_turn(&mut self) -> u16 {
        self.turns += 1;
        self.turns
    }

    /// Begins a turn.
    pub(crate) fn begin(&mut self, number: u16, job: Job, task: Task) {
        self.turn = Turn { process: self.process, number };
        self.job = Some(job);
        self.task = Some(task);
        self.calls = 0;
    }

    /// Goes on until it waits for an answer; returns the turn's end, if that is reached.
    pub(crate) fn go_on(&mut self) -> Option<Ended> {
        let task = self.task.as_mut()?;
        match task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => None,
            Poll::Ready(ended) => {
                self.task = None;
                Some(ended)
            }
        }
    }

    /// The calls it has made since it was asked last, with their names.
    pub(crate) fn sent(&mut self) -> Vec<(Place, Sent)> {
        let sent = self.wire.take();
        let mut named = Vec::with_capacity(sent.len());
        for call in sent {
            named.push((Place { turn: self.turn, call: self.calls }, call));
            self.calls += 1;
        }
        named
    }

    /// Dies: nothing of the turn goes on but the calls already made.
    pub(crate) fn crash(&mut self) -> Option<Job> {
        self.task = None;
        drop(self.wire.take());
        self.job.take()
    }
}
