//! One schedule: an agenda of things to happen in virtual time, one thread, every choice drawn from the seed.
//!
//! A store call leaves its process, arrives, acts, and its answer is delivered: four separate moments with other
//! processes' moments in between. A fault changes which of them happen, and when.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use booking_store::memory::Memory;

use crate::calls::Call;
use crate::chance::{Chance, Draw};
use crate::clock::VirtualTime;
use crate::fault::Coverage;
use crate::functions::Shard;
use crate::ledger::{Booking, Violation};
use crate::place::{Part, Process, Role, Turn};
use crate::trace::Trace;
use crate::worker::Worker;
use crate::workload::Workload;

/// More steps than any schedule needs to come to rest.
const MOST_STEPS: u64 = 30_000;

/// How to run a seed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The parts of the schedule to keep; all if absent.
    pub only: Option<BTreeSet<Part>>,
    /// Whether to keep the trace's lines.
    pub keep_trace: bool,
    /// The bug to plant, if any.
    pub planted: Option<crate::planted::Bug>,
}

impl Options {
    /// Whether a part of the schedule is kept.
    pub(crate) fn keeps(&self, part: Part) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&part))
    }
}

/// What came of a schedule.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What does not hold, if something does not.
    pub violation: Option<Violation>,
    /// How many things happened.
    pub steps: u64,
    /// What happened.
    pub trace: Trace,
    /// Which faults there were.
    pub coverage: Coverage,
    /// The parts that could be left out.
    pub parts: BTreeSet<Part>,
    /// Whether it was stopped because a booking has outrun its recent ids: see [`Booking::outrun`].
    pub outrun: bool,
}

/// Something that is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    /// A process begins its next turn.
    Begin(usize),
    /// A store acts on a call.
    Act(usize, Then),
    /// The answer to a call is delivered.
    Deliver(usize),
    /// The process that made a call dies.
    Crash(usize),
    /// The stream gives up on an invocation.
    LeaseEnds(usize, usize, u16),
}

/// What follows when a store has acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Then {
    /// The answer travels back.
    Answer,
    /// The caller dies before it hears.
    Crash,
    /// Nothing: nobody waits any more.
    Nothing,
}

/// A running schedule.
pub(crate) struct Simulation {
    pub(crate) seed: u64,
    pub(crate) options: Options,
    pub(crate) workload: Workload,
    pub(crate) time: VirtualTime,
    pub(crate) memory: Memory,
    pub(crate) bookings: Vec<Booking>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) shards: Vec<Shard>,
    pub(crate) images_seen: usize,
    pub(crate) redeliveries: u32,
    pub(crate) trace: Trace,
    pub(crate) parts: BTreeSet<Part>,
    /// Turns whose call had events accepted or deferred.
    pub(crate) effective: BTreeSet<Turn>,
    /// Turns that were told that they had no effect.
    pub(crate) harmless: BTreeSet<Turn>,
    agenda: BinaryHeap<Reverse<(i64, u64, Happening)>>,
    scheduled: u64,
    pub(crate) calls: Vec<Call>,
    pub(crate) faults_left: u32,
    pub(crate) healed: bool,
    pub(crate) coverage: Coverage,
    steps: u64,
}

/// Runs the schedule of `seed`.
pub fn run(seed: u64, options: Options) -> Report {
    let mut simulation = Simulation::new(seed, options);
    let violation = simulation.run().err();
    Report {
        seed,
        violation,
        steps: simulation.steps,
        trace: simulation.trace,
        coverage: simulation.coverage,
        parts: simulation.parts,
        outrun: simulation.bookings.iter().any(|booking| booking.outrun),
    }
}

impl Simulation {
    fn new(seed: u64, options: Options) -> Self {
        let workload = Workload::of(seed);
        let time = VirtualTime::default();
        let mut simulation = Self {
            seed,
            memory: Memory::new(Arc::new(time.skewed(0))),
            bookings: workload.codes.iter().cloned().map(Booking::new).collect(),
            workers: Vec::new(),
            shards: (0..workload.shards).map(|_| Shard::default()).collect(),
            images_seen: 0,
            redeliveries: 3,
            trace: Trace::new(options.keep_trace),
            parts: BTreeSet::new(),
            effective: BTreeSet::new(),
            harmless: BTreeSet::new(),
            agenda: BinaryHeap::new(),
            scheduled: 0,
            calls: Vec::new(),
            faults_left: workload.budget,
            healed: false,
            coverage: Coverage::default(),
            steps: 0,
            time,
            workload,
            options,
        };
        simulation.leave_out_outages();
        simulation.employ();
        simulation
    }

