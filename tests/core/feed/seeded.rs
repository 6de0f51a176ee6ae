//! The shipped ingestion and reading on thousands of schedules, one a seed: several indexers on the same partitions,
//! every call lost, unheard, late or made twice, processes that die at any call, images that are lost, late, doubled or
//! out of order, and readers in the middle of it.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use booking_store::feed::ingest::ingest;
use booking_store::feed::memory::MemoryFeedLog;
use booking_store::feed::read::{Outcome, Query, read};
use booking_store::feed::{FeedLog, Partition, Position};
use booking_store::memory::Memory;
use booking_store::ports::{Events, Stores};
use booking_store::{BookingCode, Version};
use booking_tests::{ManualClock, code};
use futures::task::noop_waker;

use super::gate::{End, Gate, Gated};
use super::planted::{Bug, Buggy};

/// Schedules in a test run.
const SEEDS: u64 = 3_000;
/// Things that happen in one schedule.
const STEPS: u64 = 220;

/// SplitMix64: one seed, one schedule.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What a process came to.
enum Done {
    /// A batch is ingested; or it is not, and the stream delivers it again.
    Ingested(Vec<(BookingCode, Version)>, bool),
    /// A reader has read.
    Read(Partition, Position, usize, Outcome),
}

struct Process {
    number: usize,
    work: Pin<Box<dyn Future<Output = Done>>>,
    /// What it was given of the stream.
    images: Vec<(BookingCode, Version)>,
}

/// One schedule.
struct Run {
    chance: Chance,
    log: Arc<dyn FeedLog>,
    memory: Memory,
    gate: Arc<Gate>,
    processes: Vec<Process>,
    started: usize,
    heads: BTreeMap<BookingCode, Version>,
    /// Images that are still to be delivered.
    stream: Vec<(BookingCode, Version)>,
    /// What readers were shown at each position.
    shown: BTreeMap<(Partition, Position), (BookingCode, Version)>,
    /// Whether faults strike.
    faulty: bool,
}

impl Run {
    fn new(seed: u64, log: Arc<dyn FeedLog>) -> Self {
        Self {
            chance: Chance(seed),
            log,
            memory: Memory::new(Arc::new(ManualClock::default())),
            gate: Arc::default(),
            processes: Vec::new(),
            started: 0,
            heads: BTreeMap::new(),
            stream: Vec::new(),
            shown: BTreeMap::new(),
            faulty: true,
        }
    }

    /// An append of one to three events to one of five bookings of two partitions, and its image.
    async fn accept(&mut self) {
        let names = ["LH-9", "LH-11", "LH-25", "LH-12", "LH-24"];
        let booking_code = code(names[self.chance.below(names.len())]);
        let head = self.heads.entry(booking_code.clone()).or_default();
        for _ in 0..=self.chance.below(3) {
            *head = head.next();
            let event = event(&booking_code, *head);
            self.memory.events.record(&booking_code, &event).await.unwrap();
        }
        let image = (booking_code, *head);
        // Lost: Lambda has given the record up.
        let copies = [0, 1, 1, 1, 2, 2][self.chance.below(6)];
        self.stream.extend(std::iter::repeat_n(image, copies));
    }

    fn start(&mut self, images: Vec<(BookingCode, Version)>, work: impl Future<Output = Done> + 'static) {
        self.processes.push(Process { number: self.started, work: Box::pin(work), images });
        self.started += 1;
    }

    fn log_of_the_next(&self) -> Gated {
        Gated { process: self.started, gate: self.gate.clone(), log: self.log.clone() }
    }

    /// An indexer is given some images of one partition, in any order.
    fn index(&mut self) {
        if self.stream.is_empty() {
            return;
        }
        let first = self.stream.remove(self.chance.below(self.stream.len()));
        let partition = Partition::of(&first.0);
        let mut images = vec![first];
        for _ in 0..self.chance.below(4) {
            let mine = self.stream.iter().position(|(code, _)| Partition::of(code) == partition);
            images.extend(mine.map(|place| self.stream.remove(place)));
        }
        let log = self.log_of_the_next();
        self.start(images.clone(), async move {
            let taken = ingest(&log, partition, &images).await.is_ok();
            Done::Ingested(images, taken)
        });
    }

    /// A reader goes on where another one was, or begins anew.
    fn read(&mut self) {
        let known: Vec<_> = self.heads.keys().map(Partition::of).collect();
        let Some(partition) = known.get(self.chance.below(known.len().max(1))).copied() else { return };
        let shown = self.shown.range((partition, Position::START)..=(partition, Position::new(u64::MAX))).count();
        let after = Position::new(self.chance.below(shown + 1) as u64);
        let limit = 1 + self.chance.below(6);
        let (log, stores): (_, Stores) = (self.log_of_the_next(), self.memory.stores());
        self.start(Vec::new(), async move {
            let query = Query { from: vec![(partition, after)], limit };
            Done::Read(partition, after, limit, read(&log, &stores, &query).await)
        });
    }

    /// One of the waiting calls is made, or its process dies.
    fn call(&mut self) {
        let waiting = self.gate.waiting();
        if waiting.is_empty() {
            return;
        }
        let place = self.chance.below(waiting.len());
        if self.faulty && self.chance.one_in(25) {
            let process = self.processes.iter().position(|process| process.number == waiting[place]);
            let died = self.processes.swap_remove(process.unwrap());
            self.stream.extend(died.images);
            return;
        }
        let ends = [End::Failed, End::Unheard, End::Late, End::Twice];
        let struck = self.faulty && self.chance.one_in(5);
        self.gate.open(place, if struck { ends[self.chance.below(ends.len())] } else { End::Heard });
    }

