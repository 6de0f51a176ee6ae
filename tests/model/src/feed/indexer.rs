//! An indexer: look at the tip and the markers, give the tip its page and its markers, commit.

use super::Feed;
use super::bug::Bug;
use super::state::{Answer, Batch, Call, Entries, State};

/// The highest image of each booking it was given; 0 is none.
pub type Images = [u8; 2];

/// What an indexer is at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Indexer {
    /// Nothing.
    #[default]
    Idle,
    /// It asks for the tip.
    Looking(Images),
    /// It knows the tip and asks for a booking's marker.
    Marking(Images, Batch, [Option<u8>; 2], u8),
    /// It has a batch and keeps the tip's page.
    Paging(Images, Batch, [Option<u8>; 2], Batch),
    /// It raises the marker of the tip's booking.
    Raising(Images, Batch, [Option<u8>; 2], Batch, u8),
    /// It commits its batch.
    Committing(Images, Batch, [Option<u8>; 2], Batch),
}

impl Indexer {
    /// What it asks the log next.
    pub(crate) fn call(&self) -> Option<Call> {
        match self {
            Self::Idle => None,
            Self::Looking(_) => Some(Call::Tip),
            Self::Marking(_, _, _, booking) => Some(Call::Marker(*booking)),
            Self::Paging(_, tip, ..) => Some(Call::Keep(tip.clone())),
            Self::Raising(_, tip, _, _, booking) => Some(Call::Raise(*booking, tip.last_of(*booking).unwrap_or(0))),
            Self::Committing(_, _, _, batch) => Some(Call::Commit(batch.clone())),
        }
    }

    /// What it was given of the stream.
    fn images(&self) -> Images {
        match self {
            Self::Idle => [0, 0],
            Self::Looking(images)
            | Self::Marking(images, ..)
            | Self::Paging(images, ..)
            | Self::Raising(images, ..)
            | Self::Committing(images, ..) => *images,
        }
    }
}

impl Feed {
    /// An indexer hears the answer to its call, or that there is none.
    pub(crate) fn indexer_hears(&self, state: &mut State, position: usize, answer: Option<Answer>) {
        let indexer = std::mem::take(&mut state.indexers[position]);
        let images = indexer.images();
        let next = match (indexer, answer) {
            (Indexer::Looking(_), Some(Answer::Tip(tip))) => self.look_up(state, images, tip, [None, None]),
            (Indexer::Marking(_, tip, mut known, booking), Some(Answer::Marker(marker))) => {
                known[usize::from(booking)] = Some(marker);
                self.look_up(state, images, tip, known)
            }
            (Indexer::Paging(_, tip, known, batch), Some(Answer::Done)) => self.raise(images, tip, known, batch, 0),
            (Indexer::Raising(_, tip, known, batch, booking), Some(Answer::Done)) => {
                self.raise(images, tip, known, batch, booking + 1)
            }
            (Indexer::Committing(_, _, known, batch), Some(Answer::Moved(now))) => {
                self.lost(state, images, known, &batch, now)
            }
            (Indexer::Committing(..), Some(_)) => state.ingested_now(images),
            (Indexer::Committing(..), None) if self.bug == Some(Bug::UnheardIsDone) => state.ingested_now(images),
            // The stream delivers the images again.
            (_, None) if self.bug == Some(Bug::FailureSwallowed) => state.ingested_now(images),
            (_, _) => Indexer::Idle,
        };
        state.indexers[position] = next;
    }

    /// Asks for the next marker that it needs, or goes on with all it must know.
    fn look_up(&self, state: &mut State, images: Images, tip: Batch, mut known: [Option<u8>; 2]) -> Indexer {
        for booking in 0..2_u8 {
            let place = usize::from(booking);
            if images[place] == 0 || known[place].is_some() {
                continue;
            }
            let in_tip = tip.last_of(booking).filter(|_| self.bug != Some(Bug::MarkersOnly));
            match in_tip {
                Some(version) => known[place] = Some(version),
                None if self.bug == Some(Bug::TipOnly) => known[place] = Some(0),
                None => return Indexer::Marking(images, tip, known, booking),
            }
        }
        let mut entries = Entries::new();
        for (booking, image) in (0..).zip(images) {
            let in_feed = known[usize::from(booking)].unwrap_or(0);
            let first = if self.bug == Some(Bug::HeadOnly) { image.max(in_feed + 1) } else { in_feed + 1 };
            state.seen.healed |= image > first;
            entries.extend((first..=image).map(|version| (booking, version)));
        }
        if entries.is_empty() {
            state.seen.duplicate = true;
            return state.ingested_now(images);
        }
        let batch = Batch { before: tip.end(), entries };
        match self.bug {
            Some(Bug::CommitBeforePage) => self.raise(images, tip, known, batch, 0),
            _ if tip.entries.is_empty() => Indexer::Committing(images, tip, known, batch),
            _ => Indexer::Paging(images, tip, known, batch),
        }
    }

    /// Raises the marker of the tip's first booking from `from` on, or commits.
    fn raise(&self, images: Images, tip: Batch, known: [Option<u8>; 2], batch: Batch, from: u8) -> Indexer {
        let next = tip.lasts().map(|(booking, _)| booking).find(|booking| *booking >= from);
        match next.filter(|_| self.bug != Some(Bug::CommitBeforeMarkers)) {
            Some(booking) => Indexer::Raising(images, tip, known, batch, booking),
            None => Indexer::Committing(images, tip, known, batch),
        }
    }

    /// Another batch was committed, or this very one.
    fn lost(&self, state: &mut State, images: Images, known: [Option<u8>; 2], batch: &Batch, now: Batch) -> Indexer {
        if now == *batch || self.bug == Some(Bug::RefusedIsDone) {
            state.seen.own_batch |= now == *batch;
            return state.ingested_now(images);
        }
        state.seen.lost_race = true;
        let known = if self.bug == Some(Bug::KnownAfterLoss) { known } else { [None, None] };
        self.look_up(state, images, now, known)
    }
}

impl State {
    fn ingested_now(&mut self, images: Images) -> Indexer {
        for (ingested, image) in self.ingested.iter_mut().zip(images) {
            *ingested = image.max(*ingested);
        }
        Indexer::Idle
    }
}
