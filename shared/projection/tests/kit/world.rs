//! A world of in-memory ports: a source that grows, records that check themselves, a clock moved by hand, and a log of
//! reactions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use booking_store::clock::{Clock, Ids};
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::{BookingCode, EventId, Timestamp, Version};
use projection::memory::{MemoryDeadLetters, MemoryRecords, MemorySource};
use projection::ports::{Ports, Records, Saved};
use projection::record::Record;
use projection::{Again, Outcome, Projector, ReactTo, ReactionError, Reactions, RecordedEvent, Report, Settings, Why};

use crate::chance::Chance;
use crate::tally::{Tally, Trail, added, fold};

pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_milliseconds(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

#[derive(Default)]
struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn event_id(&self) -> EventId {
        EventId::from_bytes(u128::from(self.0.fetch_add(1, Ordering::SeqCst)).to_be_bytes())
    }
}

/// Records that look at every write: the state is always the fold of the source up to its position, which never goes
/// back, and neither does what is reacted to.
pub(crate) struct CheckedRecords {
    pub(crate) records: MemoryRecords,
    source: Arc<MemorySource>,
    saves: AtomicU64,
    /// States of more bytes than this are refused.
    pub(crate) room: AtomicU64,
}

impl CheckedRecords {
    fn new(source: Arc<MemorySource>) -> Self {
        let (records, saves, room) = (MemoryRecords::default(), AtomicU64::default(), AtomicU64::new(u64::MAX));
        Self { records, source, saves, room }
    }

    /// How many writes were stored.
    pub(crate) fn saves(&self) -> u64 {
        self.saves.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Records for CheckedRecords {
    async fn load(&self, booking_code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        self.records.load(booking_code).await
    }

    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        if record.state.len() as u64 > self.room.load(Ordering::SeqCst) {
            return Err(StoreFailure::new(Store::Projection, FailureKind::TooLarge));
        }
        let before = self.records.get(&record.booking_code);
        let saved = self.records.save(record).await?;
        if saved == Saved::Done {
            self.saves.fetch_add(1, Ordering::SeqCst);
            assert!(record.is_sound(), "{record:?}");
            let events = self.source.of(&record.booking_code);
            let known = record.position.count_since(Version::NONE);
            assert!(known <= events.len(), "{record:?}");
            let state: Trail = serde_json::from_str(&record.state).unwrap();
            assert_eq!(state, fold(&events[..known]), "{} at {known}", record.booking_code);
            let before = before.map_or((Version::NONE, Version::NONE), |before| (before.position, before.reacted));
            assert!(record.position >= before.0 && record.reacted >= before.1, "{before:?} {record:?}");
        }
        Ok(saved)
    }
}

/// One run of a reaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reacted {
    pub(crate) booking_code: BookingCode,
    pub(crate) version: Version,
    pub(crate) event_id: EventId,
    pub(crate) state: Trail,
}

/// Reactions that note their runs, and fail as often as they are told.
pub(crate) struct Noting {
    records: Arc<CheckedRecords>,
    chance: Arc<Chance>,
    pub(crate) failing: AtomicU64,
    /// Runs take that long.
    pub(crate) takes: Mutex<Duration>,
    log: Mutex<Vec<Reacted>>,
    wrong: Wrong,
}

impl Noting {
    pub(crate) fn log(&self) -> Vec<Reacted> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn of(&self, booking_code: &BookingCode) -> Vec<u64> {
        let log = self.log();
        log.iter().filter(|run| run.booking_code == *booking_code).map(|run| run.version.get()).collect()
    }
}

#[async_trait]
impl Reactions<Trail> for Noting {
    /// Odd amounts.
    fn concerns(&self, event: &RecordedEvent) -> bool {
        event.data.as_str().bytes().find(u8::is_ascii_digit).is_some() && amount(event) % 2 == 1
    }

    async fn react(&self, state: &Trail, event: &RecordedEvent) -> Result<(), ReactionError> {
        let version = event.version;
        match self.records.records.get(&event.booking_code) {
            Some(stored) => {
                let run = stored.reaction.as_ref().map(|run| (run.version, run.event_id));
                self.wrong.unless(stored.position >= version, || format!("{version} runs before its state is stored"));
                self.wrong.unless(stored.reacted < version, || format!("{version} ran and was noted before"));
                self.wrong
                    .unless(run == Some((version, event.event_id)), || format!("{version} runs without its note"));
            }
            None => self.wrong.unless(false, || format!("{version} runs without any state")),
        }
        self.log.lock().unwrap().push(Reacted {
            booking_code: event.booking_code.clone(),
            version: event.version,
            event_id: event.event_id,
            state: state.clone(),
        });
        for _ in 0..self.chance.below(3) {
            tokio::task::yield_now().await;
        }
        let takes = *self.takes.lock().unwrap();
        if !takes.is_zero() {
            #[expect(clippy::disallowed_methods, reason = "the test's time is paused")]
            tokio::time::sleep(takes).await;
        }
        let failing = usize::try_from(self.failing.load(Ordering::SeqCst)).unwrap();
        if self.chance.per_mille(failing) { Err(ReactionError::new("busy")) } else { Ok(()) }
    }
}

