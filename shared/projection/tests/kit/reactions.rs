//! Reactions: after the state, in order, once; again only when nobody can know; never in a replay.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::Timestamp;
use projection::record::Stage;
use projection::{
    Delivery, Mode, Outcome, Ports, Projector, ReactTo, ReactionError, Reactions, RecordedEvent, ReplayId,
};

use crate::chance::Chance;
use crate::faulty::{Faults, Faulty, Odds, Process};
use crate::tally::{Tally, Trail, added, code, fold};
use crate::world::{CheckedRecords, World, words};

fn all(events: &[RecordedEvent]) -> Vec<Delivery> {
    events.iter().cloned().map(Delivery::of).collect()
}

fn replay(event: &RecordedEvent) -> Vec<Delivery> {
    vec![Delivery::replayed(event.clone(), ReplayId::parse("r1").unwrap())]
}

#[tokio::test]
async fn each_event_that_concerns_anybody_is_reacted_to_once_with_its_own_state() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 3, 4, 6, 7, 8]);
    let kit = world.reacting();
    let report = kit.deliver(all(&events)).await;
    assert_eq!(report.counts.reactions, 2);
    assert_eq!(world.reactions.of(&a), [2, 5]);
    for run in world.reactions.log() {
        let upto = usize::try_from(run.version.get()).unwrap();
        assert_eq!((run.state, run.event_id), (fold(&events[..upto]), events[upto - 1].event_id));
    }
    // Two reactions, each with a write before and one after it, and the last event, which concerns nobody.
    assert_eq!(world.records.saves(), 5);
    assert_eq!(words(&kit.deliver(all(&events)).await).concat(), "Duplicate".repeat(6));
    assert_eq!((world.reactions.log().len(), world.records.saves()), (2, 5));
}

#[tokio::test]
async fn events_nobody_delivered_are_reacted_to_in_their_order() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[1, 3, 5, 7, 9]);
    let kit = world.reacting();
    kit.deliver(all(&events[3..4])).await;
    kit.deliver(all(&[events[1].clone(), events[0].clone()])).await;
    kit.deliver(all(&events[4..])).await;
    assert_eq!(world.reactions.of(&a), [1, 2, 3, 4, 5]);
}

/// A projector whose calls of the records fail when `odds` say so.
fn faulty(world: &World, seed: u64, odds: Odds) -> (Projector<Tally>, Arc<Process>) {
    let process = Arc::new(Process::default());
    let faults = Arc::new(Faults::new(Arc::new(Chance::new(seed)), odds));
    let records: Arc<Faulty<CheckedRecords>> =
        Arc::new(Faulty { port: world.records.clone(), faults, process: process.clone() });
    let ports = Ports { records, ..world.ports() };
    let kit = Projector::new(world.tally.clone(), ports, world.settings.clone());
    (kit.reacting(world.reactions.clone(), ReactTo::Everything), process)
}

/// Wherever a process dies, the next one runs what was not noted as done, with the same event id, once its lease is over.
#[tokio::test]
async fn a_process_that_dies_leaves_its_reaction_to_the_next() {
    let (mut before, mut after) = (0, 0);
    for seed in 0..200 {
        let (world, a) = (World::default(), code("A"));
        let events = world.append(&a, &[1, 3]);
        let (kit, process) = faulty(&world, seed, Odds { fail: 0, crash: 300 });
        process.run(kit.deliver(all(&events))).await;
        let died_at = world.records.records.get(&a);
        let ran = world.reactions.of(&a).len();
        let kit = world.reacting();
        if let Some(run) = died_at.and_then(|record| record.reaction) {
            before += usize::from(ran == 0);
            after += usize::from(ran > 0);
            let report = kit.deliver(all(&events)).await;
            let last = words(&report).pop().unwrap();
            let waits = report.outcomes.iter().find_map(|outcome| match outcome {
                Outcome::Again(again) => Some(again.after),
                Outcome::Done(_) => None,
            });
            let lease = world.settings.reaction_timeout + projection::Settings::LEASE_MARGIN;
            assert_eq!((last.as_str(), waits), ("again: leased", Some(lease)), "{run:?}");
            assert_eq!(world.reactions.of(&a).len(), ran, "nobody else runs it before its lease is over");
            world.clock.advance(lease);
        }
        kit.deliver(all(&events)).await;
        let mut runs = world.reactions.of(&a);
        runs.dedup();
        assert_eq!(runs, [1, 2], "seed {seed}");
        let ids: Vec<_> = world.reactions.log().iter().map(|run| (run.version, run.event_id)).collect();
        assert!(ids.iter().all(|(version, id)| *id == events[version.previous().get() as usize].event_id));
    }
    assert!(before > 0 && after > 0, "both crashes happen: {before} before a run, {after} after one");
}

