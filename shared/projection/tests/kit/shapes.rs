//! Old shapes of events, snapshots, and that both make no difference.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::{BookingCode, EventId, EventType, JsonObject, Version};
use projection::loader::{LoadError, Loader};
use projection::memory::{MemorySnapshots, MemorySource};
use projection::ports::{Snapshot, Snapshots, Source, SourceFailure, SourcePage};
use projection::record::Stage;
use projection::{
    Applied, ApplyError, Delivery, Projection, Projector, ReactTo, ReactionError, Reactions, RecordedEvent, ReplayId,
    Upcasts,
};
use proptest::prelude::*;

use crate::tally::{Tally, Trail, added, code, event, fold, poison};
use crate::world::{World, words};

/// The tally of today: `Plus {"n"}` became `Add {"value"}` became `Added {"amount"}`, which once was in tenths.
struct Today(Tally);

fn kind(text: &str) -> EventType {
    EventType::parse(text).unwrap()
}

/// `event` with another type and another name of its number.
fn renamed(event: RecordedEvent, to: &str, from_field: &str, to_field: &str) -> Result<RecordedEvent, ApplyError> {
    let data: serde_json::Value = event.decode()?;
    let number = data[from_field].as_u64().ok_or_else(|| ApplyError::new("no number"))?;
    let data = JsonObject::parse(&format!("{{\"{to_field}\":{number}}}")).map_err(ApplyError::new)?;
    // What a rule may not change stays, whatever it does.
    let (version, event_id) = (Version::new(77), EventId::from_bytes([9; 16]));
    Ok(RecordedEvent { event_type: kind(to), data, version, event_id, ..event })
}

impl Projection for Today {
    type State = Trail;

    fn name(&self) -> &str {
        "today"
    }

    fn apply(&self, trail: &mut Trail, event: &RecordedEvent) -> Result<Applied, ApplyError> {
        self.0.apply(trail, event)
    }

    fn upcasts(&self) -> Upcasts {
        Upcasts::none()
            .then(kind("Plus"), |event| renamed(event, "Add", "n", "value"))
            .then(kind("Add"), |event| renamed(event, "Added", "value", "tenths"))
            .then(kind("Added"), |event| match event.data.as_str().contains("tenths") {
                true => renamed(event, "Added", "tenths", "amount"),
                false => Ok(event),
            })
    }
}

#[derive(Default)]
struct Seen(std::sync::Mutex<Vec<(String, String, u64, EventId)>>);

#[async_trait]
impl Reactions<Trail> for Seen {
    async fn react(&self, _state: &Trail, event: &RecordedEvent) -> Result<(), ReactionError> {
        let seen = (event.kind().to_owned(), event.data.as_str().to_owned(), event.version.get(), event.event_id);
        self.0.lock().unwrap().push(seen);
        Ok(())
    }
}

#[tokio::test]
async fn old_shapes_pass_every_rule_from_theirs_on() {
    let (world, a) = (World::default(), code("A"));
    let old =
        [("Plus", "{\"n\":1}"), ("Add", "{\"value\":2}"), ("Added", "{\"tenths\":3}"), ("Added", "{\"amount\":4}")];
    let events: Vec<_> =
        old.iter().zip(1..).map(|((kind, data), id)| world.source.append(event(&a, kind, data, id))).collect();
    let records = Arc::new(projection::memory::MemoryRecords::default());
    let ports = projection::Ports { records: records.clone(), ..world.ports() };
    let seen = Arc::new(Seen::default());
    let kit = Projector::new(Today(Tally::new()), ports, world.settings.clone());
    let kit = kit.reacting(seen.clone(), ReactTo::Everything);
    // The last one only: the others come from the source and take the same way.
    assert_eq!(words(&kit.deliver(vec![Delivery::of(events[3].clone())]).await), ["Applied"]);
    let trail: Trail = serde_json::from_str(&records.get(&a).unwrap().state).unwrap();
    assert_eq!(trail, Trail { amounts: vec![1, 2, 3, 4], total: 10 });
    let seen = seen.0.lock().unwrap().clone();
    let told = |n: u64| ("Added".to_owned(), format!("{{\"amount\":{n}}}"), n, events[n as usize - 1].event_id);
    assert_eq!(seen, [told(1), told(2), told(3), told(4)]);
}

