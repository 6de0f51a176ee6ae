//! One booking of a replay: its selected events to the bus, lowest version first, the next only after the bus has taken
//! the one before.
//!
//! A failure is the booking's own or a store's. The record's is the booking's if the table answers for another key at that
//! moment; the bus's is the booking's if it speaks of the entry (too large) or if the bus refuses it and has taken others
//! since the last refusal. A store's failure stops the whole shift: every booking stays where it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::pacer::later;
use super::{FailedBooking, Open, Order, Pacer, Ports, ReplayMark, Selection};
use crate::failure::{FailureKind, StoreFailure};
use crate::limits::{REPLAY_BOOKING_ATTEMPTS, REPLAY_FIRST_RETRY, REPLAY_PAGE_BYTES, REPLAY_PAGE_EVENTS};
use crate::ports::BusEvent;
use crate::{BookingCode, Event, Timestamp, Version};

/// What the bookings worked on between two checkpoints share.
pub(super) struct Shift<'a> {
    ports: &'a Ports,
    order: &'a Order,
    mark: ReplayMark,
    pacer: &'a Pacer,
    until: Timestamp,
    stopped: Mutex<Option<StoreFailure>>,
    /// Whether the bus has taken an entry since it refused one.
    bus_takes: AtomicBool,
}

/// How a booking's part ended.
pub(super) enum Ended {
    /// Everything selected of it was sent.
    Done,
    /// It goes on there, later.
    Later(Open),
    /// It was given up.
    GivenUp(FailedBooking),
}

/// Why a booking does not go on.
enum Trouble {
    /// Time is up, or a store fails.
    Stop,
    /// The bus has refused an entry, and nothing shows whether it would take another.
    StopAfterThis,
    /// This booking fails; another try may help.
    Retry(String),
    /// No try will help.
    Hopeless(String),
}

impl<'a> Shift<'a> {
    pub(super) fn new(ports: &'a Ports, order: &'a Order, pacer: &'a Pacer, until: Timestamp) -> Self {
        let (stopped, bus_takes) = (Mutex::default(), AtomicBool::new(false));
        Self { ports, order, mark: order.mark(), pacer, until, stopped, bus_takes }
    }

    /// Works on one booking. Returns how many of its events the bus has taken, and how it ended.
    pub(super) async fn walk(&self, mut open: Open) -> (u64, Ended) {
        let mut sent = 0;
        let ended = match self.walk_on(&mut open, &mut sent).await {
            Ok(()) => Ended::Done,
            Err(Trouble::Stop) => Ended::Later(open),
            Err(Trouble::StopAfterThis) => {
                // The others go first from now on: what becomes of them will show whose fault it is.
                open.retry_at = Some(later(self.ports.clock.now(), REPLAY_FIRST_RETRY));
                Ended::Later(open)
            }
            Err(Trouble::Retry(reason)) => self.another_try(open, reason),
            Err(Trouble::Hopeless(reason)) => Ended::GivenUp(given_up(open, reason)),
        };
        (sent, ended)
    }

    /// The failure that stopped the shift, if one did.
    pub(super) fn into_failure(self) -> Option<StoreFailure> {
        self.stopped.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no further event may be sent.
    pub(super) fn is_over(&self) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        stopped || self.ports.clock.now() >= self.until
    }

    async fn walk_on(&self, open: &mut Open, sent: &mut u64) -> Result<(), Trouble> {
        if self.is_over() {
            return Err(Trouble::Stop);
        }
        let up_to = match open.up_to {
            Some(up_to) => up_to,
            None => self.recorded(&open.booking_code).await?,
        };
        open.up_to = Some(up_to);
        while open.next <= up_to {
            // What comes before a range of time costs no moment, but it does cost time.
            if self.is_over() {
                return Err(Trouble::Stop);
            }
            let events = self.page(open, up_to).await?;
            if events.is_empty() {
                // What is not recorded yet goes the ordinary way to the bus, once it is.
                return Ok(());
            }
            for event in events {
                if self.is_behind_the_selection(open, &event) {
                    return Ok(());
                }
                self.send(open, &event, sent).await?;
                open.next = event.version.next();
            }
        }
        Ok(())
    }

    /// The last recorded version of a booking named by its code.
    async fn recorded(&self, booking_code: &BookingCode) -> Result<Version, Trouble> {
        match self.ports.events.highest(booking_code).await {
            Ok(Some((version, _))) => Ok(version),
            Ok(None) => Err(Trouble::Hopeless("nothing is recorded of it".to_owned())),
            Err(failure) => Err(self.unreadable(failure).await),
        }
    }

