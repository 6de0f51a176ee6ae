//! Again from the source: for a replay, or for state of another shape. One fold, page by page; one write. No reaction.

use booking_store::Version;

use crate::event::RecordedEvent;
use crate::fold::Failure;
use crate::projection::Projection;
use crate::record::{Record, Stage};
use crate::work::{Stop, Work};

/// A state on its way from the first event.
struct Rebuilt<S> {
    state: S,
    position: Version,
    /// Up to where reactions are done, or are not owed.
    reacted: Version,
    last: Option<RecordedEvent>,
    failure: Option<Failure>,
}

impl<P: Projection> Work<'_, P> {
    /// Makes the state again. What the projection has not been told of yet goes into the state, but not its reactions:
    /// they stay owed until their event, or a later one, is delivered by something else than a replay.
    pub(crate) async fn rebuild(&mut self) -> Result<(), Stop> {
        let rebuilt = self.fold_all().await?;
        let Rebuilt { state, position, reacted, last, failure } = rebuilt;
        let asked = self.asked_for();
        let failed = failure.filter(|failure| position < self.record.position || failure.version <= asked);
        if position < self.record.position {
            // The position never goes back: the old state stays, and the booking waits for code that can make it again.
            let Some(failure) = failed else { return Err(Stop::Failed("the source has lost events".to_owned())) };
            return self.park(Failure { stage: Stage::Rebuild, ..failure }, self.record.clone(), None).await;
        }
        let mut next = self.record.clone();
        next.state_version = self.kit.folder.projection.state_version();
        next.position = position;
        next.reacted = if self.kit.reactions.is_some() { reacted } else { position };
        next.reaction = next.reaction.filter(|reaction| reaction.version > reacted);
        // A failed reaction is not mended by a new state. An event that failed is, if it is in it now.
        next.parked = next.parked.filter(|parked| match parked.stage {
            Stage::React => parked.version > reacted,
            Stage::Apply | Stage::Unknown => parked.version > position,
            Stage::Rebuild => false,
        });
        let whole = failed.is_none();
        match (self.replace(next, state, failed).await, last) {
            (Err(Stop::Unfit(reason)), Some(last)) => {
                self.park(Failure::new(Stage::Rebuild, &last, reason), self.record.clone(), None).await
            }
            (Ok(()), _) => {
                self.counts.rebuilt += u64::from(whole);
                Ok(())
            }
            (stopped, _) => stopped,
        }
    }

    /// Stores `next` with `state`: whole, or as far as it goes and parked; the replay's own message tries the rest again.
    async fn replace(&mut self, mut next: Record, state: P::State, failed: Option<Failure>) -> Result<(), Stop> {
        next.state = self.kit.encode(&state).map_err(Stop::Unfit)?;
        if let Some(failure) = failed {
            return self.park(Failure { stage: Stage::Rebuild, ..failure }, next, Some(state)).await;
        }
        let tried = self.record.parked.as_ref().and_then(|parked| parked.replay.clone());
        tried.iter().chain(self.wanted.replays.keys()).for_each(|replay| next.remember(replay));
        self.save(next, Some(state)).await
    }

    /// The highest version that a message waits for. What fails above it is left to the message that will bring it.
    fn asked_for(&self) -> Version {
        if self.wanted.to_end {
            return Version::new(u64::MAX);
        }
        let tried = self.record.parked.as_ref().filter(|parked| parked.stage == Stage::Rebuild);
        let tried = tried.map_or(Version::NONE, |parked| parked.version);
        self.record.position.max(self.wanted.upto).max(self.wanted.replayed()).max(tried)
    }

    async fn fold_all(&self) -> Result<Rebuilt<P::State>, Stop> {
        let known = self.record.position.max(self.wanted.upto).max(self.wanted.replayed());
        let mut all = Rebuilt {
            state: P::State::default(),
            position: Version::NONE,
            reacted: self.record.reacted,
            last: None,
            failure: None,
        };
        let mut from = Some(Version::FIRST);
        while let Some(start) = from {
            let page = self.page(start, known).await?;
            for event in page.events {
                if let Err(failure) = self.kit.folder.apply(&mut all.state, &event) {
                    all.failure = Some(failure);
                    return Ok(all);
                }
                all.position = event.version;
                if event.version == all.reacted.next() && self.kit.owed(&event) == Ok(None) {
                    all.reacted = event.version;
                }
                all.last = Some(event);
            }
            from = page.next;
        }
        Ok(all)
    }
}
