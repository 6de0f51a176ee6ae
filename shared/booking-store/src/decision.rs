//! The decision an append asks of the arbiter, and the condition under which the arbiter grants it.
//!
//! [`Decision::granted_by`] and [`Decision::apply`] are that conditional update in plain code: the in-memory port runs
//! them, the DynamoDB adapter writes them as an expression, and the conformance tests hold the two together.

use crate::limits::MAX_PENDING_BYTES;
use crate::{BookingCode, Event, EventId, ExpectedVersion, NewEvent, Reservation, Timestamp, Version};

/// "Give these events the next versions of this booking", for the arbiter to grant or refuse as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The booking.
    pub booking_code: BookingCode,
    /// What the writer believes of it.
    pub expected: ExpectedVersion,
    /// 1 to 25 events with ids that differ from each other.
    pub events: Vec<NewEvent>,
    /// The time of acceptance they get.
    pub accepted_at: Timestamp,
}

impl Decision {
    /// The bytes the events add to the item.
    pub fn bytes(&self) -> u64 {
        self.events.iter().map(NewEvent::pending_bytes).sum()
    }

    /// The ids of the events.
    pub fn event_ids(&self) -> impl Iterator<Item = EventId> + '_ {
        self.events.iter().map(|event| event.event_id)
    }

    /// The most bytes that may be pending for this decision still to fit.
    pub fn room(&self) -> u64 {
        MAX_PENDING_BYTES.saturating_sub(self.bytes())
    }

    /// Whether the arbiter grants this decision to a booking in this state.
    pub fn granted_by(&self, old: Option<&Reservation>) -> bool {
        match (self.expected, old) {
            (ExpectedVersion::New, old) => old.is_none(),
            (ExpectedVersion::Exact(_) | ExpectedVersion::Any, None) => false,
            (ExpectedVersion::Exact(version), Some(old)) => old.head == version && self.is_admitted_by(old),
            (ExpectedVersion::Any, Some(old)) => self.is_admitted_by(old),
        }
    }

    /// None of the ids is among the recent ones or the owner's, and there is room.
    fn is_admitted_by(&self, old: &Reservation) -> bool {
        old.pending_bytes <= self.room() && !self.event_ids().any(|id| old.owner == id || old.recent.contains(&id))
    }

    /// Whether a decision that `old` refuses may be granted later: an attempt of it that is still under way could land
    /// then, so its refusal proves nothing. Versions and reservations never go back, and ids once seen stay.
    pub fn may_yet_be_granted(&self, old: Option<&Reservation>) -> bool {
        let Some(old) = old else { return true };
        let seen = self.event_ids().any(|id| old.version_of(id).is_some());
        match self.expected {
            ExpectedVersion::New => false,
            ExpectedVersion::Exact(version) => !seen && old.head <= version,
            ExpectedVersion::Any => !seen,
        }
    }

    /// The reservation after the decision was granted.
    pub fn apply(&self, old: Option<&Reservation>) -> Reservation {
        let mut new = old.cloned().unwrap_or_else(|| self.empty());
        for event in &self.events {
            new.head = new.head.next();
            new.recent.push(event.event_id);
            new.pending_bytes += event.pending_bytes();
            new.pending.push(event.clone().accept(new.head, self.accepted_at));
        }
        new
    }

    /// The events as they are accepted behind `previous`.
    pub fn accepted_after(&self, previous: Version) -> Vec<Event> {
        let number = |(i, event): (usize, &NewEvent)| event.clone().accept(previous.plus(i + 1), self.accepted_at);
        self.events.iter().enumerate().map(number).collect()
    }

    fn empty(&self) -> Reservation {
        Reservation {
            booking_code: self.booking_code.clone(),
            owner: self.events.first().map_or_else(|| EventId::from_bytes([0; 16]), |event| event.event_id),
            created_at: self.accepted_at,
            head: Version::NONE,
            settled: Version::NONE,
            pending: Vec::new(),
            recent: Vec::new(),
            pending_bytes: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::PENDING_EVENT_OVERHEAD;
    use crate::{EventType, JsonObject};

    fn decision(expected: ExpectedVersion, id: u8, bytes: usize) -> Decision {
        Decision {
            booking_code: BookingCode::parse("X").unwrap(),
            expected,
            events: vec![NewEvent {
                event_id: EventId::from_bytes([id; 16]),
                event_type: EventType::parse("T").unwrap(),
                occurred_at: None,
                data: JsonObject::parse(&format!("{{\"a\":\"{}\"}}", "x".repeat(bytes))).unwrap(),
                metadata: None,
            }],
            accepted_at: Timestamp::parse("2026-11-21T09:00:00Z").unwrap(),
        }
    }

    #[test]
    fn a_code_is_granted_once_and_versions_move_on() {
        let new = decision(ExpectedVersion::New, 1, 0);
        assert!(new.granted_by(None));
        let one = new.apply(None);
        assert!(!new.granted_by(Some(&one)));
        assert!(!decision(ExpectedVersion::Any, 2, 0).granted_by(None));
        assert!(!decision(ExpectedVersion::Exact(Version::FIRST), 2, 0).granted_by(None));
        assert!(decision(ExpectedVersion::Exact(Version::FIRST), 2, 0).granted_by(Some(&one)));
        assert!(!decision(ExpectedVersion::Exact(Version::new(2)), 2, 0).granted_by(Some(&one)));
        assert!(decision(ExpectedVersion::Any, 2, 0).granted_by(Some(&one)));
    }

    #[test]
    fn a_refusal_is_final_only_if_it_can_never_turn() {
        let one = decision(ExpectedVersion::New, 1, 0).apply(None);
        let exact = |version, id| decision(ExpectedVersion::Exact(Version::new(version)), id, 0);
        assert!(decision(ExpectedVersion::Any, 2, 0).may_yet_be_granted(None), "somebody may create the booking");
        assert!(exact(1, 2).may_yet_be_granted(None));
        assert!(exact(2, 2).may_yet_be_granted(Some(&one)), "the booking may come to that version");
        assert!(decision(ExpectedVersion::Any, 2, 0).may_yet_be_granted(Some(&one)), "there may be room later");
        let two = exact(1, 3).apply(Some(&one));
        assert!(!exact(1, 2).may_yet_be_granted(Some(&two)), "the head never goes back");
        assert!(!decision(ExpectedVersion::Any, 3, 0).may_yet_be_granted(Some(&two)), "it has landed");
        assert!(!decision(ExpectedVersion::New, 2, 0).may_yet_be_granted(Some(&one)), "the code is taken for ever");
    }

    #[test]
    fn a_recent_id_is_refused_whatever_the_version() {
        let one = decision(ExpectedVersion::New, 1, 0).apply(None);
        assert!(!decision(ExpectedVersion::Any, 1, 0).granted_by(Some(&one)));
        assert!(!decision(ExpectedVersion::Exact(Version::FIRST), 1, 0).granted_by(Some(&one)));
    }

    #[test]
    fn an_item_takes_no_more_than_its_limit() {
        let mut item = decision(ExpectedVersion::New, 0, 0).apply(None);
        for id in 1..=u8::MAX {
            let more = decision(ExpectedVersion::Any, id, 60_000);
            if !more.granted_by(Some(&item)) {
                assert!(item.pending_bytes + more.bytes() > MAX_PENDING_BYTES);
                assert_eq!(id, 6, "five events of 60 KB fit beside a small one");
                return;
            }
            item = more.apply(Some(&item));
            assert!(item.pending_bytes <= MAX_PENDING_BYTES && PENDING_EVENT_OVERHEAD > 0);
        }
        panic!("never full");
    }
}
