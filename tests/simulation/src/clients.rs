//! Clients: what they ask next, and what they do with an answer.

use booking_store::protocol::append::{Append, Outcome as Appended};
use booking_store::protocol::read::Query;
use booking_store::{ExpectedVersion, NewEvent, Version};

use crate::answers;
use crate::chance::Draw;
use crate::ledger::{Violation, hold};
use crate::place::{Part, Role};
use crate::simulation::{Happening, Simulation};
use crate::turns::{self, Ended};
use crate::worker::Job;
use crate::workload::{Expectation, Operation, event_name};

/// Attempts of one operation: turn numbers are counted in these steps, so that an operation's turns keep their names
/// when another operation is left out.
const TURNS: u16 = 8;

impl Simulation {
    /// One process a script, without the operations that are left out.
    pub(crate) fn employ_clients(&mut self) {
        for (process, operations) in self.workload.scripts.clone() {
            let worker = self.hire(process.role);
            let mut script = Vec::new();
            for (number, operation) in (0..).zip(operations) {
                let part = Part::Operation(process, number);
                self.parts.insert(part);
                if self.options.keeps(part) {
                    script.push((number, operation));
                }
            }
            self.workers[worker].progress.script = script;
            self.next_operation(worker);
        }
    }

    /// Puts the client's next operation on the agenda.
    fn next_operation(&mut self, worker: usize) {
        let progress = &self.workers[worker].progress;
        let Some((number, _)) = progress.script.get(progress.next) else { return };
        let key = self.workers[worker].process.key() << 16 | u64::from(*number);
        let mut chance = self.chance(Draw::Next, key);
        let wait = if chance.one_in(6) { chance.scale(50, 120_000) } else { chance.between(0, 20) };
        self.later(wait.cast_signed(), Happening::Begin(worker));
    }

    /// The client begins its operation, or tries again.
    pub(crate) fn begin_operation(&mut self, worker: usize) {
        let progress = &self.workers[worker].progress;
        let Some((number, operation)) = progress.script.get(progress.next).cloned() else { return };
        let turn = number * TURNS + progress.attempts;
        let stores = self.workers[worker].stores.clone();
        let (job, task) = match operation {
            Operation::Append { code, expected, events, .. } => {
                let request = self.request(worker, code, expected, events);
                let task = turns::write(stores, request.clone(), self.workload.deferred_accept, self.options.planted);
                (Job::Append(code, request, self.bookings[code].mark()), task)
            }
            Operation::Read { code, from, limit, told, eventual } => {
                let booking = &self.bookings[code];
                let min_version = (told && booking.told > 0).then(|| Version::new(booking.told));
                let booking_code = booking.code.clone();
                let query = Query { booking_code, from: Version::new(from), limit, min_version, eventual };
                let task = turns::read(stores, query.clone(), self.options.planted);
                (Job::Read(code, query, booking.mark()), task)
            }
            Operation::Event { code, event_id } => {
                let booking = &self.bookings[code];
                let task = turns::locate(stores, booking.code.clone(), event_id);
                (Job::Event(code, event_id, booking.mark()), task)
            }
            Operation::Summary { code } => {
                let booking = &self.bookings[code];
                (Job::Summary(code, booking.mark()), turns::summarise(stores, booking.code.clone()))
            }
        };
        self.workers[worker].begin(turn, job, task);
        let worker = &self.workers[worker];
        self.trace.line(self.time.now(), || {
            let what = worker.job.as_ref().map_or_else(String::new, describe);
            format!("{:<9} BEGINS {what}", worker.turn.to_string())
        });
    }

    /// The request of an append; the first attempt settles what it expects.
    fn request(&mut self, worker: usize, code: usize, expected: Expectation, events: Vec<NewEvent>) -> Append {
        let booking = &self.bookings[code];
        let wanted = match expected {
            Expectation::New => ExpectedVersion::New,
            Expectation::Any => ExpectedVersion::Any,
            Expectation::Exact(version) => ExpectedVersion::Exact(Version::new(version)),
            Expectation::Told => ExpectedVersion::from(Some(booking.told)),
        };
        let expected = *self.workers[worker].progress.expected.get_or_insert(wanted);
        Append { booking_code: booking.code.clone(), expected, events }
    }

