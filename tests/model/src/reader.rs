//! The reader: record and item, asked in any order, put together or looked at again (PROTOCOL, "Read").

use crate::Protocol;
use crate::bug::Bug;
use crate::state::{Answer, Event, Events, MOST, Reader, Reservation, State, count};
use crate::steps::Process;

impl Reader {
    pub(crate) fn wants_item(&self) -> bool {
        matches!(self, Self::Reading { item: None, .. })
    }

    pub(crate) fn wants_record(&self) -> bool {
        matches!(self, Self::Reading { record: None, .. })
    }
}

impl Protocol {
    pub(crate) fn reader_hears(&self, state: &mut State, process: Process, answer: Option<Answer>) {
        let Reader::Reading { confirmed, mut item, mut record } = state.reader.clone() else { return };
        match answer {
            Some(Answer::Item(now)) => item = Some(now),
            Some(Answer::Recorded(now)) => record = Some(now),
            None if process == Process::ReaderOfRecord && self.bug == Some(Bug::SilentRecordIsEmpty) => {
                record = Some([0; MOST]);
            }
            // It can't be known: 503.
            _ => {
                state.reader = Reader::Idle;
                return;
            }
        }
        let (Some(seen), Some(recorded)) = (&item, &record) else {
            state.reader = Reader::Reading { confirmed, item, record };
            return;
        };
        match self.together(seen.as_ref(), *recorded) {
            Some(shown) => {
                state.broken.read |= shown.len() < usize::from(confirmed) || !state.accepted.starts_with(&shown);
                state.reader = Reader::Idle;
            }
            None => {
                state.seen.second_look = true;
                state.reader = Reader::Reading { confirmed, item: None, record: None };
            }
        }
    }

    /// What the two answers show together; none if they contradict each other.
    fn together(&self, item: Option<&Reservation>, recorded: [Event; MOST]) -> Option<Events> {
        let mut shown: Events = recorded.into_iter().filter(|event| *event != 0).collect();
        let reached = count(&shown);
        let Some(item) = item else {
            return if shown.is_empty() || self.bug == Some(Bug::ReadOnce) { Some(shown) } else { None };
        };
        if self.bug == Some(Bug::ReadRecordOnly) {
            return Some(shown);
        }
        if reached < item.settled && self.bug != Some(Bug::ReadOnce) && self.bug != Some(Bug::SilentRecordIsEmpty) {
            return None;
        }
        // Recorded since the item was read: part of a later moment.
        shown.truncate(usize::from(item.head()));
        let above = reached.max(item.settled) + 1;
        shown.extend((above..=item.head()).filter_map(|version| item.at(version)));
        Some(shown)
    }
}
