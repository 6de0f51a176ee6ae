//! The stores: what a call does and answers.

use crate::bug::Bug;
use crate::state::{Answer, Call, Event, MOST, Message, Reservation, State, Version, bit};
use crate::{Expectation, Protocol};

impl State {
    /// A store acts on a call.
    pub(crate) fn act(&mut self, protocol: &Protocol, call: Call) -> Answer {
        match call {
            Call::Decide(event) => {
                let answer = self.decide(protocol.expectations[usize::from(event) - 1], event);
                if let Answer::Granted(image) = &answer {
                    self.show(protocol, image.clone());
                }
                answer
            }
            Call::Look => Answer::Item(self.item.clone()),
            Call::Range => Answer::Recorded(self.record),
            Call::Record(version, event) => {
                // Never overwrites.
                let place = &mut self.record[usize::from(version) - 1];
                if *place == 0 {
                    *place = event;
                }
                Answer::Done
            }
            Call::Publish(version, event) => {
                let recorded = self.record[usize::from(version) - 1] == event;
                self.broken.publication |= !recorded || version > self.published + 1;
                self.published = self.published.max(version);
                Answer::Done
            }
            Call::Trim(from, to) => self.trim(protocol, from, to),
            Call::Send(message) => self.send(message, protocol.bug == Some(Bug::OneOrderPerBooking)),
            Call::Keep(event) => {
                if self.conflicts & bit(event) == 0 {
                    self.conflicts |= bit(event);
                    self.conflict_stream |= bit(event);
                }
                Answer::Done
            }
            Call::PublishConflict(event) => {
                self.announced |= bit(event);
                Answer::Done
            }
            Call::Delete(message) => {
                self.queue.retain(|waiting| *waiting != message);
                Answer::Done
            }
        }
    }

    /// One conditional write of the reservation item.
    fn decide(&mut self, expectation: Expectation, event: Event) -> Answer {
        let before = self.accepted.iter().position(|accepted| *accepted == event);
        let version = before.and_then(|position| Version::try_from(position + 1).ok());
        let granted = match (expectation, &self.item) {
            (Expectation::New, item) => item.is_none(),
            // At the end, unless the id is among the recent ones.
            (Expectation::Any, item) => item.is_some() && version.is_none(),
        };
        if !granted {
            return Answer::Refused(version);
        }
        let item = self.item.get_or_insert_default();
        if self.accepted.is_empty() {
            self.owner = event;
        }
        item.pending.push(event);
        self.accepted.push(event);
        Answer::Granted(item.clone())
    }

    /// The stream shows what was written, unless nothing is pending: its filter.
    fn show(&mut self, protocol: &Protocol, image: Reservation) {
        if !image.pending.is_empty() && protocol.bug != Some(Bug::NoStream) {
            self.stream.push(image);
        }
    }

    fn trim(&mut self, protocol: &Protocol, from: Version, to: Version) -> Answer {
        let Some(item) = &mut self.item else { return Answer::Item(None) };
        if item.settled != from && protocol.bug != Some(Bug::TrimUnchecked) {
            self.seen.moved = true;
            return Answer::Moved(item.clone());
        }
        let count = usize::from(to - from).min(item.pending.len());
        item.pending.drain(..count);
        item.settled = to;
        let image = item.clone();
        self.show(protocol, image);
        Answer::Done
    }

    /// The queue drops a message whose name it has seen before.
    fn send(&mut self, message: Message, one_name_for_all: bool) -> Answer {
        let place = match message {
            Message::Settle(_) if one_name_for_all => 0,
            Message::Settle(event) => usize::from(event),
            Message::Deferred(event) => MOST + usize::from(event),
            Message::Announce(event) => 2 * MOST + usize::from(event),
        };
        if self.named & (1 << place) != 0 {
            self.seen.dropped = true;
            return Answer::Done;
        }
        self.named |= 1 << place;
        self.queue.push(message);
        Answer::Done
    }

    /// Whether a writer's event is accepted.
    pub(crate) fn is_accepted(&self, event: Event) -> bool {
        self.accepted.contains(&event)
    }

    /// The item's owner as the item itself has it.
    pub(crate) fn reservation(&self) -> Reservation {
        self.item.clone().unwrap_or_default()
    }
}