    /// Judges the answer to a client and decides what it does next.
    pub(crate) fn finish_operation(&mut self, worker: usize, job: &Job, ended: &Ended) -> Result<(), Violation> {
        let turn = self.workers[worker].turn;
        self.trace.line(self.time.now(), || format!("{:<9} ENDS: {}", turn.to_string(), outcome(ended)));
        let mut again = 0;
        match (job, ended) {
            (Job::Append(code, request, before), Ended::Appended(outcome)) => {
                let booking = &mut self.bookings[*code];
                answers::appended(booking, request, outcome, turn, *before)?;
                booking.observe_deferred(&self.memory)?;
                if answers::promises_no_effect(outcome) {
                    self.harmless.insert(turn);
                    hold!(!self.effective.contains(&turn), "{turn} was told that it has no effect, and had one");
                }
                again = inclination(outcome);
            }
            (Job::Read(code, query, before), Ended::Read(outcome)) => {
                answers::read(&self.bookings[*code], query, outcome, *before)?;
            }
            (Job::Event(code, id, before), Ended::Located(outcome)) => {
                answers::located(&self.bookings[*code], *id, outcome, *before)?;
            }
            (Job::Summary(code, before), Ended::Summary(outcome)) => {
                answers::summary(&self.bookings[*code], outcome, *before)?;
            }
            _ => return Err(Violation("a turn has ended as another".to_owned())),
        }
        self.retry_or_go_on(worker, again);
        Ok(())
    }

    /// Tries the same request again with this probability, or goes on to the next operation.
    pub(crate) fn retry_or_go_on(&mut self, worker: usize, percent: u64) {
        let turn = self.workers[worker].turn;
        let mut chance = self.chance(Draw::Next, turn.key() << 16 | 0xffff);
        let progress = &mut self.workers[worker].progress;
        let most = match progress.script.get(progress.next) {
            Some((_, Operation::Append { retries, .. })) => *retries,
            _ => 0,
        };
        if progress.attempts < most && chance.percent(percent) {
            progress.attempts += 1;
            let wait = chance.scale(1, 10_000).cast_signed();
            return self.later(wait, Happening::Begin(worker));
        }
        progress.next += 1;
        progress.attempts = 0;
        progress.expected = None;
        self.next_operation(worker);
    }

    /// A client has died, or its gateway has: whoever stands behind it may ask again.
    pub(crate) fn client_crashed(&mut self, worker: usize) {
        let is_writer = self.workers[worker].process.role == Role::Writer;
        self.retry_or_go_on(worker, if is_writer { 75 } else { 0 });
    }
}

/// How likely a client tries again after this outcome, in percent.
fn inclination(outcome: &Appended) -> u64 {
    match outcome {
        Appended::Unavailable { .. } => 80,
        Appended::Deferred { .. } => 40,
        Appended::Accepted { .. } => 25,
        Appended::PendingLimitReached => 50,
        Appended::BookingCodeTaken
        | Appended::VersionConflict { .. }
        | Appended::BookingNotFound
        | Appended::EventIdReused(_) => 10,
    }
}

fn describe(job: &Job) -> String {
    match job {
        Job::Append(_, request, _) => {
            let names: Vec<_> = request.events.iter().map(|event| event_name(event.event_id)).collect();
            format!("append to {} expecting {:?}: {}", request.booking_code, request.expected, names.join(" "))
        }
        Job::Read(_, query, _) => format!("read {query:?}"),
        Job::Event(_, id, _) => format!("look for {}", event_name(*id)),
        Job::Summary(..) => "look at the booking".to_owned(),
        Job::Publish(..) | Job::Drain | Job::Audit => String::new(),
    }
}

fn outcome(ended: &Ended) -> String {
    match ended {
        Ended::Appended(Appended::Accepted { events, status, replayed, .. }) => {
            let versions: Vec<_> = events.iter().map(|event| event.version.to_string()).collect();
            let replayed = if *replayed { ", replayed" } else { "" };
            format!("accepted as [{}], {status:?}{replayed}", versions.join(" "))
        }
        Ended::Appended(outcome) => format!("{outcome:?}"),
        Ended::Read(outcome) => format!("{outcome:?}"),
        Ended::Located(outcome) => format!("{outcome:?}"),
        Ended::Summary(outcome) => format!("{outcome:?}"),
        Ended::Published(failed) => format!("published but {failed:?}"),
        Ended::Drained => "drained".to_owned(),
        Ended::Audited(report) => format!("{} stale, {} queued again", report.stale, report.requeued),
    }
}
