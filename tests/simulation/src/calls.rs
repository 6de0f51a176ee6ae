//! Store calls on their way: when they arrive, what goes wrong with them, and what the ledger sees of their effects.

use booking_store::failure::{FailureKind, StoreFailure};
use booking_store::ports::{Decided, Reservations};
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, ExpectedVersion};
use futures::FutureExt;

use crate::chance::{Chance, Draw};
use crate::fault::Fault;
use crate::ledger::{Booking, Violation};
use crate::place::{Part, Place, Turn};
use crate::request::{Answer, Method, Request};
use crate::simulation::{Happening, Simulation, Then};
use crate::trace;
use crate::wire::{Reply, Sent};

/// A call on its way.
pub(crate) struct Call {
    worker: usize,
    place: Place,
    request: Request,
    reply: Reply,
    fault: Option<Fault>,
    answer: Option<Answer>,
}

impl Simulation {
    /// A call leaves its process.
    pub(crate) fn send_off(&mut self, worker: usize, place: Place, sent: Sent) {
        let method = sent.request.method();
        let mut chance = self.chance(Draw::Call, place.key());
        let fault = self.draw_fault(&mut chance, worker, place, method);
        self.coverage.call(method);
        self.trace.mix(place.key());
        if let Some(fault) = fault {
            self.coverage.hit(method, fault);
            self.trace.mix(fault.position() as u64);
        }
        self.trace.line(self.time.now(), || {
            let fault = fault.map_or_else(String::new, |fault| format!("   ! {fault}"));
            format!("{:<9} asks: {}{fault}", place.to_string(), trace::request(&sent.request))
        });
        let Sent { request, reply } = sent;
        self.calls.push(Call { worker, place, request, reply, fault, answer: None });
        self.dispatch(self.calls.len() - 1, fault, &mut chance);
    }

    fn draw_fault(&mut self, chance: &mut Chance, worker: usize, place: Place, method: Method) -> Option<Fault> {
        let process = self.workers[worker].process;
        let now = self.time.now();
        let down = self.workload.outages.iter().find(|outage| {
            let here = outage.store == method.store() && outage.process.is_none_or(|only| only == process);
            here && (outage.from..outage.until).contains(&now)
        });
        if let Some(outage) = down {
            let none = Fault::Before(FailureKind::NoAnswer);
            return Some(if outage.fault.concerns(method) { outage.fault } else { none });
        }
        let rate = if method.is_rare() { self.workload.faults * 4 } else { self.workload.faults };
        let part = Part::Fault(place);
        // A shrunk schedule has other calls; the budget must not run out before the faults it keeps.
        let spent = self.faults_left == 0 && (self.options.only.is_none() || self.healed);
        if chance.below(1000) >= rate || spent || !self.options.keeps(part) {
            return None;
        }
        self.faults_left = self.faults_left.saturating_sub(1);
        self.parts.insert(part);
        Some(Fault::draw(chance, method))
    }

    /// Decides when a call arrives and when its answer does.
    fn dispatch(&mut self, call: usize, fault: Option<Fault>, chance: &mut Chance) {
        let way = self.workload.pace.way(chance);
        let late = way + chance.scale(5, 900_000).cast_signed();
        let (answer, crash, nothing) = (Then::Answer, Then::Crash, Then::Nothing);
        match fault {
            None | Some(Fault::After(_) | Fault::AfterInDoubt | Fault::Pause) => {
                self.later(way, Happening::Act(call, answer));
            }
            Some(Fault::Before(_)) => self.later(way, Happening::Deliver(call)),
            Some(Fault::Late) => {
                self.later(way, Happening::Deliver(call));
                self.later(late, Happening::Act(call, nothing));
            }
            Some(Fault::Twice) => {
                self.later(way, Happening::Act(call, nothing));
                self.later(way + self.workload.pace.way(chance), Happening::Act(call, answer));
            }
            Some(Fault::Again) => {
                self.later(way, Happening::Act(call, answer));
                self.later(late, Happening::Act(call, nothing));
            }
            Some(Fault::CrashBefore) => self.later(way, Happening::Crash(call)),
            Some(Fault::CrashAfter) => self.later(way, Happening::Act(call, crash)),
            Some(Fault::CrashLate) => {
                self.later(way, Happening::Crash(call));
                self.later(late, Happening::Act(call, nothing));
            }
            Some(Fault::Slow) => self.later(late, Happening::Act(call, answer)),
        }
    }