    /// Everybody goes on to the next call.
    fn go_on(&mut self) -> Result<(), String> {
        let waker = noop_waker();
        let mut place = 0;
        while place < self.processes.len() {
            match self.processes[place].work.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Pending => place += 1,
                Poll::Ready(done) => {
                    drop(self.processes.swap_remove(place));
                    self.end(done)?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, done: Done) -> Result<(), String> {
        match done {
            Done::Ingested(_, true) => Ok(()),
            Done::Ingested(images, false) => {
                self.stream.extend(images);
                Ok(())
            }
            Done::Read(partition, after, limit, Outcome::Page(page)) => {
                if page.events.len() > limit || page.next[0].1 != after.plus(page.events.len() as u64) {
                    return Err(format!("{limit} after {after} of {partition}: {page:?}"));
                }
                for (event, position) in page.events.into_iter().zip(after.get() + 1..) {
                    let what = (event.booking_code, event.event.version);
                    if (event.partition, event.position) != (partition, Position::new(position)) {
                        return Err(format!("{} where {position} belongs", event.position));
                    }
                    let before = self.shown.entry((partition, event.position)).or_insert_with(|| what.clone());
                    if *before != what {
                        return Err(format!("{partition} {position} was {before:?} and is {what:?}"));
                    }
                }
                Ok(())
            }
            Done::Read(partition, after, _, Outcome::NotReached { head, .. }) => {
                Err(format!("{partition} was read up to {after} and ends at {head}"))
            }
            Done::Read(_, _, _, Outcome::Unknown(failure)) if failure.chain().contains("contradict") => {
                Err(failure.chain())
            }
            Done::Read(_, _, _, Outcome::Unknown(_)) => Ok(()),
        }
    }

    async fn step(&mut self) -> Result<(), String> {
        match self.chance.below(20) {
            0..=1 => self.accept().await,
            2..=4 if self.processes.len() < 6 => self.index(),
            5 if self.processes.len() < 6 => self.read(),
            6 => {
                let late = self.gate.late(|n| self.chance.below(n));
                if let Some(write) = late {
                    write.arrive(&*self.log).await;
                }
            }
            _ => self.call(),
        }
        self.go_on()
    }

    /// No more faults; every booking has one more image; then the feed must hold everything.
    async fn heal(&mut self) -> Result<(), String> {
        self.faulty = false;
        while let Some(write) = self.gate.late(|_| 0) {
            write.arrive(&*self.log).await;
        }
        self.stream.extend(self.heads.clone());
        for _ in 0..10_000 {
            if self.stream.is_empty() && self.processes.is_empty() {
                break;
            }
            if self.processes.len() < 3 {
                self.index();
            }
            self.go_on()?;
            self.call();
            self.go_on()?;
        }
        if !self.stream.is_empty() || !self.processes.is_empty() {
            return Err(format!("never at rest: {} left", self.stream.len()));
        }
        let from = Partition::all().map(|partition| (partition, Position::START)).collect();
        let query = Query { from, limit: 10_000 };
        let page = match read(&*self.log, &self.memory.stores(), &query).await {
            Outcome::Page(page) => page,
            Outcome::NotReached { .. } => return Err("it ends before its beginning".to_owned()),
            Outcome::Unknown(failure) => return Err(failure.chain()),
        };
        let mut fed: HashMap<_, Vec<u64>> = HashMap::new();
        for event in page.events {
            fed.entry(event.booking_code.clone()).or_default().push(event.event.version.get());
            let shown = self.shown.get(&(event.partition, event.position));
            if shown.is_some_and(|shown| *shown != (event.booking_code, event.event.version)) {
                return Err(format!("{shown:?} has changed"));
            }
        }
        for (booking_code, head) in &self.heads {
            let versions = fed.remove(booking_code).unwrap_or_default();
            if versions != (1..=head.get()).collect::<Vec<_>>() {
                return Err(format!("{booking_code}, accepted up to {head}: {versions:?}"));
            }
        }
        if fed.is_empty() { Ok(()) } else { Err(format!("out of nowhere: {fed:?}")) }
    }
}

fn event(booking_code: &BookingCode, version: Version) -> booking_store::Event {
    let new = booking_store::NewEvent {
        event_id: booking_store::EventId::from_bytes([7; 16]),
        event_type: booking_store::EventType::parse("BookingPriced").unwrap(),
        occurred_at: None,
        data: booking_store::JsonObject::parse(&format!(r#"{{"of":"{booking_code}"}}"#)).unwrap(),
        metadata: None,
    };
    new.accept(version, booking_store::Timestamp::parse(booking_tests::START).unwrap())
}

/// What is wrong after one schedule.
async fn schedule(seed: u64, log: Arc<dyn FeedLog>) -> Result<(), String> {
    let mut run = Run::new(seed, log);
    for _ in 0..STEPS {
        run.step().await?;
    }
    run.heal().await
}

#[tokio::test]
async fn no_schedule_breaks_the_feed() {
    for seed in 0..SEEDS {
        if let Err(wrong) = schedule(seed, Arc::new(MemoryFeedLog::default())).await {
            panic!("seed {seed}: {wrong}");
        }
    }
}

#[tokio::test]
async fn every_planted_bug_is_found() {
    for bug in Bug::ALL {
        let mut seed = 0;
        let found = loop {
            assert!(seed < SEEDS, "{bug:?} breaks nothing");
            if let Err(wrong) = schedule(seed, Arc::new(Buggy::new(bug))).await {
                break wrong;
            }
            seed += 1;
        };
        println!("{bug:?}: seed {seed}: {found}");
    }
}
