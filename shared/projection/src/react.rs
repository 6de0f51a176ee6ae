//! Reactions: owed in the record before they run, leased while they run, noted when they are done.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use booking_store::Version;
use futures::FutureExt as _;
use tokio::time::timeout;

use crate::event::RecordedEvent;
use crate::fold::Failure;
use crate::projection::{Projection, ReactionError};
use crate::record::{Record, Stage};
use crate::settings::{Mode, later};
use crate::work::{Stop, Work};

/// A state made again from the source, up to a version.
struct Refold<S> {
    version: Version,
    state: S,
}

impl<'a, P: Projection> Work<'a, P> {
    /// Runs the reactions that are owed at or below the position: of a process that died, or of events that a rebuild
    /// took in before they were delivered. A replay's deliveries never come here.
    pub(crate) async fn react_owed(&mut self) -> Result<(), Stop> {
        let target = match self.kit.settings.mode {
            Mode::LatestOnly => return self.react_to_newest().await,
            Mode::EachEvent if self.wanted.to_end => self.record.position,
            Mode::EachEvent => self.record.position.min(self.wanted.upto),
        };
        let mut refold = Refold { version: Version::NONE, state: P::State::default() };
        let mut passed = self.record.reacted;
        while passed < target {
            for event in self.owed_range(passed.next(), target).await? {
                let shaped = match self.kit.owed(&event) {
                    Ok(Some(shaped)) => shaped,
                    Ok(None) => {
                        passed = event.version;
                        continue;
                    }
                    Err(failure) => return self.park(failure, self.reacted(passed), None).await,
                };
                let Some(state) = self.state_at(&event, &mut refold).await? else { return Ok(()) };
                let next = Record { reaction: Some(self.kit.lease(&shaped)), ..self.reacted(passed) };
                self.save(next, None).await?;
                self.run_reaction(&state, &shaped, event.version).await?;
                if self.record.parked.is_some() {
                    return Ok(());
                }
                passed = event.version;
            }
        }
        if passed > self.record.reacted {
            self.save(self.reacted(passed), None).await?;
        }
        Ok(())
    }

    /// The record with nothing owed up to `passed`, and parked no more at a reaction up to there.
    fn reacted(&self, passed: Version) -> Record {
        let mut record = Record { reacted: passed, reaction: None, ..self.record.clone() };
        record.parked = record.standing(true).cloned();
        record
    }

    /// The events `from..=target`, at hand or one page of them.
    async fn owed_range(&self, from: Version, target: Version) -> Result<Vec<Cow<'a, RecordedEvent>>, Stop> {
        let mut events = self.hand(from);
        if events.is_empty() {
            events = self.page(from, target).await?.events.into_iter().map(Cow::Owned).collect();
        }
        events.retain(|event| event.version <= target);
        Ok(events)
    }

    /// The state right after `event`: the stored one, or made again. `None`: it can't be made, and the booking is parked.
    async fn state_at(
        &mut self,
        event: &RecordedEvent,
        refold: &mut Refold<P::State>,
    ) -> Result<Option<P::State>, Stop> {
        if event.version == self.record.position {
            return Ok(Some(self.state.clone()));
        }
        while refold.version < event.version {
            for earlier in self.page(refold.version.next(), event.version).await?.events {
                if refold.version == event.version {
                    break;
                }
                if let Err(failure) = self.kit.folder.apply(&mut refold.state, &earlier) {
                    let reason = format!("the state at version {} can't be made: {}", event.version, failure.reason);
                    self.park(Failure::new(Stage::React, event, reason), self.record.clone(), None).await?;
                    return Ok(None);
                }
                refold.version = earlier.version;
            }
        }
        Ok(Some(refold.state.clone()))
    }

    /// Only the newest counts: one reaction, with the newest event that concerns anybody.
    async fn react_to_newest(&mut self) -> Result<(), Stop> {
        let position = self.record.position;
        let mut newest = Ok(None);
        let mut passed = self.record.reacted;
        while passed < position {
            for event in self.owed_range(passed.next(), position).await? {
                passed = event.version;
                // One that can't be read any more is superseded as well as any other.
                let owed = self.kit.owed(&event);
                newest = if owed == Ok(None) { newest } else { owed };
            }
        }
        let event = match newest {
            Ok(Some(event)) => event,
            Ok(None) => return self.save(self.reacted(position), None).await,
            Err(failure) => return self.park(failure, Record { reaction: None, ..self.record.clone() }, None).await,
        };
        self.save(Record { reaction: Some(self.kit.lease(&event)), ..self.record.clone() }, None).await?;
        let state = self.state.clone();
        self.run_reaction(&state, &event, position).await
    }

    /// Runs the reaction whose lease the record holds, and notes that it is done, and with it everything up to `upto`.
    pub(crate) async fn run_reaction(
        &mut self,
        state: &P::State,
        event: &RecordedEvent,
        upto: Version,
    ) -> Result<(), Stop> {
        let Some(reactions) = &self.kit.reactions else { return Ok(()) };
        let longest = self.kit.settings.reaction_timeout;
        let leased_until = self.record.reaction.as_ref().map(|reaction| reaction.leased_until);
        if leased_until.is_none_or(|until| later(self.kit.now(), longest) > until) {
            // The write of the lease took so long that the lease might end before the reaction does.
            return Err(Stop::Failed("the lease was stored too late".to_owned()));
        }
        // A panic of the team's code is a failure like any other; its words may hold a payload and are not kept.
        let run = AssertUnwindSafe(async { reactions.actions.react(state, event).await }).catch_unwind();
        let answer = match timeout(longest, run).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(ReactionError::new("the reaction panicked")),
            Err(_elapsed) => Err(ReactionError::new(format!("no answer within {longest:?}"))),
        };
        match answer {
            Ok(()) => self.note_done(upto).await,
            Err(error) => {
                let failure = Failure::new(Stage::React, event, error);
                self.park(failure, Record { reaction: None, ..self.record.clone() }, None).await
            }
        }
    }

    /// Notes it, also when somebody else has written the record meanwhile, as long as the run is still ours.
    async fn note_done(&mut self, upto: Version) -> Result<(), Stop> {
        let ours = self.record.reaction.as_ref().map(|reaction| reaction.holder);
        for _ in 0..=self.kit.settings.max_races {
            let parked = self.record.parked.clone().filter(|parked| parked.stage != Stage::React);
            let reacted = self.record.reacted.max(upto);
            let done = Record { reaction: None, reacted, parked, ..self.record.clone() };
            match self.save(done, None).await {
                Ok(()) => {
                    self.counts.reactions += 1;
                    return Ok(());
                }
                Err(Stop::Moved) => self.reload().await?,
                Err(stop) => return Err(stop),
            }
            if self.record.reaction.as_ref().map(|reaction| reaction.holder) != ours {
                break;
            }
        }
        Err(Stop::Moved)
    }
}
