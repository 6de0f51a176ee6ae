//! The reservation: the arbiter's state of one booking code, as its item holds it.
//!
//! Invariants: `pending` holds the versions `settled + 1 ..= head` in order; `recent` holds the ids of the last
//! `recent.len()` versions up to `head` and reaches back over everything pending; `pending_bytes` is the sum of the
//! pending events' sizes. [`Reservation::is_sound`] checks them; every decoder does.

use crate::limits::{MAX_TRIM, RECENT_EVENTS};
use crate::{BookingCode, Conflict, Event, EventId, Timestamp, Version};

/// One booking's reservation (PROTOCOL, "Stores").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The code it reserves.
    pub booking_code: BookingCode,
    /// The id of the event that created the booking.
    pub owner: EventId,
    /// When the booking was accepted.
    pub created_at: Timestamp,
    /// The version of the last accepted event.
    pub head: Version,
    /// Every version up to here is recorded, published and trimmed.
    pub settled: Version,
    /// The accepted events that are not settled, by version.
    pub pending: Vec<Event>,
    /// The ids of the last events, oldest first.
    pub recent: Vec<EventId>,
    /// An upper bound of the bytes `pending` takes in the item.
    pub pending_bytes: u64,
}

/// What a change of the reservations table's stream shows: the new state of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// A booking's reservation.
    Reservation(Box<Reservation>),
    /// An acknowledged event that lost its code.
    Conflict(Box<Conflict>),
}

/// One step of settling: the removal of the first pending events. Positions are counted from the front of the lists,
/// which only a trim shortens, so they hold as long as `settled` is still `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trim {
    /// The settled version this step starts from; the condition of the write.
    pub from: Version,
    /// The settled version it leads to.
    pub to: Version,
    /// Pending events to remove.
    pub events: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Recent ids to forget.
    pub forget: usize,
}

impl Reservation {
    /// The pending event of `version`.
    pub fn pending_at(&self, version: Version) -> Option<&Event> {
        let position = version.count_since(self.settled).checked_sub(1)?;
        self.pending.get(position)
    }

    /// The pending events up to and with `version`.
    pub fn pending_up_to(&self, version: Version) -> &[Event] {
        let count = version.count_since(self.settled).min(self.pending.len());
        self.pending.get(..count).unwrap_or_default()
    }

    /// The version of `event_id`, if it is the owner or among the recent ids.
    pub fn version_of(&self, event_id: EventId) -> Option<Version> {
        if event_id == self.owner {
            return Some(Version::FIRST);
        }
        let position = self.recent.iter().position(|id| *id == event_id)?;
        Some(Version::new(self.head.get() - self.recent.len() as u64).plus(position + 1))
    }

    /// The last version whose event id is no longer among the recent ones.
    pub fn forgotten(&self) -> Version {
        Version::new(self.head.get().saturating_sub(self.recent.len() as u64))
    }

    /// The next step towards `settled = up_to`, or none if that is reached. At most [`MAX_TRIM`] events a step.
    pub fn trim(&self, up_to: Version) -> Option<Trim> {
        let events = up_to.count_since(self.settled).min(self.pending.len()).min(MAX_TRIM);
        let removed = self.pending.get(..events).filter(|removed| !removed.is_empty())?;
        let keep = RECENT_EVENTS.max(self.pending.len() - events);
        Some(Trim {
            from: self.settled,
            to: self.settled.plus(events),
            events,
            bytes: removed.iter().map(Event::pending_bytes).sum(),
            forget: self.recent.len().saturating_sub(keep).min(MAX_TRIM),
        })
    }

    /// The reservation after `trim`, which must have been made of it or of an older image with the same `settled`.
    #[must_use]
    pub fn trimmed(mut self, trim: &Trim) -> Self {
        self.settled = trim.to;
        self.pending.drain(..trim.events);
        self.recent.drain(..trim.forget);
        self.pending_bytes -= trim.bytes;
        self
    }

