//! One run of a seed: events are appended, a bus loses, doubles and shuffles their deliveries, two processes work on
//! what arrives, die and come back; then everything heals, and the state must be the fold of the source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use booking_store::clock::Clock;
use booking_store::{BookingCode, Timestamp};
use projection::{Delivery, Done, Mode, Outcome, Ports, Projector, ReactTo, RecordedEvent, ReplayId, UnknownPolicy};
use tokio::task::yield_now;

use crate::chance::Chance;
use crate::faulty::{Faults, Faulty, Odds, Process};
use crate::planted::{Bent, Planted};
use crate::tally::{Tally, added, code, event, fold, poison};
use crate::world::{Never, World};

/// What a run is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) bookings: usize,
    pub(crate) events: usize,
    pub(crate) odds: Odds,
    /// Thousandths of deliveries that never arrive, and that arrive twice.
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    /// Thousandths of events that can't be applied until the code is mended, and that nobody knows.
    pub(crate) poison: usize,
    pub(crate) unknown: usize,
    /// Thousandths of reactions that fail.
    pub(crate) failing: usize,
    pub(crate) replays: usize,
    /// What every booking gets in the end: one replay, or one more event.
    pub(crate) ends: Ends,
    pub(crate) mode: Mode,
    pub(crate) reacts: bool,
    /// A bug on purpose, which the run must find.
    pub(crate) planted: Option<Planted>,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    WithAnEvent,
    WithAReplay,
}

struct Message {
    delivery: Delivery,
    visible_at: Timestamp,
}

/// The run's queue: at least once, in no order.
#[derive(Default)]
struct Queue(std::sync::Mutex<Vec<Message>>);

pub(crate) struct Run {
    plan: Plan,
    pub(crate) world: World,
    chance: Arc<Chance>,
    faults: Arc<Faults>,
    queue: Queue,
    stopping: AtomicBool,
}

impl Run {
    pub(crate) fn new(plan: Plan) -> Self {
        let chance = Arc::new(Chance::new(plan.seed));
        let mut world = World::new(1 + chance.below(6), chance.clone());
        world.settings.mode = plan.mode;
        world.settings.concurrency = 1 + chance.below(3);
        world.tally.on_unknown = if chance.per_mille(500) { UnknownPolicy::Ignore } else { UnknownPolicy::Park };
        if plan.unknown > 0 {
            world.tally.on_unknown = UnknownPolicy::Ignore;
        }
        world.reactions.failing.store(plan.failing as u64, Ordering::SeqCst);
        let faults = Arc::new(Faults::new(chance.clone(), plan.odds));
        Self { plan, world, chance, faults, queue: Queue::default(), stopping: AtomicBool::default() }
    }

    /// The whole run, and then its proof.
    pub(crate) async fn run(&self) {
        let appended = async {
            self.append().await;
            self.stopping.store(true, Ordering::SeqCst);
        };
        futures::future::join3(appended, self.work(), self.work()).await;
        self.heal().await;
        self.check();
    }

    async fn append(&self) {
        for n in 0..self.plan.events {
            let code = self.some_booking();
            let event = self.draw(&code, n as u64 + 1);
            let event = self.world.source.append(event);
            self.send(&Delivery::of(event));
            if self.chance.per_mille(1000 * self.plan.replays / self.plan.events) {
                self.replay(n);
            }
            for _ in 0..self.chance.below(12) {
                yield_now().await;
            }
            self.world.clock.advance(Duration::from_millis(self.chance.below(3000) as u64));
        }
    }

    fn draw(&self, code: &BookingCode, n: u64) -> RecordedEvent {
        match self.chance.below(1000) {
            draw if draw < self.plan.poison => poison(code, n),
            draw if draw < self.plan.poison + self.plan.unknown => event(code, "Renamed", "{\"amount\":2}", n),
            _ => added(code, n),
        }
    }

    /// Every booking's events, by the bus, lowest version first.
    fn replay(&self, n: usize) {
        let id = ReplayId::parse(&format!("replay-{n}")).unwrap();
        for code in self.world.source.booking_codes() {
            for event in self.world.source.of(&code) {
                self.send(&Delivery::replayed(event, id.clone()));
            }
        }
    }

