//! The end of a schedule: every fault is healed, everything has come to rest. What must hold then.

use booking_store::protocol::read::{self, Query};
use booking_store::queue_message::QueueMessage;
use booking_store::{BookingCode, Version};
use futures::FutureExt;

use crate::answers;
use crate::ledger::{Violation, hold};
use crate::place::Role;
use crate::simulation::{Happening, Simulation};
use crate::workload::event_name;

impl Simulation {
    /// Checks that nothing is left over. What a dead-lettered order or a dropped image has left, the audit
    /// finds.
    pub(crate) fn close(&mut self) -> Result<(), Violation> {
        self.heal();
        self.at_rest()?;
        let left: Vec<_> = self.bookings.iter().filter(|booking| booking.settled < booking.head()).collect();
        for booking in &left {
            let given_up = self.is_given_up(&booking.code);
            hold!(given_up, "invariant 6: {} is settled up to {} of {}", booking.code, booking.settled, booking.head());
        }
        if !left.is_empty() {
            self.time.reach(self.time.now() + 3 * 3600 * 1000);
            let auditor = self.hire(Role::Auditor);
            self.later(0, Happening::Begin(auditor));
            self.go_on()?;
            self.at_rest()?;
        }
        for position in 0..self.bookings.len() {
            self.close_booking(position)?;
        }
        Ok(())
    }

    fn at_rest(&self) -> Result<(), Violation> {
        hold!(self.shards.iter().all(super::functions::Shard::is_empty), "the stream is not worked off");
        hold!(self.memory.queue.bodies().is_empty(), "the queue is not worked off");
        Ok(())
    }

    /// Whether an order about this booking is in the dead-letter queue, or the stream has dropped an image of it.
    fn is_given_up(&self, code: &BookingCode) -> bool {
        let letters = self.memory.queue.dead_letters().into_iter();
        let mut orders = letters.filter_map(|letter| QueueMessage::decode(&letter.body).ok());
        orders.any(|order| order.booking_code() == code) || self.shards.iter().any(|shard| shard.has_dropped(code))
    }

    fn close_booking(&mut self, position: usize) -> Result<(), Violation> {
        let booking = &self.bookings[position];
        let (code, head) = (&booking.code, booking.head());
        let settled = [booking.recorded, booking.published, booking.settled];
        hold!(settled == [head; 3], "invariant 6: {code} is at {head}; recorded, published, settled: {settled:?}");
        booking.observe_deferred(&self.memory)?;
        for (conflict, published) in &booking.conflicts {
            let name = event_name(conflict.event.event_id);
            hold!(*published || self.is_given_up(code), "the conflict {name} of {code} is never published");
        }
        for id in &booking.confirmed {
            hold!(booking.with_id(*id).is_some(), "invariant 1: {} was acknowledged and is lost", event_name(*id));
        }
        let query =
            Query { booking_code: code.clone(), from: Version::FIRST, limit: 1000, min_version: None, eventual: false };
        let outcome = read::read(&self.memory.stores(), &query).now_or_never();
        let Some(outcome) = outcome.filter(|outcome| !matches!(outcome, read::Outcome::Unknown(_))) else {
            return Err(Violation(format!("{code} can't be read when all is well")));
        };
        answers::read(booking, &query, &outcome, booking.mark())
    }
}
