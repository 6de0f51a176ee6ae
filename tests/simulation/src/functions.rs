//! The functions behind the stream, the queue and the timer: when they are invoked, and again.

use std::time::Duration;

use booking_store::clock::Clock;
use booking_store::{BookingCode, Image};

use crate::chance::Draw;
use crate::ledger::Violation;
use crate::place::{Part, Role, Turn};
use crate::simulation::{Happening, Simulation};
use crate::turns::{self, Ended};
use crate::worker::Job;

/// The longest pause of a drainer that finds nothing while the queue is not empty.
const LONGEST_IDLE: i64 = 60_000;

/// One shard of the stream: images of whole bookings, in order, worked on by one invocation at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shard {
    /// What passed the stream's filter.
    images: Vec<Image>,
    /// Everything before this is done with.
    cursor: usize,
    /// The invocation whose end counts.
    invocation: Option<Turn>,
    /// How often the batch at the cursor was given up. Each time the stream waits longer, or a batch that takes longer
    /// than the lease would never end.
    given_up: u32,
    /// Batches that were dropped at the end of their attempts.
    dropped: Vec<Image>,
}

impl Shard {
    /// Whether an image of this booking was dropped.
    pub(crate) fn has_dropped(&self, code: &BookingCode) -> bool {
        self.dropped.iter().any(|image| booking_code(image) == code)
    }

    /// Whether every image is done with.
    pub(crate) fn is_empty(&self) -> bool {
        self.cursor == self.images.len()
    }
}

impl Simulation {
    /// Moves new images from the reservations table into the shards of their bookings.
    pub(crate) fn take_images(&mut self) {
        let images = self.memory.reservations.stream(self.images_seen);
        self.images_seen += images.len();
        for image in images {
            // The event source's filter: nothing pending, nothing to do.
            let passes = match &image {
                Image::Reservation(reservation) => reservation.pending_bytes > 0,
                Image::Conflict(_) => true,
            };
            let code = booking_code(&image);
            let position = self.bookings.iter().position(|booking| booking.code == *code).unwrap_or(0);
            let shard = position % self.shards.len();
            if passes {
                self.shards[shard].images.push(image);
                self.wake_publisher(shard);
            }
        }
    }

    /// Has an idle publisher of the shard work on what is there, unless one is at it.
    fn wake_publisher(&mut self, shard: usize) {
        if self.shards[shard].invocation.is_some() || self.shards[shard].is_empty() {
            return;
        }
        let mine = |role: Role, of: usize| role == Role::Publisher && of == shard;
        let mut publishers = (0..self.workers.len()).filter(|at| {
            let worker = &self.workers[*at];
            mine(worker.process.role, worker.shard)
        });
        if publishers.clone().any(|at| self.workers[at].is_due) {
            return;
        }
        let Some(publisher) = publishers.find(|at| !self.workers[*at].is_busy()) else { return };
        self.workers[publisher].is_due = true;
        let turn = self.workers[publisher].turn;
        let wait = self.workload.pace.way(&mut self.chance(Draw::Next, turn.key() << 16));
        self.later(wait, Happening::Begin(publisher));
    }

    /// The stream invokes the publish function with a batch.
    pub(crate) fn begin_batch(&mut self, worker: usize) {
        let shard = self.workers[worker].shard;
        let Shard { images, cursor, invocation, .. } = &self.shards[shard];
        if invocation.is_some() || *cursor == images.len() {
            return;
        }
        let from = *cursor;
        let number = self.workers[worker].next_turn();
        let turn = Turn { process: self.workers[worker].process, number };
        let most = self.chance(Draw::Next, turn.key() << 16 | 0xfffe).between(1, self.workload.batch as u64);
        let batch: Vec<_> = images[from..].iter().take(usize::try_from(most).unwrap_or(1)).cloned().collect();
        let until = from + batch.len();
        self.trace.line(self.time.now(), || format!("{:<9} INVOKED with images {from}..{until}", turn.to_string()));
        let task = turns::publish_batch(self.workers[worker].stores.clone(), batch, self.options.planted);
        self.workers[worker].begin(number, Job::Publish(shard, from, until), task);
        self.shards[shard].invocation = Some(turn);
        let lease = self.workload.lease << self.shards[shard].given_up.min(16);
        self.later(lease, Happening::LeaseEnds(shard, worker, number));
    }

    /// The stream waits no longer for an invocation. What it still does, it does beside the next one.
    pub(crate) fn lease_ends(&mut self, shard: usize, worker: usize, number: u16) {
        let turn = Turn { process: self.workers[worker].process, number };
        if self.shards[shard].invocation == Some(turn) {
            self.trace.line(self.time.now(), || format!("{:<9} GIVEN UP by the stream", turn.to_string()));
            self.shards[shard].invocation = None;
            self.shards[shard].given_up += 1;
            self.wake_publisher(shard);
        }
    }

    /// An invocation for the stream has ended.
    fn finish_batch(&mut self, worker: usize, shard: usize, (from, until): (usize, usize), failed: &[usize]) {
        let turn = self.workers[worker].turn;
        if self.shards[shard].invocation == Some(turn) {
            let first = failed.iter().min();
            self.shards[shard].cursor = first.map_or(until, |position| from + position);
            self.shards[shard].given_up = 0;
            self.shards[shard].invocation = None;
            if first.is_some() {
                self.drop_batch(shard, until, turn);
            }
            let mut chance = self.chance(Draw::Next, turn.key() << 16 | 0xfffd);
            let part = Part::Redelivery(turn);
            if self.redeliveries > 0 && chance.one_in(10) && self.options.keeps(part) {
                self.redeliveries -= 1;
                self.parts.insert(part);
                let back = chance.index(3) + 1;
                self.trace.line(self.time.now(), || format!("the stream delivers {back} images again"));
                self.shards[shard].cursor = self.shards[shard].cursor.saturating_sub(back);
            }
        }
        self.wake_publisher(shard);
    }