#[tokio::test]
async fn a_rule_that_refuses_parks_the_booking() {
    let (world, a) = (World::default(), code("A"));
    let broken = world.source.append(event(&a, "Plus", "{\"n\":\"one\"}", 1));
    let records = Arc::new(projection::memory::MemoryRecords::default());
    let ports = projection::Ports { records: records.clone(), ..world.ports() };
    let kit = Projector::new(Today(Tally::new()), ports, world.settings.clone());
    assert_eq!(words(&kit.deliver(vec![Delivery::of(broken)]).await), ["again: parked"]);
    assert_eq!(records.get(&a).unwrap().parked.unwrap().reason, "no number");
}

/// A source that counts the events it was asked for.
struct Counting(Arc<MemorySource>, AtomicU64);

#[async_trait]
impl Source for Counting {
    async fn page(&self, code: &BookingCode, from: Version, known: Version) -> Result<SourcePage, SourceFailure> {
        let page = self.0.page(code, from, known).await?;
        self.1.fetch_add(page.events.len() as u64, Ordering::SeqCst);
        Ok(page)
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    /// Whatever was loaded before, and wherever that left snapshots: a load is the fold of all the events.
    #[test]
    fn a_snapshot_and_the_rest_are_the_whole(
        amounts in prop::collection::vec(0_u64..1000, 1..60),
        every in 0_u64..8,
        page in 1_usize..7,
        loads in prop::collection::vec((0_usize..60, any::<bool>()), 0..6),
    ) {
        let (source, snapshots, a) = (Arc::new(MemorySource::paged(page)), Arc::new(MemorySnapshots::default()), code("A"));
        let counting = Arc::new(Counting(source.clone(), AtomicU64::default()));
        let loader = Loader::new(Tally::new(), counting.clone(), snapshots.clone(), every);
        let mut loads = loads;
        loads.sort_unstable();
        for (n, amount) in amounts.iter().enumerate() {
            for (_, on_demand) in loads.iter().filter(|(at, _)| *at == n) {
                let events = source.of(&a);
                let loaded = run(loader.load(&a)).unwrap();
                prop_assert_eq!((&loaded.state, loaded.version.count_since(Version::NONE)), (&fold(&events), events.len()));
                if *on_demand {
                    prop_assert_eq!(run(loader.snapshot(&a)).unwrap().version, loaded.version);
                }
            }
            source.append(added(&a, *amount));
        }
        let events = source.of(&a);
        for upto in (1..=events.len()).chain([events.len()]) {
            let loaded = run(loader.load_at(&a, Version::new(upto as u64))).unwrap();
            prop_assert_eq!((loaded.state, loaded.version.get()), (fold(&events[..upto]), upto as u64));
            prop_assert!(every == 0 || loaded.snapshot.get() + every > upto as u64 || loaded.snapshot.get().is_multiple_of(every));
        }
        counting.1.store(0, Ordering::SeqCst);
        let loaded = run(loader.load(&a)).unwrap();
        prop_assert_eq!(&loaded.state, &fold(&events));
        prop_assert_eq!(loaded.snapshot.get() + counting.1.load(Ordering::SeqCst), events.len() as u64, "reads only the rest");
        prop_assert!(every == 0 || loaded.snapshot.get() + every > events.len() as u64, "the newest fitting snapshot is used");
        let all = snapshots.all();
        prop_assert!(all.iter().all(|kept| kept.state == serde_json::to_string(&fold(&events[..kept.version.get() as usize])).unwrap()));
    }
}

#[tokio::test]
async fn snapshots_belong_to_a_state_version() {
    let (source, snapshots, a) = (Arc::new(MemorySource::default()), Arc::new(MemorySnapshots::default()), code("A"));
    (1..=4).for_each(|amount| drop(source.append(added(&a, amount))));
    let of_version = |state_version| {
        let tally = Tally { state_version, ..Tally::new() };
        Loader::new(tally, source.clone(), snapshots.clone(), 2)
    };
    of_version(1).load(&a).await.unwrap();
    assert_eq!(of_version(1).load(&a).await.unwrap().snapshot.get(), 4);
    assert_eq!(of_version(2).load(&a).await.unwrap().snapshot.get(), 0);
    let kept = snapshots.latest(&a, 1, Version::new(3)).await.unwrap().unwrap();
    assert_eq!(kept.version.get(), 2);
    // One that can't be read is as good as none.
    snapshots.put(&projection::ports::Snapshot { state: "[]".to_owned(), ..kept }).await.unwrap();
    let loaded = of_version(1).load_at(&a, Version::new(3)).await.unwrap();
    assert_eq!((loaded.state, loaded.snapshot.get()), (fold(&source.of(&a)[..3]), 0));
}

#[tokio::test]
async fn a_load_says_why_it_can_not_tell() {
    let (source, a) = (Arc::new(MemorySource::default()), code("A"));
    source.append(poison(&a, 2));
    let loader = Loader::new(Tally::new(), source.clone(), Arc::new(MemorySnapshots::default()), 0);
    let refused = loader.load(&a).await.unwrap_err();
    assert!(matches!(refused, LoadError::Apply { version: Version::FIRST, .. }), "{refused}");
    let behind = loader.load_at(&code("B"), Version::new(3)).await.unwrap_err();
    assert!(matches!(behind, LoadError::Source(SourceFailure::Behind { .. })), "{behind}");
    assert_eq!(loader.load(&code("B")).await.unwrap().version, Version::NONE);
}

/// A state that becomes no JSON when its total is 5.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Odd {
    #[serde(serialize_with = "all_but_five")]
    total: u64,
}