    fn leave_out_outages(&mut self) {
        let mut position = 0;
        let (options, parts) = (&self.options, &mut self.parts);
        self.workload.outages.retain(|_| {
            let part = Part::Outage(position);
            position += 1;
            parts.insert(part);
            options.keeps(part)
        });
    }

    /// Every process, with its own clock.
    fn employ(&mut self) {
        self.employ_clients();
        for shard in 0..self.shards.len() {
            for _ in 0..2 {
                let worker = self.hire(Role::Publisher);
                self.workers[worker].shard = shard;
            }
        }
        for _ in 0..self.workload.drainers {
            self.hire(Role::Drainer);
        }
        for _ in 0..self.workload.auditors {
            let auditor = self.hire(Role::Auditor);
            let wait = self.chance(Draw::Next, self.workers[auditor].process.key()).scale(20, 60_000);
            self.later(wait.cast_signed(), Happening::Begin(auditor));
        }
    }

    /// Adds a process of this role; returns its position.
    pub(crate) fn hire(&mut self, role: Role) -> usize {
        let number = self.workers.iter().filter(|worker| worker.process.role == role).count();
        let process = Process { role, number: u16::try_from(number).unwrap_or(u16::MAX) };
        let mut chance = self.chance(Draw::Workload, process.key() << 16);
        // Clocks differ; an auditor's may be so wrong that everything looks old to it.
        let skew = match role {
            Role::Auditor if chance.one_in(2) => 2 * 3600 * 1000,
            _ if chance.one_in(4) => chance.between(0, 4_000).cast_signed() - 2_000,
            Role::Writer | Role::Reader | Role::Publisher | Role::Drainer | Role::Auditor => {
                chance.between(0, 20).cast_signed() - 10
            }
        };
        self.workers.push(Worker::new(process, self.time.skewed(skew)));
        self.workers.len() - 1
    }

    fn run(&mut self) -> Result<(), Violation> {
        self.go_on()?;
        if self.bookings.iter().any(|booking| booking.outrun) { Ok(()) } else { self.close() }
    }

    /// Everything on the agenda, until nothing is left to happen.
    pub(crate) fn go_on(&mut self) -> Result<(), Violation> {
        while let Some(Reverse((moment, _, happening))) = self.agenda.pop() {
            self.time.reach(moment);
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return Err(Violation("the schedule does not come to rest".to_owned()));
            }
            self.trace.mix(moment.cast_unsigned());
            match happening {
                Happening::Begin(worker) => self.begin(worker)?,
                Happening::Act(call, then) => self.act(call, then)?,
                Happening::Deliver(call) => self.deliver(call)?,
                Happening::Crash(call) => self.crash(call),
                Happening::LeaseEnds(shard, worker, turn) => self.lease_ends(shard, worker, turn),
            }
            if self.bookings.iter().any(|booking| booking.outrun) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Puts something on the agenda.
    pub(crate) fn later(&mut self, wait: i64, happening: Happening) {
        self.scheduled += 1;
        self.agenda.push(Reverse((self.time.now() + wait.max(0), self.scheduled, happening)));
    }

    pub(crate) fn chance(&self, draw: Draw, key: u64) -> Chance {
        Chance::at(self.seed, draw, key)
    }

    /// No more faults from here on.
    pub(crate) fn heal(&mut self) {
        self.faults_left = 0;
        self.healed = true;
        self.workload.outages.clear();
    }

    fn begin(&mut self, worker: usize) -> Result<(), Violation> {
        self.workers[worker].is_due = false;
        if self.workers[worker].is_busy() {
            return Ok(());
        }
        match self.workers[worker].process.role {
            Role::Writer | Role::Reader => self.begin_operation(worker),
            Role::Publisher => self.begin_batch(worker),
            Role::Drainer => self.begin_receiving(worker),
            Role::Auditor => self.begin_audit(worker),
        }
        self.poll(worker)
    }

    /// Lets a process go on and sends off the calls it makes.
    pub(crate) fn poll(&mut self, worker: usize) -> Result<(), Violation> {
        let ended = self.workers[worker].go_on();
        for (place, sent) in self.workers[worker].sent() {
            self.send_off(worker, place, sent);
        }
        match ended {
            Some(ended) => self.finish(worker, ended),
            None => Ok(()),
        }
    }
}
