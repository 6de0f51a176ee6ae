//! One booking at work: its record as last read or written, and the two ways to go on from a failure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use booking_store::failure::{FailureKind, StoreFailure};
use booking_store::{BookingCode, Version};

use crate::counts::Counts;
use crate::delivery::Why;
use crate::event::RecordedEvent;
use crate::fold::Failure;
use crate::letter;
use crate::ports::{Saved, SourceFailure, SourcePage};
use crate::projection::Projection;
use crate::projector::Projector;
use crate::record::{Parked, Record, Stage};
use crate::settings::later;
use crate::step::{self, Rules, Step, Wanted};

/// Most steps of one call: a page each, or a write. Whoever needs more goes on with the next delivery.
const MAX_STEPS: u32 = 1000;

/// Why a step could not be finished.
pub(crate) enum Stop {
    /// Somebody else wrote the record: look again.
    Moved,
    /// The record can't be stored, however often it is tried: it is larger than its store takes, or no JSON.
    Unfit(String),
    /// A store or the source failed.
    Failed(String),
    /// The source does not show what exists.
    NotShown(String),
}

impl From<StoreFailure> for Stop {
    fn from(failure: StoreFailure) -> Self {
        match failure.kind {
            FailureKind::TooLarge => Self::Unfit(failure.chain()),
            FailureKind::Unreachable
            | FailureKind::CircuitOpen
            | FailureKind::NoAnswer
            | FailureKind::ServerError
            | FailureKind::Throttled
            | FailureKind::Contended
            | FailureKind::Refused
            | FailureKind::Corrupt => Self::Failed(failure.chain()),
        }
    }
}

impl From<SourceFailure> for Stop {
    fn from(failure: SourceFailure) -> Self {
        match failure {
            SourceFailure::Behind { .. } => Self::NotShown(failure.to_string()),
            SourceFailure::Unavailable(_) | SourceFailure::Corrupt(_) => Self::Failed(failure.to_string()),
        }
    }
}

/// How far a booking's work came.
pub(crate) enum End {
    /// Everything wanted is done.
    Settled,
    /// Not now.
    Wait(Why),
    /// Behind a dead letter.
    Behind,
}

/// One booking at work.
pub(crate) struct Work<'a, P: Projection> {
    pub(crate) kit: &'a Projector<P>,
    /// As stored: every change goes through [`save`](Self::save).
    pub(crate) record: Record,
    pub(crate) state: P::State,
    /// Whether the state is of this code's version, and can be read.
    pub(crate) readable: bool,
    pub(crate) wanted: Wanted,
    /// What was delivered, by version.
    pub(crate) at_hand: BTreeMap<Version, &'a RecordedEvent>,
    pub(crate) counts: Counts,
    /// After a write that was too large: one event a write, to find the one that is too much.
    pub(crate) one_by_one: bool,
}

impl<'a, P: Projection> Work<'a, P> {
    /// The work on a booking, with its record as it is.
    pub(crate) async fn begin(
        kit: &'a Projector<P>,
        booking_code: &BookingCode,
        wanted: Wanted,
        at_hand: BTreeMap<Version, &'a RecordedEvent>,
    ) -> Result<Self, StoreFailure> {
        let (record, state, readable) = kit.load(booking_code).await?;
        Ok(Self { kit, record, state, readable, wanted, at_hand, counts: Counts::default(), one_by_one: false })
    }

    /// Steps until nothing is left to do, or nothing can be done.
    pub(crate) async fn run(&mut self) -> End {
        let mut races = 0;
        for _ in 0..MAX_STEPS {
            let rules = Rules {
                state_version: self.kit.folder.projection.state_version(),
                readable: self.readable,
                reacts: self.kit.reactions.is_some(),
                mode: self.kit.settings.mode,
                now: self.kit.now(),
            };
            let stepped = match step::next(&self.record, &self.wanted, &rules) {
                Step::Settled => return End::Settled,
                Step::Behind => return End::Behind,
                Step::Wait(why) => return End::Wait(why),
                Step::Rebuild => self.rebuild().await,
                Step::React => self.react_owed().await,
                Step::Advance => self.advance().await,
            };
            let stopped = match stepped {
                Ok(()) => continue,
                Err(Stop::Moved) if races < self.kit.settings.max_races => self.reload().await,
                Err(Stop::Moved) => return End::Wait(Why::Raced),
                Err(stop) => Err(stop),
            };
            races += 1;
            match stopped {
                Ok(()) | Err(Stop::Moved) => {}
                Err(Stop::NotShown(words)) => return End::Wait(Why::NotShown(words)),
                Err(Stop::Failed(words) | Stop::Unfit(words)) => return End::Wait(Why::Failed(words)),
            }
        }
        End::Wait(Why::Raced)
    }