fn all_but_five<S: serde::Serializer>(total: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    match total {
        5 => Err(serde::ser::Error::custom("five")),
        total => serializer.serialize_u64(*total),
    }
}

struct Odds;

impl Projection for Odds {
    type State = Odd;

    fn name(&self) -> &str {
        "odds"
    }

    fn apply(&self, state: &mut Odd, event: &RecordedEvent) -> Result<Applied, ApplyError> {
        state.total += crate::world::amount(event);
        Ok(Applied::Known)
    }
}

/// The event that makes it unstorable is parked, up to its dead letter; the events before it are stored.
#[tokio::test]
async fn a_state_that_is_no_json_parks_at_its_event() {
    let replay = |event: &RecordedEvent| Delivery::replayed(event.clone(), ReplayId::parse("r1").unwrap());
    for replayed in [false, true] {
        let (world, a) = (World::default(), code("A"));
        let events = world.append(&a, &[2, 3]);
        let records = Arc::new(projection::memory::MemoryRecords::default());
        let ports = projection::Ports { records: records.clone(), ..world.ports() };
        let kit = Projector::new(Odds, ports, world.settings.clone());
        let batch: Vec<_> =
            events.iter().map(|event| if replayed { replay(event) } else { Delivery::of(event.clone()) }).collect();
        assert_eq!(words(&kit.deliver(batch.clone()).await).pop().unwrap(), "again: parked");
        for _ in 1..world.settings.max_attempts {
            world.clock.advance(world.settings.longest_pause);
            kit.deliver(batch.clone()).await;
        }
        let record = records.get(&a).unwrap();
        let parked = record.parked.unwrap();
        assert_eq!((parked.version.get(), parked.dead_lettered, world.letters.letters().len()), (2, true, 1));
        let (position, stage) = if replayed { (0, Stage::Rebuild) } else { (1, Stage::Apply) };
        assert_eq!((record.position.get(), parked.stage), (position, stage));
        let later = world.append(&a, &[1]);
        kit.deliver(later.into_iter().map(Delivery::of).collect()).await;
        assert_eq!(kit.resume(&a).await.parked, None, "it is storable again");
    }
}

/// Snapshots that can be read and not be written.
struct Full(MemorySnapshots);

#[async_trait]
impl Snapshots for Full {
    async fn latest(&self, code: &BookingCode, of: u32, at_most: Version) -> Result<Option<Snapshot>, StoreFailure> {
        self.0.latest(code, of, at_most).await
    }
    async fn put(&self, _snapshot: &Snapshot) -> Result<(), StoreFailure> {
        Err(StoreFailure::new(Store::Projection, FailureKind::TooLarge))
    }
}

#[tokio::test]
async fn a_snapshot_that_can_not_be_kept_fails_no_load() {
    let (source, a) = (Arc::new(MemorySource::default()), code("A"));
    (1..=4).for_each(|amount| drop(source.append(added(&a, amount))));
    let loader = Loader::new(Tally::new(), source.clone(), Arc::new(Full(MemorySnapshots::default())), 2);
    assert_eq!(loader.load(&a).await.unwrap().state, fold(&source.of(&a)));
    assert!(matches!(loader.snapshot(&a).await, Err(LoadError::Snapshots(_))), "asked for, it must be there");
}