    fn some_booking(&self) -> BookingCode {
        code(&format!("B{}", self.chance.below(self.plan.bookings)))
    }

    /// The bus: loses some, doubles some.
    fn send(&self, delivery: &Delivery) {
        let copies = match self.chance.below(1000) {
            draw if draw < self.plan.lost => 0,
            draw if draw < self.plan.lost + self.plan.doubled => 2,
            _ => 1,
        };
        (0..copies).for_each(|_| self.put(delivery.clone(), Duration::ZERO));
    }

    fn put(&self, delivery: Delivery, pause: Duration) {
        let pause = i64::try_from(pause.as_millis()).unwrap();
        let visible_at = Timestamp::from_unix_milliseconds(self.world.clock.now().unix_milliseconds() + pause).unwrap();
        self.queue.0.lock().unwrap().push(Message { delivery, visible_at });
    }

    /// Up to ten visible messages from anywhere in the queue, all of replays or none.
    fn take(&self) -> Vec<Delivery> {
        let now = self.world.clock.now();
        let mut queue = self.queue.0.lock().unwrap();
        let mut taken: Vec<Delivery> = Vec::new();
        for _ in 0..1 + self.chance.below(10) {
            if queue.is_empty() {
                break;
            }
            let place = self.chance.below(queue.len());
            let replayed = taken.first().map(|first| first.replay.is_some());
            let same = replayed.is_none_or(|replayed| queue[place].delivery.replay.is_some() == replayed);
            if queue[place].visible_at <= now && same {
                taken.push(queue.swap_remove(place).delivery);
            }
        }
        taken
    }

