//! What the stores hold, followed write by write, and the invariants of the protocol over it.
//!
//! The ledger sees every effect when it happens. It never asks the protocol: what is accepted is what the reservation
//! item has ever held as pending, in the order of its versions.

use std::collections::BTreeSet;

use booking_store::limits::RECENT_EVENTS;
use booking_store::memory::Memory;
use booking_store::ports::Claims;
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, Conflict, Event, EventId, NewEvent, Reservation, Version};

use crate::workload::event_name;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Fails with a text unless the condition holds.
macro_rules! hold {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::ledger::Violation(format!($($text)+)));
        }
    };
}
pub(crate) use hold;

/// The truth about one booking code.
#[derive(Clone, Debug)]
pub(crate) struct Booking {
    /// The code.
    pub code: BookingCode,
    /// Every accepted event, by version.
    pub accepted: Vec<Event>,
    /// The versions the booking has ever been at.
    pub heads: BTreeSet<u64>,
    /// What the reservation says of itself.
    pub settled: u64,
    /// How many events are recorded.
    pub recorded: u64,
    /// How many events the bus has seen.
    pub published: u64,
    /// Conflict items, oldest first, and whether the bus has seen them.
    pub conflicts: Vec<(Conflict, bool)>,
    /// Events a client was told to be accepted.
    pub confirmed: BTreeSet<EventId>,
    /// Events a client was told to be deferred.
    pub deferred: Vec<NewEvent>,
    /// The highest version a client was told.
    pub told: u64,
    /// Whether an event was accepted twice, at any version, with more events in between than a reservation remembers
    /// the ids of. The protocol does not promise more; the schedule ends here.
    pub outrun: bool,
}

/// How far a booking was at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The version.
    pub head: u64,
    /// The settled version.
    pub settled: u64,
    /// How many conflict items there are.
    pub conflicts: usize,
    /// The highest version a client was told.
    pub told: u64,
}

impl Booking {
    /// Nothing has happened.
    pub(crate) fn new(code: BookingCode) -> Self {
        Self {
            code,
            accepted: Vec::new(),
            heads: BTreeSet::from([0]),
            settled: 0,
            recorded: 0,
            published: 0,
            conflicts: Vec::new(),
            confirmed: BTreeSet::new(),
            deferred: Vec::new(),
            told: 0,
            outrun: false,
        }
    }

    /// The last accepted version.
    pub(crate) fn head(&self) -> u64 {
        self.accepted.len() as u64
    }

    /// How far it is now.
    pub(crate) fn mark(&self) -> Mark {
        Mark { head: self.head(), settled: self.settled, conflicts: self.conflicts.len(), told: self.told }
    }

    /// The accepted event at `version`.
    pub(crate) fn at(&self, version: u64) -> Option<&Event> {
        let position = usize::try_from(version.checked_sub(1)?).ok()?;
        self.accepted.get(position)
    }

    /// The accepted event with this id.
    pub(crate) fn with_id(&self, event_id: EventId) -> Option<&Event> {
        self.accepted.iter().find(|event| event.event_id == event_id)
    }

    /// Accepted events in `(after, up_to]`.
    pub(crate) fn between(&self, after: u64, up_to: u64) -> impl ExactSizeIterator<Item = &Event> {
        let place = |version: u64| usize::try_from(version).unwrap_or(usize::MAX).min(self.accepted.len());
        self.accepted[place(after).min(place(up_to))..place(up_to)].iter()
    }

    /// Checks what the reservations table holds of this code after a write.
    ///
    /// # Errors
    /// Invariant 1, 2, 4 or 6 is broken.
    pub(crate) fn observe_claims(&mut self, claims: &Claims) -> Result<(), Violation> {
        match &claims.reservation {
            Some(reservation) => self.observe_reservation(reservation)?,
            None => hold!(self.accepted.is_empty(), "invariant 1: the reservation of {} has disappeared", self.code),
        }
        self.observe_conflicts(&claims.conflicts)
    }

