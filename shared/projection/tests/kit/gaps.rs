//! Position, duplicates, gaps and a source that can't tell.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::{BookingCode, Version};
use projection::ports::{Source, SourceFailure, SourcePage};
use projection::{Delivery, Outcome, Projector, RecordedEvent};

use crate::tally::{Tally, added, code};
use crate::world::{World, words};

fn deliveries(events: &[RecordedEvent], versions: &[usize]) -> Vec<Delivery> {
    versions.iter().map(|version| Delivery::of(events[version - 1].clone())).collect()
}

#[tokio::test]
async fn events_in_order_are_one_write_and_duplicates_none() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4, 6]);
    let kit = world.projector();
    let report = kit.deliver(deliveries(&events, &[1, 2, 3])).await;
    assert_eq!(words(&report), ["Applied", "Applied", "Applied"]);
    assert_eq!((report.counts.applied, report.counts.gaps, world.records.saves()), (3, 0, 1));
    let report = kit.deliver(deliveries(&events, &[3, 1])).await;
    assert_eq!(words(&report), ["Duplicate", "Duplicate"]);
    assert_eq!((report.counts.duplicates, report.counts.applied, world.records.saves()), (2, 0, 1));
    world.assert_whole(&a);
}

#[tokio::test]
async fn a_batch_is_sorted_and_its_twins_are_one() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4, 6]);
    let report = world.projector().deliver(deliveries(&events, &[3, 1, 2, 1])).await;
    assert_eq!(words(&report), ["Applied", "Applied", "Applied", "Duplicate"]);
    assert_eq!((report.counts.gaps, report.counts.repaired), (0, 0));
    world.assert_whole(&a);
}

#[tokio::test]
async fn a_gap_is_filled_from_the_source_and_what_comes_late_is_skipped() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4, 6, 8, 10]);
    let kit = world.projector();
    let report = kit.deliver(deliveries(&events, &[4])).await;
    assert_eq!(words(&report), ["Applied"]);
    // Pages of two: the missing three, the delivered one; what the source shows beyond is not asked for.
    assert_eq!((report.counts.applied, report.counts.repaired), (4, 3));
    assert!(report.counts.gaps >= 1);
    let report = kit.deliver(deliveries(&events, &[1, 3, 2])).await;
    assert_eq!(words(&report), ["Duplicate", "Duplicate", "Duplicate"]);
    let report = kit.deliver(deliveries(&events, &[5])).await;
    assert_eq!((words(&report), report.counts.gaps), (vec!["Applied".to_owned()], 0));
    world.assert_whole(&a);
}

#[tokio::test]
async fn bookings_do_not_meet() {
    let (world, a, b) = (World::default(), code("A"), code("B"));
    let (of_a, of_b) = (world.append(&a, &[2, 4]), world.append(&b, &[6]));
    let batch = vec![Delivery::of(of_b[0].clone()), Delivery::of(of_a[1].clone())];
    assert_eq!(words(&world.projector().deliver(batch).await), ["Applied", "Applied"]);
    world.assert_whole(&a);
    world.assert_whole(&b);
}

#[tokio::test]
async fn an_empty_batch_has_no_outcomes() {
    let report = World::default().projector().deliver(Vec::new()).await;
    assert_eq!((report.outcomes.len(), report.counts), (0, projection::Counts::default()));
}

/// A source that answers what it is told.
struct Told(Box<dyn Fn(Version) -> Result<SourcePage, SourceFailure> + Send + Sync>);

#[async_trait]
impl Source for Told {
    async fn page(&self, _code: &BookingCode, from: Version, _known: Version) -> Result<SourcePage, SourceFailure> {
        (self.0)(from)
    }
}

fn told(
    world: &World,
    answer: impl Fn(Version) -> Result<SourcePage, SourceFailure> + Send + Sync + 'static,
) -> Projector<Tally> {
    let ports = projection::Ports { source: Arc::new(Told(Box::new(answer))), ..world.ports() };
    Projector::new(world.tally.clone(), ports, world.settings.clone())
}

#[tokio::test]
async fn a_source_that_can_not_tell_parks_nothing_and_the_pause_grows() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4, 6]);
    let answers: [fn() -> Result<SourcePage, SourceFailure>; 3] = [
        || Err(SourceFailure::Unavailable("down".into())),
        // It has not got there yet.
        || Ok(SourcePage::default()),
        || Ok(SourcePage { events: Vec::new(), next: Some(Version::FIRST) }),
    ];
    for (answer, word) in answers.into_iter().zip(["failed", "not shown", "failed"]) {
        let kit = told(&world, move |_| answer());
        for (receives, seconds) in [(1, 1), (3, 4), (40, 60)] {
            let late = Delivery { receives, ..Delivery::of(events[2].clone()) };
            let report = kit.deliver(vec![late]).await;
            let [Outcome::Again(again)] = report.outcomes.as_slice() else { panic!("{report:?}") };
            assert_eq!(again.after, Duration::from_secs(seconds));
            assert_eq!((words(&report).concat(), report.counts.again), (format!("again: {word}"), 1));
        }
    }
    assert_eq!(world.records.saves(), 0);
}

#[tokio::test]
async fn a_source_that_contradicts_itself_is_not_believed() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4, 6, 8]);
    let foreign = RecordedEvent { booking_code: code("B"), ..events[0].clone() };
    let pages = [
        // A hole, a wrong beginning, another booking's event, a next page that leaves something out.
        (vec![events[0].clone(), events[2].clone()], None),
        (vec![events[0].clone(), events[2].clone(), events[3].clone(), events[3].clone()], None),
        (vec![events[1].clone()], None),
        (vec![foreign], None),
        (vec![events[0].clone()], Some(Version::new(3))),
    ];
    for (page, next) in pages {
        let kit = told(&world, move |_| Ok(SourcePage { events: page.clone(), next }));
        assert_eq!(words(&kit.deliver(deliveries(&events, &[4])).await), ["again: failed"]);
    }
    assert_eq!(world.records.saves(), 0);
}

#[tokio::test]
async fn what_was_known_at_the_last_look_is_not_asked_of_the_source() {
    let (world, a) = (World::default(), code("A"));
    let events = world.append(&a, &[2, 4]);
    let kit = told(&world, |_| panic!("nothing is missing"));
    assert_eq!(words(&kit.deliver(deliveries(&events, &[1])).await), ["Applied"]);
    assert_eq!(words(&kit.deliver(deliveries(&events, &[2])).await), ["Applied"]);
    assert_eq!(words(&kit.deliver(vec![Delivery::of(added(&a, 2))]).await), ["Duplicate"]);
}