#[tokio::test]
async fn a_failing_reaction_holds_back_later_events_and_has_its_dead_letter() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[1, 3]);
    let kit = world.reacting();
    world.reactions.failing.store(1000, Ordering::SeqCst);
    let report = kit.deliver(all(&events)).await;
    assert_eq!(words(&report), ["again: parked", "again: parked"]);
    let record = world.record(&a);
    let parked = record.parked.unwrap();
    assert_eq!((parked.stage, parked.version.get(), parked.reason.as_str()), (Stage::React, 1, "busy"));
    assert_eq!((record.position.get(), record.reacted.get(), record.reaction), (1, 0, None));
    for _ in 1..world.settings.max_attempts {
        world.clock.advance(Duration::from_secs(60));
        kit.deliver(all(&events[1..])).await;
    }
    assert_eq!((world.reactions.of(&a), world.letters.letters().len()), (vec![1, 1, 1, 1], 1));
    assert_eq!(words(&kit.deliver(all(&events)).await), ["Behind", "Behind"]);
    world.reactions.failing.store(0, Ordering::SeqCst);
    assert_eq!(kit.resume(&a).await.parked, None);
    assert_eq!(world.reactions.of(&a), [1, 1, 1, 1, 1, 2]);
    world.assert_whole(&a);
}

#[tokio::test(start_paused = true)]
async fn a_reaction_that_takes_too_long_has_failed() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[1]);
    *world.reactions.takes.lock().unwrap() = world.settings.reaction_timeout * 2;
    assert_eq!(words(&world.reacting().deliver(all(&events)).await), ["again: parked"]);
    assert_eq!(world.record(&a).parked.unwrap().reason, "no answer within 20s");
}

#[tokio::test]
async fn a_replay_reacts_to_nothing_and_forgives_nothing() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[1, 3, 5, 7]);
    let kit = world.reacting();
    kit.deliver(all(&events[..1])).await;
    let report = kit.deliver(replay(&events[0])).await;
    assert_eq!((words(&report).concat().as_str(), report.counts.reactions), ("Rebuilt", 0));
    assert_eq!((world.record(&a).position.get(), world.record(&a).reacted.get()), (4, 1));
    world.assert_whole(&a);
    // The rebuild was faster than the bus: what is delivered now is in the state, and not reacted to yet.
    let report = kit.deliver(all(&events[2..3])).await;
    assert_eq!((words(&report), report.counts.applied), (vec!["Applied".to_owned()], 0));
    assert_eq!(world.reactions.of(&a), [1, 2, 3]);
    assert_eq!(words(&kit.deliver(all(&events[1..2])).await), ["Duplicate"]);
    kit.deliver(all(&events[3..])).await;
    assert_eq!(world.reactions.of(&a), [1, 2, 3, 4]);
    for run in world.reactions.log() {
        assert_eq!(run.state, fold(&events[..usize::try_from(run.version.get()).unwrap()]));
    }
}

