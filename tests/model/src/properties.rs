//! The six invariants, always; and what must be reachable, or the model proves nothing.

use stateright::Property;

use crate::Protocol;
use crate::state::{Drainer, Message, Publisher, State, Told, Writer, bit};

/// All properties.
pub(crate) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always("1 nothing accepted is lost", |_, state: &State| nothing_lost(state)),
        Property::always("2 one owner, and no confirmation is taken back", |_, state: &State| one_owner(state)),
        Property::always("3 a read shows everything confirmed", |_, state: &State| !state.broken.read),
        Property::always("4 the record has no gaps and never changes", |_, state: &State| record_holds(state)),
        Property::always("5 first publications are in order", |_, state: &State| !state.broken.publication),
        Property::always("6 at rest all is settled", |_, state: &State| !is_at_rest(state) || is_settled(state)),
        Property::sometimes("a deferred event loses its code", |_, state: &State| state.conflicts != 0),
        Property::sometimes("a lost code is announced at rest", |_, state: &State| {
            is_at_rest(state) && state.announced != 0
        }),
        Property::sometimes("a deferred event is accepted", |_, state: &State| {
            (1..).zip(&state.told).any(|(event, told)| *told == Told::Deferred && state.is_accepted(event))
        }),
        Property::sometimes("a crashed writer's event is settled", |_, state: &State| {
            let silent = (1..).zip(&state.writers).find(|(_, writer)| **writer == Writer::Silent);
            is_at_rest(state) && silent.is_some_and(|(event, _)| state.is_accepted(event))
        }),
        Property::sometimes("version 2 is accepted before version 1 is recorded", |_, state: &State| {
            state.accepted.len() > 1 && state.record[0] == 0
        }),
        Property::sometimes("an unknown outcome is an accepted event", |_, state: &State| {
            (1..).zip(&state.told).any(|(event, told)| *told == Told::Unknown && state.is_accepted(event))
        }),
        Property::sometimes("the queue drops a resend", |_, state: &State| state.seen.dropped),
        Property::sometimes("a retry is recognised", |_, state: &State| state.seen.replayed),
        Property::sometimes("a reader looks again", |_, state: &State| state.seen.second_look),
        Property::sometimes("a late call has its effect", |_, state: &State| state.seen.late),
        Property::sometimes("two settlers meet at a trim", |_, state: &State| state.seen.moved),
        Property::sometimes("two events are settled", |_, state: &State| {
            is_at_rest(state) && is_settled(state) && state.accepted.len() > 1
        }),
    ]
}

/// An accepted event is in the item or the record, at its version; a deferred one in the queue, kept, or accepted.
fn nothing_lost(state: &State) -> bool {
    let accepted = (1_u8..).zip(&state.accepted).all(|(version, event)| {
        let pending = state.item.as_ref().and_then(|item| item.at(version)) == Some(*event);
        pending || state.record[usize::from(version) - 1] == *event
    });
    let deferred = (1..).zip(&state.told).filter(|(_, told)| **told == Told::Deferred).all(|(event, _)| {
        let waiting = state.queue.contains(&Message::Deferred(event));
        waiting || state.conflicts & bit(event) != 0 || state.is_accepted(event)
    });
    accepted && deferred
}

/// The owner is the first accepted event, no event is accepted twice, and what a client was told stays true.
fn one_owner(state: &State) -> bool {
    let twice = (1..).zip(&state.accepted).any(|(after, event)| state.accepted[after..].contains(event));
    let kept = state.accepted.iter().any(|event| state.conflicts & bit(*event) != 0);
    let told = (1..).zip(&state.told).all(|(event, told)| match told {
        Told::Confirmed(version) => state.accepted.get(usize::from(*version) - 1) == Some(&event),
        Told::NotAccepted => !state.is_accepted(event),
        Told::Nothing | Told::Deferred | Told::Refused | Told::Unknown => true,
    });
    let owner = state.accepted.first().copied().unwrap_or(0);
    owner == state.owner && !twice && !kept && told && !state.broken.answer
}

fn record_holds(state: &State) -> bool {
    let recorded = state.record.iter().take_while(|event| **event != 0).count();
    let gap = state.record[recorded..].iter().any(|event| *event != 0);
    !gap && state.accepted.starts_with(&state.record[..recorded])
}

/// Nobody has anything left to do.
fn is_at_rest(state: &State) -> bool {
    let writers = state.writers.iter().all(|writer| matches!(writer, Writer::Resting | Writer::Silent));
    let drainers = state.drainers.iter().all(|drainer| *drainer == Drainer::Idle) && state.queue.is_empty();
    let stream = state.stream.is_empty() && state.conflict_stream == 0 && state.publisher == Publisher::Idle;
    writers && drainers && stream && state.late.is_empty()
}

fn is_settled(state: &State) -> bool {
    let accepted = state.accepted.len();
    let item = state.item.as_ref().is_none_or(|item| item.pending.is_empty() && usize::from(item.settled) == accepted);
    let record = state.record.iter().filter(|event| **event != 0).count() == accepted;
    item && record && usize::from(state.published) == accepted && state.announced == state.conflicts
}