    /// The record as it is now.
    pub(crate) async fn reload(&mut self) -> Result<(), Stop> {
        (self.record, self.state, self.readable) = self.kit.load(&self.record.booking_code).await?;
        Ok(())
    }

    /// Stores `next` in the place of the record this work knows, with `state` decoded beside it if that changes.
    pub(crate) async fn save(&mut self, mut next: Record, state: Option<P::State>) -> Result<(), Stop> {
        next.revision = self.record.revision + 1;
        next.updated_at = self.kit.now();
        match self.kit.ports.records.save(&next).await? {
            Saved::Done => {}
            // An earlier attempt of this very write got no answer and had landed. Nobody else can have written the same:
            // a run of a reaction has a name of its own, and without a reaction the same record is the same work.
            Saved::Moved(Some(found)) if *found == next => {}
            Saved::Moved(_) => return Err(Stop::Moved),
        }
        self.record = next;
        if let Some(state) = state {
            (self.state, self.readable) = (state, true);
        }
        Ok(())
    }

    /// Parks the booking at `failure`: one more failed try, or the first one. The last one leaves a dead letter first,
    /// so that no crash can lose it; it may leave two.
    pub(crate) async fn park(&mut self, failure: Failure, base: Record, state: Option<P::State>) -> Result<(), Stop> {
        self.wanted.forced = false;
        self.wanted.tried |= failure.stage == Stage::Rebuild;
        let parked = self.parked(failure);
        let settings = &self.kit.settings;
        let name = self.kit.name();
        let code = &self.record.booking_code;
        let (version, reason, attempts) = (parked.version, parked.reason.as_str(), parked.attempts);
        tracing::warn!(projection = name, booking_code = %code, %version, attempts, reason, "parked");
        let last = attempts >= settings.max_attempts && !parked.dead_lettered;
        if last {
            self.kit.ports.dead_letters.put(&letter::about(name, code, &parked)).await?;
            tracing::error!(projection = name, booking_code = %code, %version, reason, "dead letter");
        }
        let dead_lettered = last || parked.dead_lettered;
        self.save(Record { parked: Some(Parked { dead_lettered, ..parked }), ..base }, state).await?;
        self.counts.parked += 1;
        self.counts.dead_lettered += u64::from(last);
        Ok(())
    }

    fn parked(&self, failure: Failure) -> Parked {
        let now = self.kit.now();
        let Failure { stage, version, event_id, reason } = failure;
        let before = self.record.parked.as_ref().filter(|old| (old.stage, old.version) == (stage, version));
        let attempts = before.map_or(1, |old| old.attempts.saturating_add(1));
        let asked = self.wanted.asked(&self.record).next_back();
        let asked = asked.or(before.and_then(|old| old.replay.as_ref()));
        let replay = asked.filter(|_| stage == Stage::Rebuild).cloned();
        Parked {
            stage,
            version,
            event_id,
            reason,
            attempts,
            since: before.map_or(now, |old| old.since),
            retry_at: later(now, self.kit.settings.pause(attempts)),
            dead_lettered: before.is_some_and(|old| old.dead_lettered),
            replay,
        }
    }

    /// One page of the source from `from` on, checked. Behind, if it ends below `known`.
    pub(crate) async fn page(&self, from: Version, known: Version) -> Result<SourcePage, Stop> {
        let code = &self.record.booking_code;
        let page = self.kit.ports.source.page(code, from, known).await?;
        let mut next = from;
        for event in &page.events {
            if event.version != next || event.booking_code != *code {
                let what = format!("version {} of {} where {next} belongs", event.version, event.booking_code);
                return Err(SourceFailure::Corrupt(what).into());
            }
            next = next.next();
        }
        let head = next.previous();
        match page.next {
            Some(further) if further != next || page.events.is_empty() => {
                Err(SourceFailure::Corrupt(format!("the page after {head} begins at {further}")).into())
            }
            None if head < known => Err(SourceFailure::Behind { known, head }.into()),
            Some(_) | None => Ok(page),
        }
    }

    /// What was delivered from `from` on, as far as nothing is missing.
    pub(crate) fn hand(&self, from: Version) -> Vec<Cow<'a, RecordedEvent>> {
        let events = self.at_hand.range(from..).zip(0..);
        let contiguous = events.take_while(|((version, _), i)| **version == from.plus(*i));
        contiguous.map(|((_, event), _)| Cow::Borrowed(*event)).collect()
    }
}
