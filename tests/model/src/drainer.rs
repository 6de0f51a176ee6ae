//! The drainer: settle what a message stands for, then delete it (PROTOCOL, "Drain").

use crate::Protocol;
use crate::bug::Bug;
use crate::state::{Answer, Call, Drainer, Message, Reservation, Settling, State};
use crate::steps::Action;

impl Protocol {
    pub(crate) fn receipts(&self, state: &State, actions: &mut Vec<Action>) {
        let Some(first) = state.queue.first() else { return };
        let Some(idle) = state.drainers.iter().position(|drainer| *drainer == Drainer::Idle) else { return };
        // All messages are of one group: while one is out, the others wait.
        if state.drainers.iter().all(|drainer| drainer.message().is_none_or(|message| !state.queue.contains(&message)))
        {
            actions.push(Action::Receive(idle));
        } else if state.faults > 0 && state.drainers.iter().any(|drainer| drainer.message() == Some(*first)) {
            actions.push(Action::ReceiveAgain(idle));
        }
    }

    pub(crate) fn receive(&self, state: &mut State, drainer: usize) {
        let Some(message) = state.queue.first().copied() else { return };
        state.drainers[drainer] =
            if self.bug == Some(Bug::DeleteFirst) { Drainer::DeletingFirst(message) } else { self.work_on(message) };
    }

    fn work_on(&self, message: Message) -> Drainer {
        match message {
            Message::Settle(_) => Drainer::Looking(message),
            Message::Deferred(_) if self.bug == Some(Bug::RecordDecidesConflicts) => Drainer::AskingRecord(message),
            Message::Deferred(_) => Drainer::Deciding(message),
            Message::Announce(_) => Drainer::Announcing(message),
        }
    }

    pub(crate) fn drainer_call(&self, drainer: &Drainer) -> Option<Call> {
        match drainer {
            Drainer::Idle => None,
            Drainer::Deciding(Message::Deferred(event)) => Some(Call::Decide(*event)),
            Drainer::AskingRecord(_) => Some(Call::Range),
            Drainer::Looking(_) => Some(Call::Look),
            Drainer::Settling(_, settling) => settling.call(),
            Drainer::Keeping(Message::Deferred(event)) => Some(Call::Keep(*event)),
            Drainer::Announcing(Message::Announce(event)) => Some(Call::PublishConflict(*event)),
            Drainer::Deleting(message) | Drainer::DeletingFirst(message) => Some(Call::Delete(*message)),
            Drainer::Deciding(_) | Drainer::Keeping(_) | Drainer::Announcing(_) => None,
        }
    }

    pub(crate) fn drainer_hears(&self, state: &mut State, position: usize, answer: Option<Answer>) {
        let drainer = state.drainers[position].clone();
        let Some(answer) = answer else {
            // The message becomes visible again.
            let message = drainer.message().filter(|_| self.bug == Some(Bug::FailedMessageDeleted));
            state.drainers[position] = message.map_or(Drainer::Idle, Drainer::Deleting);
            return;
        };
        state.drainers[position] = match (drainer, answer) {
            (Drainer::Deciding(message), Answer::Granted(_)) => Drainer::Looking(message),
            (Drainer::Deciding(message), Answer::Refused(Some(_))) if self.bug != Some(Bug::DeferredWithoutReplay) => {
                state.seen.replayed = true;
                Drainer::Looking(message)
            }
            (Drainer::Deciding(message), _) if self.bug == Some(Bug::RecordDecidesConflicts) => {
                // The record knew no other owner.
                Drainer::Looking(message)
            }
            (Drainer::Deciding(message), _) => Drainer::Keeping(message),
            (Drainer::AskingRecord(message @ Message::Deferred(event)), Answer::Recorded(record)) => {
                if record[0] == 0 || record[0] == event {
                    Drainer::Deciding(message)
                } else {
                    Drainer::Keeping(message)
                }
            }
            (Drainer::Looking(message), Answer::Item(Some(item))) => match Settling::begin(item, self.bug) {
                Some(settling) => Drainer::Settling(message, settling),
                None => Drainer::Deleting(message),
            },
            (Drainer::Settling(message, settling), answer) => match settling.after(answer, state, self.bug) {
                Some(Settling::Publish(..)) if self.bug == Some(Bug::DeleteBeforeTrim) => Drainer::Deleting(message),
                Some(next) => Drainer::Settling(message, next),
                None => Drainer::Deleting(message),
            },
            (Drainer::Keeping(message) | Drainer::Announcing(message), _) => Drainer::Deleting(message),
            (Drainer::DeletingFirst(message), _) => self.work_on(message),
            (Drainer::Deleting(_) | Drainer::Idle | Drainer::AskingRecord(_) | Drainer::Looking(_), _) => Drainer::Idle,
        };
    }
}

impl Settling {
    /// The first step of settling what the item shows; none if nothing is pending.
    pub(crate) fn begin(item: Reservation, bug: Option<Bug>) -> Option<Self> {
        if item.pending.is_empty() {
            return None;
        }
        let first = item.settled + 1;
        Some(if bug == Some(Bug::PublishBeforeRecord) { Self::Publish(item, first) } else { Self::Record(item, first) })
    }

    /// The step of a publisher that has seen everything recorded.
    pub(crate) fn publish(item: Reservation, bug: Option<Bug>) -> Self {
        let (settled, head) = (item.settled, item.head());
        if bug == Some(Bug::TrimBeforePublish) {
            return Self::Trim(item, settled, head);
        }
        Self::Publish(item, settled + 1)
    }

    pub(crate) fn call(&self) -> Option<Call> {
        match self {
            Self::Record(item, version) => Some(Call::Record(*version, item.at(*version)?)),
            Self::Publish(item, version) => Some(Call::Publish(*version, item.at(*version)?)),
            Self::Trim(_, from, to) => Some(Call::Trim(*from, *to)),
        }
    }

    /// The next step; none when all is done.
    pub(crate) fn after(self, answer: Answer, state: &State, bug: Option<Bug>) -> Option<Self> {
        let trims_first = bug == Some(Bug::TrimBeforePublish);
        match self {
            Self::Record(item, version) if version < item.head() => Some(Self::Record(item, version + 1)),
            Self::Record(_, _) if bug == Some(Bug::PublishBeforeRecord) => None,
            Self::Record(item, _) => Some(Self::publish(item, bug)),
            Self::Publish(item, version) if version < item.head() => Some(Self::Publish(item, version + 1)),
            Self::Publish(_, _) if trims_first => None,
            Self::Publish(item, _) if bug == Some(Bug::PublishBeforeRecord) && !state.has(&item) => {
                let first = item.settled + 1;
                Some(Self::Record(item, first))
            }
            Self::Publish(item, _) => {
                let (settled, head) = (item.settled, item.head());
                Some(Self::Trim(item, settled, head))
            }
            Self::Trim(item, _, to) => {
                if let Answer::Moved(now) = answer {
                    return (now.settled < to).then_some(Self::Trim(item, now.settled, to));
                }
                let first = item.settled + 1;
                trims_first.then_some(Self::Publish(item, first))
            }
        }
    }
}

impl State {
    /// Whether everything the item shows is recorded.
    pub(crate) fn has(&self, item: &Reservation) -> bool {
        item.head() == 0 || self.record[usize::from(item.head()) - 1] != 0
    }
}