    /// A process after the other: each dies sooner or later.
    async fn work(&self) {
        while !self.stopping() {
            let process = Arc::new(Process::default());
            let (projector, replayer) = self.projectors(&process);
            let mut alive = true;
            while alive && !self.stopping() {
                let batch = self.take();
                if batch.is_empty() {
                    yield_now().await;
                    continue;
                }
                let kit = if batch[0].replay.is_some() { &replayer } else { &projector };
                let report = process.run(kit.deliver(batch.clone())).await;
                alive = report.is_some();
                // What a dead process held is delivered again, as is what it sent back.
                let outcomes = report.map(|report| report.outcomes.into_iter().map(Some).collect());
                self.settle(batch, outcomes);
            }
        }
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn settle(&self, batch: Vec<Delivery>, outcomes: Option<Vec<Option<Outcome>>>) {
        let outcomes = outcomes.unwrap_or_else(|| vec![None; batch.len()]);
        assert_eq!(outcomes.len(), batch.len());
        for (delivery, outcome) in batch.into_iter().zip(outcomes) {
            if let Some(Outcome::Done(done)) = &outcome {
                self.assert_may_go(&delivery, *done);
            }
            let pause = match outcome {
                Some(Outcome::Again(_)) if self.plan.planted == Some(Planted::EverythingIsAcknowledged) => continue,
                Some(Outcome::Done(_)) => continue,
                Some(Outcome::Again(again)) => again.after,
                None => Duration::from_secs(30),
            };
            self.put(Delivery { receives: delivery.receives + 1, ..delivery }, pause);
        }
    }

    /// A message goes only when its event is in the stored state and its reaction done, or its booking has a letter.
    fn assert_may_go(&self, delivery: &Delivery, done: Done) {
        let (code, version) = (&delivery.event.booking_code, delivery.event.version);
        if done == Done::Behind {
            let letters = self.world.letters.letters();
            assert!(letters.iter().any(|letter| letter.booking_code.as_ref() == Some(code)), "{delivery:?}");
            return;
        }
        let record = self.world.record(code);
        assert!(version <= record.position, "{done:?} {delivery:?} {record:?}");
        let reacts = self.plan.reacts && delivery.replay.is_none();
        assert!(!reacts || version <= record.reacted, "{done:?} {delivery:?} {record:?}");
    }

    fn projectors(&self, process: &Arc<Process>) -> (Projector<Tally>, Projector<Tally>) {
        let world = &self.world;
        let projector = || Projector::new(world.tally.clone(), self.ports(process), world.settings.clone());
        if !self.plan.reacts {
            return (projector(), projector());
        }
        let reacting = projector().reacting(world.reactions.clone(), ReactTo::Everything);
        (reacting, projector().reacting(Arc::new(Never::default()), ReactTo::Everything))
    }

    fn ports(&self, process: &Arc<Process>) -> Ports {
        Ports {
            source: self.faulty(self.bent(self.world.source.clone()), process),
            records: self.faulty(self.bent(self.world.records.clone()), process),
            dead_letters: self.faulty(self.world.letters.clone(), process),
            clock: self.world.clock.clone(),
            ids: self.world.ids.clone(),
        }
    }

    fn bent<T>(&self, port: Arc<T>) -> Arc<Bent<T>> {
        Arc::new(Bent { port, planted: self.plan.planted })
    }

    fn faulty<T>(&self, port: Arc<T>, process: &Arc<Process>) -> Arc<Faulty<T>> {
        Arc::new(Faulty { port, faults: self.faults.clone(), process: process.clone() })
    }

    /// The faults end, the code is mended, dead letters are worked off, every booking gets one more event.
    async fn heal(&self) {
        self.faults.stop();
        self.world.tally.mend();
        self.world.reactions.failing.store(0, Ordering::SeqCst);
        let (projector, replayer) = self.projectors(&Arc::default());
        self.drain(&projector, &replayer).await;
        for code in self.world.source.booking_codes() {
            let parked = self.world.records.records.get(&code).and_then(|record| record.parked);
            if parked.is_some_and(|parked| parked.dead_lettered) {
                let resumed = projector.resume(&code).await;
                assert_eq!((resumed.parked, resumed.again), (None, None), "{code}");
            }
            let last = match self.plan.ends {
                Ends::WithAnEvent => Delivery::of(self.world.source.append(added(&code, 1_000_001))),
                Ends::WithAReplay => {
                    let first = self.world.source.of(&code).swap_remove(0);
                    Delivery::replayed(first, ReplayId::parse("the-last").unwrap())
                }
            };
            self.put(last, Duration::ZERO);
        }
        self.drain(&projector, &replayer).await;
    }

    async fn drain(&self, projector: &Projector<Tally>, replayer: &Projector<Tally>) {
        for round in 0.. {
            assert!(round < 20_000, "the queue never empties");
            if self.queue.0.lock().unwrap().is_empty() {
                return;
            }
            let batch = self.take();
            if batch.is_empty() {
                self.world.clock.advance(Duration::from_secs(1));
                continue;
            }
            let kit = if batch[0].replay.is_some() { replayer } else { projector };
            let outcomes = kit.deliver(batch.clone()).await.outcomes.into_iter().map(Some).collect();
            self.settle(batch, Some(outcomes));
        }
    }

    fn check(&self) {
        for (code, owed) in self.world.owed() {
            let events = self.world.source.of(&code);
            let record = self.world.record(&code);
            assert_eq!(record.parked, None, "{code}");
            assert_eq!(self.world.trail(&code), fold(&events), "{code}");
            let ran = self.world.reactions.of(&code);
            assert!(ran.is_sorted(), "{code} reacts out of order: {ran:?}");
            let mut distinct = ran.clone();
            distinct.dedup();
            match (self.plan.reacts, self.plan.mode) {
                (false, _) => assert!(ran.is_empty()),
                // What nobody delivered but a replay is owed still, in order behind what was.
                (true, Mode::EachEvent) if self.plan.ends == Ends::WithAReplay => {
                    assert_eq!(distinct, owed[..distinct.len()], "{code}");
                }
                (true, Mode::LatestOnly) if self.plan.ends == Ends::WithAReplay => {}
                (true, Mode::EachEvent) => assert_eq!(distinct, owed, "{code}"),
                (true, Mode::LatestOnly) => assert_eq!(distinct.last(), owed.last(), "{code}"),
            }
            let calm = self.plan.odds.fail == 0 && self.plan.odds.crash == 0 && self.plan.failing == 0;
            assert!(!calm || distinct == ran, "{code} reacts twice without any failure: {ran:?}");
        }
        for run in self.world.reactions.log() {
            let events = self.world.source.of(&run.booking_code);
            let upto = usize::try_from(run.version.get()).unwrap();
            if self.plan.mode == Mode::EachEvent {
                assert_eq!(run.state, fold(&events[..upto]), "the state a reaction saw");
            }
        }
    }
}
