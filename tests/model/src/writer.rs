//! The writer: decide, record, and hand over what could not be recorded (PROTOCOL, "Append").

use crate::bug::Bug;
use crate::state::{Answer, Call, Event, Message, Reservation, State, Told, Version, Writer, bit};
use crate::{Expectation, Protocol};

fn event(position: usize) -> Event {
    u8::try_from(position + 1).unwrap_or(0)
}

impl Protocol {
    pub(crate) fn writer_call(&self, state: &State, position: usize) -> Option<Call> {
        let event = event(position);
        match &state.writers[position] {
            Writer::Deciding => Some(Call::Decide(event)),
            Writer::Recording(item, version, _) => Some(Call::Record(*version, item.at(*version)?)),
            Writer::Ordering(last, _) => Some(Call::Send(Message::Settle(*last))),
            Writer::Deferring(_) => Some(Call::Send(Message::Deferred(event))),
            Writer::Resting | Writer::Silent => None,
        }
    }

    pub(crate) fn writer_hears(&self, state: &mut State, position: usize, answer: Option<Answer>, in_doubt: bool) {
        let (next, told) = match state.writers[position].clone() {
            Writer::Deciding => self.decided(state, position, answer, in_doubt),
            Writer::Recording(item, version, own) if answer.is_some() && version < own => {
                (Writer::Recording(item, version + 1, own), None)
            }
            Writer::Recording(_, _, own) if answer.is_some() => (Writer::Resting, Some(Told::Confirmed(own))),
            // Whatever the queue says, the item holds the event and its stream finds it.
            Writer::Recording(item, _, own) => match item.pending.last() {
                Some(last) => (Writer::Ordering(*last, own), None),
                None => (Writer::Resting, Some(Told::Confirmed(own))),
            },
            Writer::Ordering(_, own) => (Writer::Resting, Some(Told::Confirmed(own))),
            Writer::Deferring(_) if answer.is_some() && self.bug == Some(Bug::QueueConfirms) => {
                (Writer::Resting, Some(Told::Confirmed(1)))
            }
            Writer::Deferring(_) if answer.is_some() => (Writer::Resting, Some(Told::Deferred)),
            Writer::Deferring(before) => (Writer::Resting, Some(self.unavailable(before || in_doubt))),
            resting @ (Writer::Resting | Writer::Silent) => (resting, None),
        };
        state.writers[position] = next;
        if let Some(told) = told {
            state.tell(position, told);
        }
    }

    fn decided(
        &self,
        state: &mut State,
        position: usize,
        answer: Option<Answer>,
        in_doubt: bool,
    ) -> (Writer, Option<Told>) {
        match answer {
            Some(Answer::Granted(item)) => {
                let own = item.head();
                let first = if self.bug == Some(Bug::RecordWithoutHelping) { own } else { item.settled + 1 };
                (Writer::Recording(item, first, own), None)
            }
            Some(Answer::Refused(Some(_))) if self.bug == Some(Bug::RefusalIsConflict) => {
                (Writer::Resting, Some(Told::Refused))
            }
            Some(Answer::Refused(Some(own))) => {
                state.seen.replayed = true;
                let item = state.reservation();
                replayed(item, own)
            }
            Some(_) => (Writer::Resting, Some(Told::Refused)),
            None if self.expectations[position] == Expectation::New => (Writer::Deferring(in_doubt), None),
            None => (Writer::Resting, Some(self.unavailable(in_doubt))),
        }
    }

    fn unavailable(&self, in_doubt: bool) -> Told {
        if in_doubt && self.bug != Some(Bug::TimeoutMeansNotDone) { Told::Unknown } else { Told::NotAccepted }
    }
}

/// A retry goes on from what the item said in the same answer.
fn replayed(item: Reservation, own: Version) -> (Writer, Option<Told>) {
    if own <= item.settled {
        return (Writer::Resting, Some(Told::Confirmed(own)));
    }
    let first = item.settled + 1;
    (Writer::Recording(item, first, own), None)
}

impl State {
    /// A client hears an answer. It must be true, and nothing it was told before becomes wrong.
    fn tell(&mut self, position: usize, told: Told) {
        let event = event(position);
        let at = self.accepted.iter().position(|accepted| *accepted == event).map(|place| place + 1);
        self.broken.answer |= match told {
            Told::Confirmed(version) => at != Some(usize::from(version)) || self.conflicts & bit(event) != 0,
            Told::Refused => at.is_some(),
            Told::Nothing | Told::Deferred | Told::NotAccepted | Told::Unknown => false,
        };
        let stands = match self.told[position] {
            Told::Confirmed(_) => true,
            Told::Deferred => !matches!(told, Told::Confirmed(_)),
            // An earlier attempt may still have its effect.
            Told::Unknown => matches!(told, Told::NotAccepted | Told::Unknown | Told::Refused),
            Told::Nothing | Told::Refused | Told::NotAccepted => false,
        };
        if !stands {
            self.told[position] = told;
        }
    }

    /// The highest confirmed version.
    pub(crate) fn confirmed(&self) -> Version {
        let version = |told: &Told| match told {
            Told::Confirmed(version) => *version,
            Told::Nothing | Told::Deferred | Told::Refused | Told::NotAccepted | Told::Unknown => 0,
        };
        self.told.iter().map(version).max().unwrap_or(0)
    }
}
