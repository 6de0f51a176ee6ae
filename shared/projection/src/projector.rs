//! The engine: batches in, outcomes out. Bookings side by side, a booking's events in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use booking_store::failure::StoreFailure;
use booking_store::{BookingCode, Timestamp, Version};
use futures::stream::{self, StreamExt};

use crate::counts::Counts;
use crate::delivery::{Again, Delivery, Done, Outcome, Report, Why};
use crate::event::RecordedEvent;
use crate::fold::{Failure, Folder, guarded};
use crate::ports::{Ports, Records};
use crate::projection::{Projection, ReactTo, Reactions};
use crate::record::{Outstanding, Parked, Record, Stage};
use crate::settings::{Settings, later, until};
use crate::step::Wanted;
use crate::work::{End, Work};

/// How long a message waits that meets a state of newer code: a deployment's time.
const NEWER_STATE_PAUSE: Duration = Duration::from_secs(60);

pub(crate) struct Reacting<S> {
    pub(crate) actions: Arc<dyn Reactions<S>>,
    to: ReactTo,
}

/// Runs one projection. It keeps nothing of a booking between two calls.
pub struct Projector<P: Projection> {
    pub(crate) folder: Folder<P>,
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) reactions: Option<Reacting<P::State>>,
}

/// A booking's state as a reader finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Current<S> {
    /// The projection has never heard of the booking.
    Absent,
    /// The state, and the record it is from.
    State(S, Box<Record>),
    /// There is a state, of another shape: it is made again when the booking is next heard of.
    Outdated(Box<Record>),
}

/// What became of a booking that was resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// Where it is now.
    pub position: Version,
    /// What it is parked at, if it still is.
    pub parked: Option<Parked>,
    /// Why it could not be brought to its end, if it couldn't.
    pub again: Option<Again>,
    /// What was done.
    pub counts: Counts,
}

impl<P: Projection> Projector<P> {
    /// Runs `projection` over `ports`, without reactions. On the records of one that has reactions it settles them: what
    /// it applies or makes again is noted as reacted to, and reactions that were owed are gone. So a tool that works on
    /// such records is to be given the [reactions](Self::reacting) too.
    pub fn new(projection: P, ports: Ports, settings: Settings) -> Self {
        Self { folder: Folder::new(projection), ports, settings, reactions: None }
    }

    /// The same with reactions to events of `to`.
    #[must_use]
    pub fn reacting(mut self, actions: Arc<dyn Reactions<P::State>>, to: ReactTo) -> Self {
        self.reactions = Some(Reacting { actions, to });
        self
    }