    /// A store acts on a call.
    pub(crate) fn act(&mut self, call: usize, then: Then) -> Result<(), Violation> {
        let Call { place, request, fault, .. } = &self.calls[call];
        let (place, fault, request) = (*place, *fault, request.clone());
        let answer = request.act(&self.memory).ok_or_else(|| Violation("a store in memory has failed".to_owned()))?;
        self.trace.mix(place.key());
        self.trace.mix(trace::digest(&answer));
        self.trace.line(self.time.now(), || {
            format!("{:<9} acts: {}: {}", place.to_string(), trace::request(&request), trace::answer(&answer))
        });
        if fault == Some(Fault::Again) && then == Then::Answer && is_open(&request, &answer) {
            // What a delayed attempt may still change is no answer: the adapter has to say that it does not know.
            self.calls[call].fault = Some(Fault::After(FailureKind::NoAnswer));
        }
        self.calls[call].answer = Some(answer);
        // An answer must not hang on how long somebody else takes: its way is drawn by the call's own name.
        let mut chance = self.chance(Draw::Next, place.key());
        let way = self.workload.pace.way(&mut chance);
        let pause = if fault == Some(Fault::Pause) { chance.scale(50, 900_000).cast_signed() } else { 0 };
        match then {
            Then::Answer => self.later(way + pause, Happening::Deliver(call)),
            Then::Crash => self.later(way, Happening::Crash(call)),
            Then::Nothing => {}
        }
        self.observe(&request, place.turn)
    }

    /// Checks what the effect of a call leaves behind.
    fn observe(&mut self, request: &Request, turn: Turn) -> Result<(), Violation> {
        match request {
            Request::Decide(decision) => self.observe_claims(&decision.booking_code, turn),
            Request::Trim(code, _) => self.observe_claims(code, turn),
            Request::KeepConflict(conflict) => self.observe_claims(&conflict.booking_code, turn),
            Request::Record(code, _) => {
                let recorded = self.memory.events.of(code);
                self.booking(code)?.observe_record(&recorded)
            }
            Request::PublishEvent(code, event) => self.booking(code)?.observe_event(event),
            Request::PublishConflict(conflict) => self.booking(&conflict.booking_code)?.observe_conflict(conflict),
            Request::Send(message) => {
                if matches!(message, QueueMessage::Deferred { .. }) {
                    self.effective.insert(turn);
                }
                self.wake_drainers();
                Ok(())
            }
            Request::Delete(_) => self.bookings.iter().try_for_each(|booking| booking.observe_deferred(&self.memory)),
            Request::Claims(_)
            | Request::Stale(..)
            | Request::Highest(_)
            | Request::Range(..)
            | Request::BackOff(..)
            | Request::DeadLetter(..) => Ok(()),
        }
    }

    fn observe_claims(&mut self, code: &BookingCode, turn: Turn) -> Result<(), Violation> {
        let claims = self.memory.reservations.claims(code).now_or_never().and_then(Result::ok).unwrap_or_default();
        let booking = self.booking(code)?;
        let before = booking.head();
        booking.observe_claims(&claims)?;
        if booking.head() > before {
            self.effective.insert(turn);
        }
        self.take_images();
        if self.harmless.is_disjoint(&self.effective) {
            return Ok(());
        }
        Err(Violation(format!("{turn} was told that it has no effect, and has one")))
    }

    /// The ledger's page of a booking code.
    pub(crate) fn booking(&mut self, code: &BookingCode) -> Result<&mut Booking, Violation> {
        let booking = self.bookings.iter_mut().find(|booking| booking.code == *code);
        booking.ok_or_else(|| Violation(format!("nobody has ever asked for {code}")))
    }

    /// The answer to a call arrives, if its process still waits for it.
    pub(crate) fn deliver(&mut self, call: usize) -> Result<(), Violation> {
        let Call { worker, place, request, fault, answer, .. } = &mut self.calls[call];
        let (worker, place) = (*worker, *place);
        if self.workers[worker].turn != place.turn || !self.workers[worker].is_busy() {
            return Ok(());
        }
        let store = request.method().store();
        let failure = fault.and_then(|fault| fault.failure(store));
        let answer = match (failure, answer.take()) {
            (Some(failure), _) => Err(failure),
            (None, Some(answer)) => Ok(answer),
            (None, None) => Err(StoreFailure::new(store, FailureKind::NoAnswer)),
        };
        self.trace.mix(u64::from(answer.is_ok()));
        self.trace.line(self.time.now(), || {
            let told = answer.as_ref().map_or_else(|failure| failure.to_string(), trace::answer);
            format!("{:<9} told: {told}", place.to_string())
        });
        self.calls[call].reply.deliver(answer);
        self.poll(worker)
    }

    /// The process that made a call dies, if it still waits for the answer.
    pub(crate) fn crash(&mut self, call: usize) {
        let Call { worker, place, .. } = self.calls[call];
        if self.workers[worker].turn != place.turn || !self.workers[worker].is_busy() {
            return;
        }
        self.trace.line(self.time.now(), || format!("{:<9} DIES", place.to_string()));
        let job = self.workers[worker].crash();
        self.crashed(worker, job);
    }
}

/// Whether a decision was refused that the same booking may grant at a later moment.
fn is_open(request: &Request, answer: &Answer) -> bool {
    match (request, answer) {
        (Request::Decide(decision), Answer::Decided(Decided::Refused(old))) => match (decision.expected, old) {
            (ExpectedVersion::New, _) => false,
            (ExpectedVersion::Any, _) | (ExpectedVersion::Exact(_), None) => true,
            (ExpectedVersion::Exact(version), Some(old)) => version >= old.head,
        },
        _ => false,
    }
}