/// The amount of an event of the tally.
pub(crate) fn amount(event: &RecordedEvent) -> u64 {
    serde_json::from_str::<serde_json::Value>(event.data.as_str()).unwrap()["amount"].as_u64().unwrap_or(0)
}

/// What went wrong inside a reaction. The kit takes a reaction's panic for a failure, so that it is told at the end.
#[derive(Default)]
struct Wrong(Mutex<Vec<String>>);

impl Wrong {
    fn unless(&self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.0.lock().unwrap().push(what());
        }
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        let wrong = std::mem::take(self.0.get_mut().unwrap());
        assert!(wrong.is_empty() || std::thread::panicking(), "{wrong:?}");
    }
}

/// Reactions that must not run.
#[derive(Default)]
pub(crate) struct Never(Wrong);

#[async_trait]
impl Reactions<Trail> for Never {
    async fn react(&self, _state: &Trail, event: &RecordedEvent) -> Result<(), ReactionError> {
        self.0
            .unless(false, || format!("a reaction to version {} of {} in a replay", event.version, event.booking_code));
        Ok(())
    }
}

/// Everything around the kit.
pub(crate) struct World {
    pub(crate) source: Arc<MemorySource>,
    pub(crate) records: Arc<CheckedRecords>,
    pub(crate) letters: Arc<MemoryDeadLetters>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) reactions: Arc<Noting>,
    pub(crate) tally: Tally,
    pub(crate) settings: Settings,
}

/// What a report says of its deliveries, in a word each: how it is done, or why it comes again.
pub(crate) fn words(report: &Report) -> Vec<String> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Done(done) => format!("{done:?}"),
        Outcome::Again(Again { why, .. }) => match why {
            Why::Parked(_) => "again: parked".to_owned(),
            Why::Leased(_) => "again: leased".to_owned(),
            Why::NewerState(_) => "again: newer".to_owned(),
            Why::Failed(_) => "again: failed".to_owned(),
            Why::NotShown(_) => "again: not shown".to_owned(),
            Why::Raced => "again: raced".to_owned(),
        },
    };
    report.outcomes.iter().map(word).collect()
}

impl Default for World {
    fn default() -> Self {
        Self::new(2, Arc::new(Chance::new(0)))
    }
}

impl World {
    /// With pages of `page_events` events.
    pub(crate) fn new(page_events: usize, chance: Arc<Chance>) -> Self {
        let source = Arc::new(MemorySource::paged(page_events));
        let records = Arc::new(CheckedRecords::new(source.clone()));
        let start = Timestamp::parse("2026-11-21T09:00:00Z").unwrap().unix_milliseconds();
        let reactions = Noting {
            records: records.clone(),
            chance,
            failing: AtomicU64::default(),
            takes: Mutex::default(),
            log: Mutex::default(),
            wrong: Wrong::default(),
        };
        Self {
            source,
            records,
            letters: Arc::default(),
            clock: Arc::new(ManualClock(AtomicI64::new(start))),
            ids: Arc::new(CountedIds::default()),
            reactions: Arc::new(reactions),
            tally: Tally::new(),
            settings: Settings { max_attempts: 4, longest_pause: Duration::from_secs(60), ..Settings::default() },
        }
    }

    /// The ports without faults.
    pub(crate) fn ports(&self) -> Ports {
        Ports {
            source: self.source.clone(),
            records: self.records.clone(),
            dead_letters: self.letters.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
        }
    }

    pub(crate) fn projector(&self) -> Projector<Tally> {
        Projector::new(self.tally.clone(), self.ports(), self.settings.clone())
    }

    pub(crate) fn reacting(&self) -> Projector<Tally> {
        self.projector().reacting(self.reactions.clone(), ReactTo::Everything)
    }

    pub(crate) fn record(&self, booking_code: &BookingCode) -> Record {
        self.records.records.get(booking_code).unwrap()
    }

    pub(crate) fn trail(&self, booking_code: &BookingCode) -> Trail {
        serde_json::from_str(&self.record(booking_code).state).unwrap()
    }

    /// Appends events with these amounts.
    pub(crate) fn append(&self, booking_code: &BookingCode, amounts: &[u64]) -> Vec<RecordedEvent> {
        amounts.iter().map(|amount| self.source.append(added(booking_code, *amount))).collect()
    }

    /// The state is the fold of all the source has.
    pub(crate) fn assert_whole(&self, booking_code: &BookingCode) {
        assert_eq!(self.trail(booking_code), fold(&self.source.of(booking_code)), "{booking_code}");
    }

    /// The versions a reaction is owed for, of each booking.
    pub(crate) fn owed(&self) -> BTreeMap<BookingCode, Vec<u64>> {
        let of = |code: &BookingCode| {
            let events = self.source.of(code).into_iter();
            events.filter(|event| amount(event) % 2 == 1).map(|event| event.version.get()).collect()
        };
        self.source.booking_codes().into_iter().map(|code| (code.clone(), of(&code))).collect()
    }
}