    /// The projection.
    pub fn projection(&self) -> &P {
        &self.folder.projection
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes a batch, in any order, of any bookings. Never fails as a whole: every delivery has its outcome.
    pub async fn deliver(&self, batch: Vec<Delivery>) -> Report {
        // Codes of their own, not references: the compiler can't see otherwise that this future is `Send`.
        let mut groups: BTreeMap<BookingCode, Vec<usize>> = BTreeMap::new();
        for (i, delivery) in batch.iter().enumerate() {
            groups.entry(delivery.event.booking_code.clone()).or_default().push(i);
        }
        let batch = &batch;
        let groups = stream::iter(groups).map(|(code, places)| async move {
            let deliveries: Vec<_> = places.iter().map(|i| &batch[*i]).collect();
            (places, self.deliver_one(&code, &deliveries).await)
        });
        let mut finished = groups.buffer_unordered(self.settings.concurrency.max(1));
        let mut outcomes = vec![None; batch.len()];
        let mut counts = Counts::default();
        while let Some((places, report)) = finished.next().await {
            counts += report.counts;
            for (place, outcome) in places.into_iter().zip(report.outcomes) {
                outcomes[place] = Some(outcome);
            }
        }
        Report { outcomes: outcomes.into_iter().flatten().collect(), counts }
    }

    /// Tries a parked booking again, whatever its dead letter, and catches up from the source.
    pub async fn resume(&self, booking_code: &BookingCode) -> Resumed {
        self.to_end(booking_code, true).await
    }

    /// Catches up from the source; a parked booking only if its next try is due.
    pub async fn catch_up(&self, booking_code: &BookingCode) -> Resumed {
        self.to_end(booking_code, false).await
    }

    /// A booking's state as it is stored.
    ///
    /// # Errors
    /// The store can't tell.
    pub async fn current(&self, booking_code: &BookingCode) -> Result<Current<P::State>, StoreFailure> {
        current(&self.folder.projection, self.ports.records.as_ref(), booking_code).await
    }

    /// The deliveries of one booking.
    async fn deliver_one(&self, code: &BookingCode, deliveries: &[&Delivery]) -> Report {
        let work = Work::begin(self, code, wanted(deliveries), at_hand(deliveries)).await;
        let (before, mut work, end) = match work {
            Ok(mut work) => {
                let before = work.record.settled(self.reactions.is_some());
                let end = work.run().await;
                (before, work, end)
            }
            Err(failure) => {
                let words = failure.chain();
                tracing::warn!(projection = self.name(), booking_code = %code, error = words, "not now");
                let again = |delivery: &&Delivery| self.again(delivery, Why::Failed(words.clone()));
                let counts = Counts { again: deliveries.len() as u64, ..Counts::default() };
                return Report { outcomes: deliveries.iter().map(again).collect(), counts };
            }
        };
        if let End::Wait(why) = &end {
            tracing::warn!(projection = self.name(), booking_code = %code, %why, "not now");
        }
        let mut seen = before;
        let mut order: Vec<_> = (0..deliveries.len()).collect();
        order.sort_by_key(|i| deliveries[*i].event.version);
        let mut outcomes = vec![Outcome::Done(Done::Duplicate); deliveries.len()];
        for i in order {
            let delivery = deliveries[i];
            outcomes[i] = self.outcome(delivery, &work, &end, &mut seen);
            work.counts.duplicates += u64::from(outcomes[i] == Outcome::Done(Done::Duplicate));
            work.counts.again += u64::from(matches!(outcomes[i], Outcome::Again(_)));
        }
        Report { outcomes, counts: work.counts }
    }

    /// What became of `delivery`, by the record as it was last read or written.
    fn outcome(&self, delivery: &Delivery, work: &Work<'_, P>, end: &End, seen: &mut Version) -> Outcome {
        let (version, record) = (delivery.event.version, &work.record);
        match (&delivery.replay, end) {
            // It is in a state that has yet to be made again: whoever brings it is who tries that again.
            (_, End::Wait(why)) if !work.readable && !matches!(why, Why::NewerState(_)) => {
                self.again(delivery, why.clone())
            }
            (Some(replay), _) if record.is_made_for(replay, version) => Outcome::Done(Done::Rebuilt),
            (None, _) if version <= record.settled(self.reactions.is_some()) => {
                let new = version > *seen;
                *seen = version.max(*seen);
                Outcome::Done(if new { Done::Applied } else { Done::Duplicate })
            }
            (_, End::Behind) => Outcome::Done(Done::Behind),
            (_, End::Wait(why)) => self.again(delivery, why.clone()),
            // Not settled for this delivery, though for all of them: a contradiction that another look resolves.
            (_, End::Settled) => self.again(delivery, Why::Raced),
        }
    }

    fn again(&self, delivery: &Delivery, why: Why) -> Outcome {
        Outcome::Again(Again { after: self.wait(&why, delivery.receives), why })
    }

    /// How long a message that was received so often waits for this reason.
    pub(crate) fn wait(&self, why: &Why, receives: u32) -> Duration {
        match why {
            Why::Parked(moment) | Why::Leased(moment) => until(self.now(), *moment),
            Why::NewerState(_) => NEWER_STATE_PAUSE,
            Why::Failed(_) | Why::NotShown(_) | Why::Raced => self.settings.pause(receives),
        }
    }

    async fn to_end(&self, code: &BookingCode, forced: bool) -> Resumed {
        let wanted = Wanted { to_end: true, forced, ..Wanted::default() };
        let mut work = match Work::begin(self, code, wanted, BTreeMap::new()).await {
            Ok(work) => work,
            Err(failure) => {
                let why = Why::Failed(failure.chain());
                let again = Some(Again { after: self.wait(&why, 1), why });
                return Resumed { position: Version::NONE, parked: None, again, counts: Counts::default() };
            }
        };
        let again = match work.run().await {
            End::Settled | End::Behind => None,
            End::Wait(why) => Some(Again { after: self.wait(&why, 1), why }),
        };
        let parked = work.record.standing(self.reactions.is_some()).cloned();
        Resumed { position: work.record.position, parked, again, counts: work.counts }
    }

    /// The record, its state, and whether this code can read that.
    pub(crate) async fn load(&self, code: &BookingCode) -> Result<(Record, P::State, bool), StoreFailure> {
        match self.current(code).await? {
            Current::State(state, record) => Ok((*record, state, true)),
            Current::Outdated(record) => Ok((*record, P::State::default(), false)),
            Current::Absent => {
                let state = P::State::default();
                let text = self.encode(&state).unwrap_or_default();
                let version = self.folder.projection.state_version();
                Ok((Record::new(code.clone(), text, version, self.now()), state, true))
            }
        }
    }

    /// The state as it is stored.
    pub(crate) fn encode(&self, state: &P::State) -> Result<String, String> {
        serde_json::to_string(state).map_err(|error| format!("the state is no JSON: {error}"))
    }

    /// `event` in its newest shape, if a reaction is owed for it; a failure, if nobody can tell.
    pub(crate) fn owed(&self, event: &RecordedEvent) -> Result<Option<RecordedEvent>, Failure> {
        let Some(reacting) = self.reactions.as_ref().filter(|reacting| reacting.to.includes(event)) else {
            return Ok(None);
        };
        let refused = |error| Failure::new(Stage::React, event, error);
        let shaped = self.folder.upcast(event).map_err(refused)?;
        let concerns = guarded("concerns", || Ok(reacting.actions.concerns(&shaped))).map_err(refused)?;
        Ok(concerns.then(|| shaped.into_owned()))
    }

    /// A new run of the reaction to `event`.
    pub(crate) fn lease(&self, event: &RecordedEvent) -> Outstanding {
        let lease = self.settings.reaction_timeout + Settings::LEASE_MARGIN;
        Outstanding {
            version: event.version,
            event_id: event.event_id,
            holder: self.ports.ids.event_id(),
            leased_until: later(self.now(), lease),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.folder.projection.name()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }
}

/// A booking's state as `records` hold it, for a reader that runs no engine.
///
/// # Errors
/// The store can't tell.
pub async fn current<P: Projection>(
    projection: &P,
    records: &dyn Records,
    booking_code: &BookingCode,
) -> Result<Current<P::State>, StoreFailure> {
    let Some(record) = records.load(booking_code).await? else { return Ok(Current::Absent) };
    let record = Box::new(record);
    if record.state_version != projection.state_version() {
        return Ok(Current::Outdated(record));
    }
    match serde_json::from_str(&record.state) {
        Ok(state) => Ok(Current::State(state, record)),
        Err(error) => {
            let name = projection.name();
            tracing::error!(projection = name, %booking_code, %error, "a stored state that can't be read");
            Ok(Current::Outdated(record))
        }
    }
}

fn wanted(deliveries: &[&Delivery]) -> Wanted {
    let mut wanted = Wanted::default();
    for delivery in deliveries {
        let version = delivery.event.version;
        match &delivery.replay {
            None => wanted.upto = wanted.upto.max(version),
            Some(replay) => {
                let replayed = wanted.replays.entry(replay.clone()).or_default();
                *replayed = version.max(*replayed);
            }
        }
    }
    wanted
}

fn at_hand<'a>(deliveries: &[&'a Delivery]) -> BTreeMap<Version, &'a RecordedEvent> {
    deliveries.iter().map(|delivery| (delivery.event.version, &delivery.event)).collect()
}