    async fn page(&self, open: &Open, up_to: Version) -> Result<Vec<Event>, Trouble> {
        let wanted = up_to.count_since(open.next.previous()).min(REPLAY_PAGE_EVENTS).min(self.affordable());
        let page = self.ports.events.range(&open.booking_code, open.next, wanted, REPLAY_PAGE_BYTES).await;
        match page {
            Ok(events) => {
                let no_gap = events.iter().enumerate().all(|(i, event)| event.version == open.next.plus(i));
                if no_gap { Ok(events) } else { Err(Trouble::Hopeless("the record has a gap".to_owned())) }
            }
            Err(failure) => Err(self.unreadable(failure).await),
        }
    }

    /// How many events may be sent in the time that is left: what is read beyond them is read again. Those before a range of
    /// time cost no moment.
    fn affordable(&self) -> usize {
        if let Selection::Accepted { .. } = self.order.selection {
            return usize::MAX;
        }
        let left = self.until.unix_milliseconds() - self.ports.clock.now().unix_milliseconds();
        let moments = usize::try_from(left).unwrap_or(0).saturating_mul(self.order.rate_per_s as usize) / 1000;
        moments.saturating_add(1)
    }

    /// Sends `event` if it is selected, in its own moment.
    async fn send(&self, open: &mut Open, event: &Event, sent: &mut u64) -> Result<(), Trouble> {
        let accepted_at = counts_as_accepted(open, event);
        if self.begins_by(accepted_at) {
            if self.is_over() || !self.pacer.turn(&*self.ports.clock, &*self.ports.pauses, self.until).await {
                return Err(Trouble::Stop);
            }
            let entry = BusEvent::Replay(&open.booking_code, event, &self.mark);
            self.ports.bus.publish(entry).await.map_err(|failure| self.not_taken(failure))?;
            self.bus_takes.store(true, Ordering::Relaxed);
            *sent += 1;
            (open.attempts, open.retry_at) = (0, None);
        }
        open.accepted_at = Some(accepted_at);
        Ok(())
    }

    fn begins_by(&self, accepted_at: Timestamp) -> bool {
        match &self.order.selection {
            Selection::Accepted { from, .. } => accepted_at >= *from,
            Selection::BookingCodes(_) | Selection::All => true,
        }
    }

    fn is_behind_the_selection(&self, open: &Open, event: &Event) -> bool {
        match &self.order.selection {
            Selection::Accepted { to, .. } => counts_as_accepted(open, event) >= *to,
            Selection::BookingCodes(_) | Selection::All => false,
        }
    }

    /// The record has failed: for this booking, or for all?
    async fn unreadable(&self, failure: StoreFailure) -> Trouble {
        if failure.kind == FailureKind::Corrupt {
            return Trouble::Hopeless(failure.to_string());
        }
        // A code nobody is likely to have: that it has nothing is as good an answer as any.
        let Ok(probe) = BookingCode::parse("replay-probe") else { return self.stop(failure) };
        match self.ports.events.highest(&probe).await {
            Ok(_) => Trouble::Retry(failure.to_string()),
            Err(_) => self.stop(failure),
        }
    }

    /// The bus has not taken an entry: for what it is, or for a reason of its own?
    fn not_taken(&self, failure: StoreFailure) -> Trouble {
        match failure.kind {
            FailureKind::TooLarge | FailureKind::Corrupt => Trouble::Hopeless(failure.to_string()),
            FailureKind::Refused if self.bus_takes.swap(false, Ordering::Relaxed) => {
                Trouble::Retry(failure.to_string())
            }
            FailureKind::Refused => {
                self.stop(failure);
                Trouble::StopAfterThis
            }
            FailureKind::Unreachable
            | FailureKind::CircuitOpen
            | FailureKind::NoAnswer
            | FailureKind::ServerError
            | FailureKind::Throttled
            | FailureKind::Contended => self.stop(failure),
        }
    }

    fn stop(&self, failure: StoreFailure) -> Trouble {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        Trouble::Stop
    }

    fn another_try(&self, mut open: Open, reason: String) -> Ended {
        open.attempts += 1;
        if open.attempts >= REPLAY_BOOKING_ATTEMPTS {
            return Ended::GivenUp(given_up(open, reason));
        }
        let pause = REPLAY_FIRST_RETRY.saturating_mul(1 << (open.attempts - 1));
        open.retry_at = Some(later(self.ports.clock.now(), pause));
        Ended::Later(open)
    }
}

fn given_up(open: Open, reason: String) -> FailedBooking {
    FailedBooking { booking_code: open.booking_code, version: open.next, reason }
}

/// When `event`, the next one of `open`, counts as accepted (see [`Selection::Accepted`]).
fn counts_as_accepted(open: &Open, event: &Event) -> Timestamp {
    open.accepted_at.map_or(event.accepted_at, |before| before.max(event.accepted_at))
}
