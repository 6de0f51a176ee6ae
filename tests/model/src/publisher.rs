//! The publisher: publish what the stream shows and the record holds, hand the rest to the queue (PROTOCOL, "Publish").

use crate::Protocol;
use crate::bug::Bug;
use crate::state::{Answer, Call, Message, Publisher, Settling, State, bit};
use crate::steps::Action;

impl Protocol {
    pub(crate) fn deliveries(&self, state: &State, actions: &mut Vec<Action>) {
        if state.publisher != Publisher::Idle {
            return;
        }
        let length = state.stream.len();
        if length > 0 {
            actions.push(Action::Deliver(0));
        }
        if length > 1 {
            actions.push(Action::Deliver(length - 1));
        }
        let writers = u8::try_from(state.writers.len()).unwrap_or(0);
        let conflicts = (1..=writers).filter(|event| state.conflict_stream & bit(*event) != 0);
        actions.extend(conflicts.map(Action::DeliverConflict));
    }

    /// A batch of images of one item: the last one is worked on.
    pub(crate) fn deliver(&self, state: &mut State, last: usize) {
        let worked_on = if self.bug == Some(Bug::FirstImageOfBatch) { 0 } else { last };
        let image = state.stream[worked_on].clone();
        let place = u8::try_from(last).unwrap_or(0);
        state.publisher = if self.bug == Some(Bug::PublishUnrecorded) {
            Publisher::Settling(Settling::publish(image, self.bug), place)
        } else {
            Publisher::Looking(image, place)
        };
    }

    pub(crate) fn publisher_call(&self, state: &State) -> Option<Call> {
        match &state.publisher {
            Publisher::Idle => None,
            Publisher::Looking(..) => Some(Call::Range),
            Publisher::Settling(settling, _) => settling.call(),
            Publisher::Ordering(last, _) => Some(Call::Send(Message::Settle(*last))),
            Publisher::Announcing(event) => Some(Call::PublishConflict(*event)),
            Publisher::OrderingConflict(event) => Some(Call::Send(Message::Announce(*event))),
        }
    }

    pub(crate) fn publisher_hears(&self, state: &mut State, answer: Option<Answer>) {
        let swallowed = self.bug == Some(Bug::StreamFailureSwallowed);
        state.publisher = match (state.publisher.clone(), answer) {
            (Publisher::Looking(image, place), Some(_)) if state.has(&image) => {
                Publisher::Settling(Settling::publish(image, self.bug), place)
            }
            (Publisher::Looking(image, place), _) => Publisher::order(image.pending.last(), place),
            (Publisher::Settling(settling, place), Some(answer)) => match settling.after(answer, state, self.bug) {
                Some(next) => Publisher::Settling(next, place),
                None => state.past(place),
            },
            (Publisher::Settling(settling, place), None) => {
                let (Settling::Record(image, _) | Settling::Publish(image, _) | Settling::Trim(image, ..)) = &settling;
                Publisher::order(image.pending.last(), place)
            }
            (Publisher::Ordering(_, place), Some(_)) => state.past(place),
            (Publisher::Ordering(_, place), None) if swallowed => state.past(place),
            (Publisher::Announcing(event), None) => Publisher::OrderingConflict(event),
            (Publisher::OrderingConflict(event), None) if swallowed => state.past_conflict(event),
            (Publisher::Announcing(event) | Publisher::OrderingConflict(event), Some(_)) => state.past_conflict(event),
            (Publisher::Ordering(..) | Publisher::OrderingConflict(_), None) | (Publisher::Idle, _) => Publisher::Idle,
        };
    }
}

impl Publisher {
    /// An image with nothing pending is never delivered, so there is always a last event.
    fn order(last: Option<&u8>, place: u8) -> Self {
        last.map_or(Self::Idle, |last| Self::Ordering(*last, place))
    }
}

impl State {
    /// The images up to this one are done with.
    fn past(&mut self, place: u8) -> Publisher {
        self.stream.drain(..=usize::from(place));
        Publisher::Idle
    }

    fn past_conflict(&mut self, event: u8) -> Publisher {
        self.conflict_stream &= !bit(event);
        Publisher::Idle
    }
}
