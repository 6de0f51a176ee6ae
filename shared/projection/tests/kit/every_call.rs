//! One story with everything in it, and one or two things that go wrong in it: at every call, before it and after it has
//! acted. Whatever it is, the story ends well.

use std::sync::Arc;
use std::time::Duration;

use projection::{Delivery, Mode, Outcome, Ports, Projector, ReactTo, ReplayId};

use crate::faulty::{Fault, Faults, Faulty, Process};
use crate::tally::{Tally, added, code, poison};
use crate::world::World;

struct Story {
    world: World,
    faults: Arc<Faults>,
}

impl Story {
    fn new(mode: Mode, script: Vec<(usize, Fault)>) -> Self {
        let mut world = World::default();
        world.settings.mode = mode;
        world.settings.max_attempts = 2;
        Self { world, faults: Arc::new(Faults::scripted(script)) }
    }

    fn kit(&self, process: &Arc<Process>) -> Projector<Tally> {
        let faults = &self.faults;
        let ports = Ports {
            source: faulty(self.world.source.clone(), faults, process),
            records: faulty(self.world.records.clone(), faults, process),
            dead_letters: faulty(self.world.letters.clone(), faults, process),
            ..self.world.ports()
        };
        let kit = Projector::new(self.world.tally.clone(), ports, self.world.settings.clone());
        kit.reacting(self.world.reactions.clone(), ReactTo::Everything)
    }

    /// A gap, a poison up to its dead letter, a replay meanwhile, resumption, one more event. Returns how many calls it took.
    async fn tell(&self) -> usize {
        let a = code("A");
        let mut events: Vec<_> = [1, 3, 4].map(|n| self.world.source.append(added(&a, n))).to_vec();
        self.deliver(vec![Delivery::of(events[2].clone())], 1).await;
        events.push(self.world.source.append(poison(&a, 5)));
        events.push(self.world.source.append(added(&a, 7)));
        self.deliver(vec![Delivery::of(events[4].clone()), Delivery::of(events[0].clone())], 3).await;
        let replay = ReplayId::parse("r1").unwrap();
        self.deliver(vec![Delivery::replayed(events[1].clone(), replay.clone())], 1).await;
        self.deliver(vec![Delivery::of(events[3].clone()), Delivery::of(events[4].clone())], 9).await;
        self.world.tally.mend();
        self.deliver(vec![Delivery::replayed(events[2].clone(), replay)], 1).await;
        for _ in 0..9 {
            let process = Arc::new(Process::default());
            let resumed = process.run(self.kit(&process).resume(&a)).await;
            if resumed.is_some_and(|resumed| resumed.again.is_none() && resumed.parked.is_none()) {
                break;
            }
            self.world.clock.advance(Duration::from_secs(60));
        }
        let last = self.world.source.append(added(&a, 9));
        self.deliver(vec![Delivery::of(last)], 9).await;
        self.faults.calls()
    }

    /// Delivers until nothing is left, `times` times at most.
    async fn deliver(&self, mut batch: Vec<Delivery>, times: usize) {
        for _ in 0..times + 4 {
            let process = Arc::new(Process::default());
            let Some(report) = process.run(self.kit(&process).deliver(batch.clone())).await else {
                self.world.clock.advance(Duration::from_secs(40));
                continue;
            };
            let mut again = Vec::new();
            for (delivery, outcome) in batch.into_iter().zip(report.outcomes) {
                again.extend(matches!(outcome, Outcome::Again(_)).then_some(delivery));
            }
            if again.is_empty() {
                return;
            }
            batch = again;
            self.world.clock.advance(Duration::from_secs(40));
        }
    }

    fn check(&self, what: &str) {
        let a = code("A");
        self.world.assert_whole(&a);
        assert_eq!(self.world.record(&a).parked, None, "{what}");
        let mut ran = self.world.reactions.of(&a);
        assert!(ran.is_sorted(), "{what}: {ran:?}");
        ran.dedup();
        match self.world.settings.mode {
            Mode::EachEvent => assert_eq!(ran, [1, 2, 4, 5, 6], "{what}"),
            Mode::LatestOnly => assert_eq!(ran.last(), Some(&6), "{what}"),
        }
        assert!(!self.world.letters.letters().is_empty(), "{what}");
    }
}

fn faulty<T>(port: Arc<T>, faults: &Arc<Faults>, process: &Arc<Process>) -> Arc<Faulty<T>> {
    Arc::new(Faulty { port, faults: faults.clone(), process: process.clone() })
}

fn tell(mode: Mode, script: Vec<(usize, Fault)>) -> usize {
    let what = format!("{mode:?} {script:?}");
    let story = Story::new(mode, script);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let calls = runtime.block_on(story.tell());
    story.check(&what);
    calls
}

#[test]
fn one_thing_goes_wrong_at_every_call() {
    for mode in [Mode::EachEvent, Mode::LatestOnly] {
        let calls = tell(mode, Vec::new());
        assert!(calls > 25, "{calls}");
        for (call, fault) in (0..calls + 10).flat_map(|call| Fault::ALL.map(|fault| (call, fault))) {
            tell(mode, vec![(call, fault)]);
        }
    }
}

#[test]
fn two_things_go_wrong_at_every_two_calls() {
    let calls = tell(Mode::EachEvent, Vec::new());
    for first in 0..calls {
        for (gap, fault) in (1..6).flat_map(|gap| Fault::ALL.map(|fault| (gap, fault))) {
            tell(Mode::EachEvent, vec![(first, Fault::DiesAfter), (first + gap, fault)]);
        }
    }
}
