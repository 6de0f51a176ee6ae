//! PROTOCOL, "What holds, always", as checks on a world. (4) and (5) are also checked in every act, in `faulty.rs`.

use std::collections::BTreeMap;

use booking_store::memory::Published;
use booking_store::ports::Claims;
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, Event, NewEvent};

use crate::World;
use crate::world::Acknowledged;

impl World {
    /// Asserts all six, and that every scripted fault has struck.
    pub async fn check(&self) {
        self.faults.assert_spent();
        self.nothing_is_lost();
        self.one_owner();
        self.reads_show_what_was_confirmed().await;
        self.the_record_has_no_gaps();
        self.first_publications_are_in_order();
        self.quiet_means_settled();
    }

    /// 1. An accepted event is at its version; a deferred one in the queue, the DLQ, a conflict item, or accepted.
    fn nothing_is_lost(&self) {
        for told in self.acknowledged() {
            let accepted = self.accepted(&told.booking_code);
            let found = match told.version {
                Some(version) => accepted.get(&version).is_some_and(|event| told.is(event)),
                None => accepted.values().any(|event| told.is(event)) || self.waits_or_lost(&told),
            };
            assert!(found, "invariant 1: {told:?} is lost");
        }
    }

    /// 2. A booking code has one owner. A confirmed acknowledgement never turns into a conflict.
    fn one_owner(&self) {
        for (code, claims) in self.memory.reservations.all() {
            let accepted = self.accepted(&code);
            if let (Some(reservation), Some(first)) = (&claims.reservation, accepted.get(&1)) {
                assert_eq!(
                    reservation.owner, first.event_id,
                    "invariant 2: the owner of {code} is not its first event"
                );
            }
            let ids: std::collections::BTreeSet<_> = accepted.values().map(|event| event.event_id).collect();
            assert_eq!(ids.len(), accepted.len(), "invariant 2: an event of {code} has two versions");
            let confirmed = self.acknowledged().into_iter().filter(|told| told.version.is_some());
            for told in confirmed.filter(|told| told.booking_code == code) {
                let lost = claims.conflicts.iter().any(|conflict| told.is_new(&conflict.event));
                assert!(!lost, "invariant 2: {told:?} was confirmed and is a conflict");
            }
        }
    }

    /// 3. A read that starts after a confirmed acknowledgement shows the event, or says 503.
    async fn reads_show_what_was_confirmed(&self) {
        let mut promised: BTreeMap<BookingCode, BTreeMap<u64, String>> = BTreeMap::new();
        for told in self.acknowledged() {
            if let Some(version) = told.version {
                promised.entry(told.booking_code).or_default().insert(version, told.event_id);
            }
        }
        for (code, promised) in promised {
            let mut from = 1;
            let mut shown = BTreeMap::new();
            loop {
                let page = self.get(&format!("/bookings/{code}/events?from_version={from}")).await;
                if page.status == 503 {
                    return;
                }
                assert_eq!(page.status, 200, "invariant 3: {code} {}", page.text);
                shown.extend(page.versions().into_iter().zip(page.event_ids()));
                let Some(next) = page.json["next_from_version"].as_u64() else { break };
                assert!(next > from, "a page after {from} begins at {next}");
                from = next;
            }
            for (version, event_id) in promised {
                assert_eq!(shown.get(&version), Some(&event_id), "invariant 3: {code} {version} is not shown");
            }
        }
    }

    /// 4. The events table has no gaps, and holds only what the arbiter gave a version.
    fn the_record_has_no_gaps(&self) {
        for (code, Claims { reservation, .. }) in self.memory.reservations.all() {
            let Some(reservation) = reservation else { continue };
            assert!(reservation.is_sound(), "{reservation:?}");
            let recorded = self.memory.events.of(&code);
            let versions: Vec<_> = recorded.iter().map(|event| event.version.get()).collect();
            assert_eq!(versions, (1..=recorded.len() as u64).collect::<Vec<_>>(), "invariant 4: a gap in {code}");
            assert!(recorded.len() as u64 >= reservation.settled.get(), "invariant 4: {code} is settled, not recorded");
            assert!(recorded.len() as u64 <= reservation.head.get(), "invariant 4: {code} is recorded, not accepted");
            for event in recorded {
                let pending = reservation.pending_at(event.version);
                assert!(pending.is_none_or(|pending| *pending == event), "invariant 4: {code} {}", event.version);
            }
        }
    }

    /// 5. First publications are in version order, without gaps, and of what is recorded.
    fn first_publications_are_in_order(&self) {
        let mut next: BTreeMap<BookingCode, u64> = BTreeMap::new();
        for entry in self.memory.bus.entries() {
            let Published::Event(code, event) = entry else { continue };
            let recorded = self.memory.events.of(&code);
            assert!(recorded.contains(&event), "invariant 5: {code} {} is not what is recorded", event.version);
            let next = next.entry(code.clone()).or_insert(1);
            assert!(event.version.get() <= *next, "invariant 5: {code} {} before {next}", event.version);
            *next = (*next).max(event.version.get() + 1);
        }
    }

    /// 6. Once stream and queue are empty, everything accepted is settled; what lost its code is told to the bus.
    fn quiet_means_settled(&self) {
        if !self.is_quiet() {
            return;
        }
        let entries = self.memory.bus.entries();
        for (code, claims) in self.memory.reservations.all() {
            for conflict in claims.conflicts {
                assert!(
                    entries.contains(&Published::Conflict(conflict)),
                    "invariant 6: a conflict of {code} is untold"
                );
            }
            let Some(reservation) = claims.reservation else { continue };
            assert_eq!(reservation.settled, reservation.head, "invariant 6: {code} is not settled");
            for event in self.memory.events.of(&code) {
                let version = event.version;
                let told = entries.contains(&Published::Event(code.clone(), event));
                assert!(told, "invariant 6: {code} {version} is unpublished");
            }
        }
    }

    /// Everything that has a version, by version.
    fn accepted(&self, code: &BookingCode) -> BTreeMap<u64, Event> {
        let claims = self.memory.reservations.all().into_iter().find(|(found, _)| found == code);
        let pending = claims.and_then(|(_, claims)| claims.reservation).map(|reservation| reservation.pending);
        let all = self.memory.events.of(code).into_iter().chain(pending.into_iter().flatten());
        all.map(|event| (event.version.get(), event)).collect()
    }

    /// Whether a deferred event is in the queue, the dead-letter queue, or a conflict item.
    fn waits_or_lost(&self, told: &Acknowledged) -> bool {
        let letters = self.memory.queue.dead_letters().into_iter().map(|letter| letter.body);
        let waits =
            self.memory.queue.bodies().into_iter().chain(letters).any(|body| match QueueMessage::decode(&body) {
                Ok(QueueMessage::Deferred { booking_code, events, .. }) => {
                    booking_code == told.booking_code && events.iter().any(|event| told.is_new(event))
                }
                Ok(QueueMessage::Settle { .. } | QueueMessage::PublishConflict { .. }) | Err(_) => false,
            });
        let claims = self.memory.reservations.all();
        let claims = claims.iter().find(|(code, _)| *code == told.booking_code);
        let lost = claims.is_some_and(|(_, claims)| claims.conflicts.iter().any(|c| told.is_new(&c.event)));
        waits || lost
    }
}

impl Acknowledged {
    fn is(&self, event: &Event) -> bool {
        event.event_id.to_string() == self.event_id && event.data.as_str() == self.data
    }

    fn is_new(&self, event: &NewEvent) -> bool {
        event.event_id.to_string() == self.event_id && event.data.as_str() == self.data
    }
}