    /// Whether the invariants of this module hold.
    pub fn is_sound(&self) -> bool {
        let consecutive = self.pending.iter().enumerate().all(|(i, event)| event.version == self.settled.plus(i + 1));
        consecutive
            && self.head >= Version::FIRST
            && self.settled.plus(self.pending.len()) == self.head
            // `plus` saturates at the largest version.
            && self.head.count_since(self.settled) == self.pending.len()
            && self.recent.len() >= self.pending.len()
            && self.recent.len() as u64 <= self.head.get()
            && self.recent.iter().rev().zip(self.pending.iter().rev()).all(|(id, event)| *id == event.event_id)
            && self.pending_bytes == self.pending.iter().map(Event::pending_bytes).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    proptest! {
        #[test]
        fn appends_and_trims_keep_it_sound(reservation in arbitrary::reservation()) {
            prop_assert!(reservation.is_sound(), "{:?}", reservation);
        }

        #[test]
        fn every_recent_id_names_its_version(reservation in arbitrary::reservation()) {
            for event in &reservation.pending {
                prop_assert_eq!(reservation.version_of(event.event_id), Some(event.version));
                prop_assert_eq!(reservation.pending_at(event.version), Some(event));
            }
            prop_assert_eq!(reservation.version_of(reservation.owner), Some(Version::FIRST));
            prop_assert_eq!(reservation.pending_at(reservation.settled), None);
            prop_assert_eq!(reservation.pending_at(reservation.head.next()), None);
        }

        /// A settler may hold an old image: what was appended since must survive its trim.
        #[test]
        fn a_trim_of_an_old_image_fits_the_new_one(
            old in arbitrary::reservation(),
            events in proptest::collection::vec(arbitrary::new_event(), 1..5),
        ) {
            let Some(trim) = old.trim(old.head) else { return Ok(()) };
            let decision = crate::Decision {
                booking_code: old.booking_code.clone(),
                expected: crate::ExpectedVersion::Any,
                events,
                accepted_at: old.created_at,
            };
            let new = decision.apply(Some(&old)).trimmed(&trim);
            prop_assert!(new.is_sound(), "{:?}", new);
            prop_assert_eq!(new.pending.len(), decision.events.len());
            prop_assert_eq!(new.settled, old.head);
        }
    }

    /// A new booking of `count` events, the `n`th with an id of `n`s.
    fn new_booking(count: u8) -> Reservation {
        let event = |n: u8| crate::NewEvent {
            event_id: EventId::from_bytes([n; 16]),
            event_type: crate::EventType::parse("T").unwrap(),
            occurred_at: None,
            data: crate::JsonObject::parse("{}").unwrap(),
            metadata: None,
        };
        let decision = crate::Decision {
            booking_code: BookingCode::parse("X").unwrap(),
            expected: crate::ExpectedVersion::New,
            events: (1..=count).map(event).collect(),
            accepted_at: Timestamp::parse("2026-11-21T09:00:00Z").unwrap(),
        };
        decision.apply(None)
    }

    /// Each breaks one invariant and no other.
    #[test]
    fn nothing_broken_is_sound() {
        let one_settled = |booking: Reservation| booking.clone().trimmed(&booking.trim(Version::FIRST).unwrap());
        type Break = fn(&mut Reservation);
        let broken: [(&str, Break); 7] = [
            ("order", |booking| booking.pending[0].version = Version::new(3)),
            ("nothing accepted", |booking| {
                (booking.head, booking.settled, booking.pending_bytes) = (Version::NONE, Version::NONE, 0);
                booking.pending.clear();
                booking.recent.clear();
            }),
            ("head", |booking| booking.head = booking.head.next()),
            ("a pending event is not recent", |booking| drop(booking.recent.drain(..2))),
            ("more recent than accepted", |booking| booking.recent.insert(0, EventId::from_bytes([9; 16]))),
            ("another recent id", |booking| booking.recent[2] = EventId::from_bytes([9; 16])),
            ("bytes", |booking| booking.pending_bytes += 1),
        ];
        for (what, break_it) in broken {
            let mut booking = one_settled(new_booking(3));
            assert!(booking.is_sound());
            break_it(&mut booking);
            assert!(!booking.is_sound(), "{what}: {booking:?}");
        }
    }

    #[test]
    fn recent_ids_reach_back_over_everything_pending_and_never_below_32() {
        let mut reservation = new_booking(200);
        assert_eq!((reservation.pending.len(), reservation.recent.len()), (200, 200));
        assert_eq!(reservation.trim(Version::new(20)).unwrap().forget, 20, "180 are still pending");
        let first = reservation.trim(reservation.head).unwrap();
        assert_eq!((first.events, first.forget), (MAX_TRIM, MAX_TRIM));
        reservation = reservation.trimmed(&first);
        assert_eq!((reservation.pending.len(), reservation.recent.len()), (100, 100));
        reservation = reservation.clone().trimmed(&reservation.trim(reservation.head).unwrap());
        assert_eq!((reservation.pending.len(), reservation.recent.len()), (0, RECENT_EVENTS));
        assert_eq!(reservation.version_of(EventId::from_bytes([169; 16])), Some(Version::new(169)));
        assert_eq!(reservation.version_of(EventId::from_bytes([168; 16])), None);
        assert_eq!(reservation.forgotten(), Version::new(168));
        assert_eq!(reservation.pending_bytes, 0);
        assert!(reservation.is_sound());
    }
}
