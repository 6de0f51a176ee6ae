//! Forward: apply what comes after the position, from what was delivered or, where that has a gap, from the source.

use std::borrow::Cow;

use booking_store::Version;

use crate::event::RecordedEvent;
use crate::fold::Failure;
use crate::projection::{Applied, Projection};
use crate::record::{Record, Stage};
use crate::settings::Mode;
use crate::work::{Stop, Work};

/// The next events of a booking.
pub(crate) struct Ahead<'a> {
    pub(crate) events: Vec<Cow<'a, RecordedEvent>>,
    /// Whether they go as far as anything is known.
    whole: bool,
}

/// What became of the events of one write.
struct Chunk<S> {
    state: S,
    taken: usize,
    unknown: u64,
    failure: Option<Failure>,
    /// The newest of the taken events that a reaction is owed for, in its newest shape.
    owed: Option<RecordedEvent>,
}

impl<'a, P: Projection> Work<'a, P> {
    /// Applies the next events: those at hand, or one page of the source.
    pub(crate) async fn advance(&mut self) -> Result<(), Stop> {
        let ahead = self.ahead().await?;
        let mut rest = ahead.events.as_slice();
        while let Some(first) = rest.first().filter(|first| first.version == self.record.position.next()) {
            let length = self.chunk_length(rest);
            let whole = ahead.whole && length == rest.len();
            let chunk = self.fold(&rest[..length]);
            let (taken, several) = (chunk.taken, length > 1);
            match self.store(first, chunk, whole).await {
                Ok(true) if taken > 0 => rest = &rest[taken..],
                Ok(_) => return Ok(()),
                Err(Stop::Unfit(_)) if several => self.one_by_one = true,
                Err(Stop::Unfit(_)) if !self.is_asked_for(first.version) => return Ok(()),
                Err(Stop::Unfit(reason)) => {
                    let failure = Failure::new(Stage::Apply, first, reason);
                    return self.park(failure, self.record.clone(), None).await;
                }
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    async fn ahead(&mut self) -> Result<Ahead<'a>, Stop> {
        let from = self.record.position.next();
        let hand = self.hand(from);
        if let Some(last) = hand.last() {
            let whole = last.version >= self.wanted.upto && !self.wanted.to_end;
            return Ok(Ahead { events: hand, whole });
        }
        let page = self.page(from, self.wanted.upto).await?;
        if self.wanted.upto >= from && self.record.parked.is_none() {
            self.counts.gaps += 1;
            let code = &self.record.booking_code;
            tracing::info!(projection = self.kit.name(), booking_code = %code, missing = %from, "gap");
        }
        let (mut events, end) = (page.events, page.next.is_none());
        if self.wanted.to_end && end {
            self.wanted.to_end = false;
            self.wanted.upto = self.wanted.upto.max(from.plus(events.len()).previous());
        }
        if self.kit.settings.mode == Mode::EachEvent && self.kit.reactions.is_some() && !self.wanted.to_end {
            // A reaction that fails is tried again by the message that asked for it. What nobody has delivered has none.
            events.retain(|event| event.version <= self.wanted.upto);
        }
        Ok(Ahead { events: events.into_iter().map(Cow::Owned).collect(), whole: end })
    }

    /// How many of `events` go into one write: with reactions one by one, up to the first one that concerns anybody.
    fn chunk_length(&self, events: &[Cow<'_, RecordedEvent>]) -> usize {
        if self.one_by_one {
            return 1;
        }
        let each = self.kit.settings.mode == Mode::EachEvent && self.kit.reactions.is_some();
        let first_owed = events.iter().position(|event| each && self.kit.owed(event) != Ok(None));
        first_owed.map_or(events.len(), |at| at + 1)
    }

    fn fold(&self, events: &[Cow<'_, RecordedEvent>]) -> Chunk<P::State> {
        let mut chunk = Chunk { state: self.state.clone(), taken: 0, unknown: 0, failure: None, owed: None };
        for event in events {
            if let Err(failure) = self.take(&mut chunk, event) {
                chunk.failure = Some(failure);
                break;
            }
        }
        chunk
    }

    /// Takes one more event into `chunk`, which on an error stays as it was.
    fn take(&self, chunk: &mut Chunk<P::State>, event: &RecordedEvent) -> Result<(), Failure> {
        let (state, applied) = self.kit.folder.with(&chunk.state, event)?;
        chunk.owed = self.kit.owed(event)?.or(chunk.owed.take());
        chunk.state = state;
        chunk.unknown += u64::from(applied == Applied::Unknown);
        chunk.taken += 1;
        Ok(())
    }

    /// Stores what the chunk came to, state and position in one write; runs its reaction; parks where it failed. Says
    /// whether the next chunk may follow.
    async fn store(&mut self, first: &RecordedEvent, chunk: Chunk<P::State>, whole: bool) -> Result<bool, Stop> {
        let Chunk { state, taken, unknown, failure, owed } = chunk;
        let mut reaction = None;
        if taken > 0 {
            let position = first.version.plus(taken - 1);
            let text = self.kit.encode(&state).map_err(Stop::Unfit)?;
            let mut next = Record { position, state: text, parked: None, ..self.record.clone() };
            // Only the newest counts: the reaction waits for the end of what is known.
            let now = self.kit.settings.mode == Mode::EachEvent || whole || failure.is_some();
            reaction = owed.filter(|_| now);
            let nothing_owed = reaction.is_none() && self.record.reacted == self.record.position;
            next.reacted = self.reacted_after(&next, reaction.as_ref(), nothing_owed && now);
            next.reaction = reaction.as_ref().map(|event| self.kit.lease(event));
            self.save(next, Some(state)).await?;
            self.count(first.version, taken, unknown);
        }
        if let Some(event) = reaction {
            let state = self.state.clone();
            let upto = self.record.position;
            self.run_reaction(&state, &event, upto).await?;
            if self.record.parked.is_some() {
                return Ok(false);
            }
        }
        match failure {
            Some(failure) if self.record.position.next() == failure.version && self.is_asked_for(failure.version) => {
                self.park(failure, self.record.clone(), None).await.map(|()| false)
            }
            Some(_) => Ok(false),
            None => Ok(true),
        }
    }

    /// Whether a message waits for this version. Only then is it parked: without a message nobody would try it again.
    fn is_asked_for(&self, version: Version) -> bool {
        version <= self.wanted.upto || self.wanted.to_end
    }

    /// Up to where reactions are settled once `next` is stored and before its reaction is run.
    fn reacted_after(&self, next: &Record, reaction: Option<&RecordedEvent>, nothing_owed: bool) -> Version {
        match reaction {
            _ if self.kit.reactions.is_none() => next.position,
            None if nothing_owed => next.position,
            Some(event) if self.kit.settings.mode == Mode::EachEvent => event.version.previous(),
            Some(_) | None => next.reacted,
        }
    }

    fn count(&mut self, first: Version, taken: usize, unknown: u64) {
        let versions = (0..taken).map(|i| first.plus(i));
        let repaired = versions.filter(|version| !self.at_hand.contains_key(version)).count();
        self.counts.applied += taken as u64;
        self.counts.repaired += repaired as u64;
        self.counts.unknown += unknown;
    }
}