    fn observe_reservation(&mut self, now: &Reservation) -> Result<(), Violation> {
        let code = &self.code;
        hold!(now.is_sound(), "the reservation of {code} is unsound: {now:?}");
        let (head, settled) = (now.head.get(), now.settled.get());
        hold!(head >= self.head(), "invariant 1: the head of {code} went back from {} to {head}", self.head());
        hold!(settled >= self.settled, "the settled version of {code} went back from {} to {settled}", self.settled);
        let known = self.head();
        for event in now.pending.iter().filter(|event| event.version.get() > known) {
            let name = event_name(event.event_id);
            let twice = self.with_id(event.event_id).map(|before| before.version);
            let forgotten = |before: Version| known.saturating_sub(before.get()) >= RECENT_EVENTS as u64;
            // The owner's id is never forgotten.
            self.outrun |= twice.is_some_and(|before| before > Version::FIRST && forgotten(before));
            let once = twice.is_none() || self.outrun;
            hold!(once, "event {name} of {code} has versions {twice:?} and {}", event.version);
            self.accepted.push(event.clone());
        }
        hold!(
            self.head() == head,
            "invariant 1: {code} is at {head}, but versions only up to {} are known",
            self.head()
        );
        self.heads.insert(head);
        let pending = self.between(settled, head).eq(&now.pending);
        hold!(pending, "invariant 1: pending events of {code} are not those accepted above {settled}");
        let owner = self.accepted.first().map(|first| (first.event_id, first.accepted_at));
        hold!(owner == Some((now.owner, now.created_at)), "invariant 2: {code} has changed its owner");
        let known = now.recent.len().max(RECENT_EVENTS.min(self.accepted.len()));
        let recent = self.accepted[self.accepted.len() - known..].iter().map(|event| event.event_id);
        hold!(recent.eq(now.recent.iter().copied()), "the recent ids of {code} are not those of its last events");
        hold!(
            settled <= self.recorded,
            "invariant 6: {code} is settled up to {settled}, recorded up to {}",
            self.recorded
        );
        hold!(
            settled <= self.published,
            "invariant 6: {code} is settled up to {settled}, published up to {}",
            self.published
        );
        self.settled = settled;
        Ok(())
    }

    fn observe_conflicts(&mut self, now: &[Conflict]) -> Result<(), Violation> {
        for (known, _) in &self.conflicts {
            let kept = now.iter().any(|conflict| conflict == known);
            hold!(kept, "invariant 1: the conflict of {} has changed", event_name(known.event.event_id));
        }
        for conflict in now {
            let id = conflict.event.event_id;
            if self.conflicts.iter().any(|(known, _)| known.event.event_id == id) {
                continue;
            }
            let name = event_name(id);
            let accepted = self.with_id(id).is_some_and(|event| conflict.event.is_same_as(event));
            hold!(!accepted, "invariant 2: event {name} is accepted and kept as a conflict of {}", self.code);
            let owner = self.accepted.first().map(|first| first.event_id);
            hold!(owner == Some(conflict.owner), "the conflict of {name} names another owner than {}", self.code);
            self.conflicts.push((conflict.clone(), false));
        }
        Ok(())
    }

    /// Checks what the events table holds of this code.
    ///
    /// # Errors
    /// Invariant 4 is broken.
    pub(crate) fn observe_record(&mut self, now: &[Event]) -> Result<(), Violation> {
        let count = now.len() as u64;
        hold!(count >= self.recorded, "invariant 4: recorded events of {} have disappeared", self.code);
        let same = self.between(0, count).eq(now);
        hold!(same, "invariant 4: the record of {} has a gap, or is not what was accepted", self.code);
        self.recorded = count;
        Ok(())
    }

    /// Checks an event that the bus has just taken.
    ///
    /// # Errors
    /// Invariant 5 is broken.
    pub(crate) fn observe_event(&mut self, event: &Event) -> Result<(), Violation> {
        let (code, version) = (&self.code, event.version.get());
        hold!(version <= self.recorded, "invariant 5: {code} version {version} is published and not recorded");
        hold!(self.at(version) == Some(event), "invariant 5: {code} version {version} is published as another event");
        hold!(
            version <= self.published + 1,
            "invariant 5: {code} version {version} is published first when {} was the last",
            self.published
        );
        self.published = self.published.max(version);
        Ok(())
    }

    /// Checks a conflict that the bus has just taken.
    ///
    /// # Errors
    /// It is not kept.
    pub(crate) fn observe_conflict(&mut self, conflict: &Conflict) -> Result<(), Violation> {
        let kept = self.conflicts.iter_mut().find(|(kept, _)| kept == conflict);
        let Some((_, published)) = kept else {
            return Err(Violation(format!("{} is published as a conflict that is not kept", self.code)));
        };
        *published = true;
        Ok(())
    }

    /// Checks that every deferred event is somewhere.
    ///
    /// # Errors
    /// Invariant 1 is broken.
    pub(crate) fn observe_deferred(&self, memory: &Memory) -> Result<(), Violation> {
        if self.deferred.is_empty() {
            return Ok(());
        }
        let dead = memory.queue.dead_letters().into_iter().map(|letter| letter.body);
        let bodies = memory.queue.bodies().into_iter().chain(dead);
        let waiting: Vec<_> = bodies.filter_map(|body| QueueMessage::decode(&body).ok()).collect();
        for event in &self.deferred {
            let accepted = self.with_id(event.event_id).is_some_and(|accepted| event.is_same_as(accepted));
            let conflict = self.conflicts.iter().any(|(conflict, _)| conflict.event == *event);
            let queued = waiting.iter().any(|message| self.carries(message, event));
            let name = event_name(event.event_id);
            hold!(accepted || conflict || queued, "invariant 1: deferred event {name} of {} is lost", self.code);
        }
        Ok(())
    }

    fn carries(&self, message: &QueueMessage, event: &NewEvent) -> bool {
        match message {
            QueueMessage::Deferred { booking_code, events, .. } => *booking_code == self.code && events.contains(event),
            QueueMessage::Settle { .. } | QueueMessage::PublishConflict { .. } => false,
        }
    }
}