    /// The last attempt of a batch has failed: now and then the stream goes on without it.
    fn drop_batch(&mut self, shard: usize, until: usize, turn: Turn) {
        let mut chance = self.chance(Draw::Next, turn.key() << 16 | 0xfffc);
        let part = Part::Dropped(turn);
        if !chance.one_in(8) || !self.options.keeps(part) {
            return;
        }
        self.parts.insert(part);
        let Shard { images, cursor, dropped, .. } = &mut self.shards[shard];
        let from = *cursor;
        dropped.extend(images[from..until.max(from)].iter().cloned());
        *cursor = until.max(from);
        self.trace.line(self.time.now(), || format!("the stream DROPS images {from}..{until}"));
    }

    /// Has idle drainers look into the queue.
    pub(crate) fn wake_drainers(&mut self) {
        for at in 0..self.workers.len() {
            let drainer = &mut self.workers[at];
            if drainer.process.role == Role::Drainer && !drainer.is_busy() && !drainer.is_due {
                drainer.is_due = true;
                drainer.idle = 0;
                let turn = drainer.turn;
                let wait = self.workload.pace.way(&mut self.chance(Draw::Next, turn.key() << 16));
                self.later(wait, Happening::Begin(at));
            }
        }
    }

    /// A drainer asks the queue for messages.
    pub(crate) fn begin_receiving(&mut self, worker: usize) {
        let messages = self.memory.queue.receive(self.workload.batch.min(3), self.workload.visibility);
        if messages.is_empty() {
            if !self.memory.queue.bodies().is_empty() {
                let idle = self.workers[worker].idle;
                self.workers[worker].idle += 1;
                self.workers[worker].is_due = true;
                self.later((50 << idle.min(12)).min(LONGEST_IDLE), Happening::Begin(worker));
            }
            return;
        }
        self.workers[worker].idle = 0;
        let number = self.workers[worker].next_turn();
        let process = self.workers[worker].process;
        self.trace.line(self.time.now(), || {
            let receipts: Vec<_> = messages.iter().map(|message| message.receipt.as_str()).collect();
            format!("{:<9} RECEIVES {}", Turn { process, number }.to_string(), receipts.join(" "))
        });
        let (stores, wire) = (self.workers[worker].stores.clone(), self.workers[worker].wire.clone());
        let task = turns::drain_batch(stores, wire, messages, self.options.planted);
        self.workers[worker].begin(number, Job::Drain, task);
    }

    /// The auditor looks through the table.
    pub(crate) fn begin_audit(&mut self, worker: usize) {
        let number = self.workers[worker].next_turn();
        let now = self.workers[worker].clock.now();
        let deadline = now.before(Duration::ZERO).unix_milliseconds() + 14 * 60 * 1000;
        let deadline = booking_store::Timestamp::from_unix_milliseconds(deadline).unwrap_or(now);
        let process = self.workers[worker].process;
        self.trace.line(self.time.now(), || format!("{:<9} AUDITS", Turn { process, number }.to_string()));
        let task = turns::audit_all(self.workers[worker].stores.clone(), deadline);
        self.workers[worker].begin(number, Job::Audit, task);
    }

    /// A turn has come to its end.
    pub(crate) fn finish(&mut self, worker: usize, ended: Ended) -> Result<(), Violation> {
        let Some(job) = self.workers[worker].job.take() else { return Ok(()) };
        match (&job, &ended) {
            (Job::Publish(shard, from, until), Ended::Published(failed)) => {
                self.finish_batch(worker, *shard, (*from, *until), failed);
                Ok(())
            }
            (Job::Drain, Ended::Drained) => {
                self.look_again(worker);
                Ok(())
            }
            (Job::Audit, Ended::Audited(_)) => Ok(()),
            _ => self.finish_operation(worker, &job, &ended),
        }
    }

    /// A process has died in the middle of a turn.
    pub(crate) fn crashed(&mut self, worker: usize, job: Option<Job>) {
        match job {
            Some(Job::Publish(shard, _, until)) => {
                let turn = self.workers[worker].turn;
                if self.shards[shard].invocation == Some(turn) {
                    self.shards[shard].invocation = None;
                    self.drop_batch(shard, until, turn);
                }
                self.wake_publisher(shard);
            }
            Some(Job::Drain) => self.look_again(worker),
            Some(Job::Audit) | None => {}
            Some(Job::Append(..) | Job::Read(..) | Job::Event(..) | Job::Summary(..)) => self.client_crashed(worker),
        }
    }

    fn look_again(&mut self, worker: usize) {
        self.workers[worker].is_due = true;
        let turn = self.workers[worker].turn;
        let wait = self.workload.pace.way(&mut self.chance(Draw::Next, turn.key() << 16));
        self.later(wait, Happening::Begin(worker));
    }
}

fn booking_code(image: &Image) -> &BookingCode {
    match image {
        Image::Reservation(reservation) => &reservation.booking_code,
        Image::Conflict(conflict) => &conflict.booking_code,
    }
}