#[tokio::test]
async fn history_is_silent_if_the_team_says_so() {
    let (world, a) = (World::default(), code("A"));
    let live = Timestamp::parse("2026-11-21T08:30:00Z").unwrap();
    let old = [added(&a, 1), added(&a, 3)].map(|event| world.source.append(event));
    let new = world.source.append(RecordedEvent { accepted_at: live, ..added(&a, 5) });
    let kit = world.projector().reacting(world.reactions.clone(), ReactTo::AcceptedSince(live));
    kit.deliver(replay(&old[0])).await;
    assert_eq!(world.record(&a).reacted.get(), 2, "what was never owed is settled");
    kit.deliver(all(&[new, old[1].clone()])).await;
    assert_eq!(world.reactions.of(&a), [3]);
}

#[tokio::test]
async fn only_the_newest_counts() {
    let (mut world, a) = (World::default(), code("A"));
    world.settings.mode = Mode::LatestOnly;
    let events = world.append(&a, &[1, 3, 5, 6]);
    let kit = world.reacting();
    // All at hand: one write with the lease, the reaction to the newest event that concerns anybody, one write after it.
    let report = kit.deliver(all(&events)).await;
    assert_eq!((report.counts.reactions, report.counts.applied, world.records.saves()), (1, 4, 2));
    let [run] = world.reactions.log().try_into().unwrap();
    assert_eq!((run.version.get(), run.state), (3, fold(&events)));
    // A gap of several pages is one reaction too.
    let more = world.append(&a, &[7, 9, 11, 13, 15, 17]);
    let report = kit.deliver(all(&more[5..])).await;
    assert_eq!((words(&report).concat().as_str(), report.counts.reactions), ("Applied", 1));
    assert_eq!(world.reactions.of(&a), [3, 10]);
    // Nothing to say: no reaction, and nothing is left to be done.
    let quiet = world.append(&a, &[18]);
    assert_eq!(kit.deliver(all(&quiet)).await.counts.reactions, 0);
    assert_eq!(world.record(&a).reacted, world.record(&a).position);
    world.assert_whole(&a);
}

#[tokio::test]
async fn an_owed_reaction_is_superseded_if_only_the_newest_counts() {
    let (mut world, a) = (World::default(), code("A"));
    world.settings.mode = Mode::LatestOnly;
    let events = world.append(&a, &[1, 3]);
    let kit = world.reacting();
    kit.deliver(replay(&events[0])).await;
    let newest = world.append(&a, &[5]);
    kit.deliver(all(&newest)).await;
    assert_eq!(world.reactions.of(&a), [3]);
}

#[tokio::test]
async fn a_projection_that_gets_reactions_later_does_not_dig_up_its_past() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[1, 3, 5]);
    world.projector().deliver(all(&events[..2])).await;
    let kit = world.reacting();
    kit.deliver(all(&events)).await;
    assert_eq!(world.reactions.of(&a), [3]);
}

/// A reaction during which another worker makes the booking again.
struct Overtaken {
    other: Projector<Tally>,
    replay: Vec<Delivery>,
    ran: std::sync::Mutex<Vec<u64>>,
}

#[async_trait]
impl Reactions<Trail> for Overtaken {
    async fn react(&self, state: &Trail, event: &RecordedEvent) -> Result<(), ReactionError> {
        assert_eq!(state.amounts.len() as u64, event.version.get(), "its own state, whatever is stored by now");
        self.ran.lock().unwrap().push(event.version.get());
        self.other.deliver(self.replay.clone()).await;
        Ok(())
    }
}

#[tokio::test]
async fn a_rebuild_in_the_middle_of_a_reaction_disturbs_neither() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[1, 3, 5, 7]);
    let other = world.projector().reacting(world.reactions.clone(), ReactTo::Everything);
    let overtaken = Arc::new(Overtaken { other, replay: replay(&events[0]), ran: std::sync::Mutex::default() });
    let kit = world.projector().reacting(overtaken.clone(), ReactTo::Everything);
    let report = kit.deliver(all(&events[..3])).await;
    assert_eq!(words(&report), ["Applied", "Applied", "Applied"]);
    assert_eq!(*overtaken.ran.lock().unwrap(), [1, 2, 3]);
    assert_eq!((world.record(&a).position.get(), world.record(&a).reacted.get()), (4, 3));
    world.assert_whole(&a);
}
