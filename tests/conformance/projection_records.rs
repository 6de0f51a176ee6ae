//! What the projection kit relies on, asked of its records, snapshots and checkpoints in memory and on `dynoxide`, the
//! latter through the adapter that runs on AWS, in the table that template.yaml declares for the price projection.

use std::any::Any;
use std::sync::Arc;

use booking_store::{BookingCode, EventId, Timestamp, Version};
use futures::future::join_all;
use local::template::Template;
use projection::dynamodb::{DynamoCheckpoints, DynamoRecords, DynamoSnapshots};
use projection::memory::{MemoryCheckpoints, MemoryRecords, MemorySnapshots};
use projection::ports::{Checkpoint, Checkpoints, Records, Saved, Snapshot, Snapshots};
use projection::record::{Outstanding, Parked, Record, Stage};

/// A projection's stores with nothing in them; and those of another projection in the same table.
struct Stores {
    records: Arc<dyn Records>,
    snapshots: Arc<dyn Snapshots>,
    checkpoints: Arc<dyn Checkpoints>,
    others_records: Arc<dyn Records>,
    others_snapshots: Arc<dyn Snapshots>,
    others_checkpoints: Arc<dyn Checkpoints>,
    /// What must live as long as they.
    _held: Box<dyn Any + Send + Sync>,
}

async fn memory() -> Stores {
    Stores {
        records: Arc::new(MemoryRecords::default()),
        snapshots: Arc::new(MemorySnapshots::default()),
        checkpoints: Arc::new(MemoryCheckpoints::default()),
        others_records: Arc::new(MemoryRecords::default()),
        others_snapshots: Arc::new(MemorySnapshots::default()),
        others_checkpoints: Arc::new(MemoryCheckpoints::default()),
        _held: Box::new(()),
    }
}

async fn embedded() -> Stores {
    let directory = tempfile::tempdir().unwrap();
    let tables = Template::embedded().unwrap().tables().unwrap();
    let engine = local::engine::Engine::start(&directory.path().join("tables.sqlite"), &tables).unwrap();
    let client = local::engine::client(&engine.endpoint());
    let table = || "PricesTable".to_owned();
    Stores {
        records: Arc::new(DynamoRecords::new(client.clone(), table(), "prices")),
        snapshots: Arc::new(DynamoSnapshots::new(client.clone(), table(), "prices")),
        checkpoints: Arc::new(DynamoCheckpoints::new(client.clone(), table(), "prices")),
        others_records: Arc::new(DynamoRecords::new(client.clone(), table(), "leads")),
        others_snapshots: Arc::new(DynamoSnapshots::new(client.clone(), table(), "leads")),
        others_checkpoints: Arc::new(DynamoCheckpoints::new(client, table(), "leads")),
        _held: Box::new((engine, directory)),
    }
}

/// A test for each case on each of the two.
macro_rules! cases {
    ($($case:ident)*) => {
        mod on_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(&super::memory().await).await;
            })*
        }
        mod on_dynoxide {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(&super::embedded().await).await;
            })*
        }
    };
}

cases! {
    a_booking_nobody_heard_of_has_no_record
    a_record_comes_back_as_it_was
    a_write_counts_only_on_top_of_what_was_read
    of_twenty_writers_one_counts
    projections_of_one_table_do_not_meet
    the_newest_fitting_snapshot_is_found
    snapshots_belong_to_their_state_version
    a_checkpoint_is_moved_by_one_runner_at_a_time
}

fn code(text: &str) -> BookingCode {
    BookingCode::parse(text).unwrap()
}

fn at() -> Timestamp {
    Timestamp::parse("2026-11-21T09:00:00.123Z").unwrap()
}

fn record(revision: u64) -> Record {
    let state = format!("{{ \"total\": 1.10, \"revision\":{revision} }}");
    Record { revision, position: Version::new(revision), ..Record::new(code("LH4711"), state, 3, at()) }
}

/// Everything set, with the largest numbers.
fn full() -> Record {
    let id = EventId::from_bytes([7; 16]);
    let replay = "0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5".to_owned().try_into().unwrap();
    let parked = Parked {
        stage: Stage::Rebuild,
        version: Version::new(u64::MAX),
        event_id: id,
        reason: "größer als \"erlaubt\"\n".to_owned(),
        attempts: u32::MAX,
        since: at(),
        retry_at: at(),
        dead_lettered: true,
        replay: Some(replay),
    };
    Record {
        position: Version::new(u64::MAX),
        reacted: Version::new(u64::MAX - 1),
        state_version: u32::MAX,
        replays: vec!["a".to_owned().try_into().unwrap(), "b.c".to_owned().try_into().unwrap()],
        reaction: Some(Outstanding { version: Version::new(u64::MAX), event_id: id, holder: id, leased_until: at() }),
        parked: Some(parked),
        ..record(1)
    }
}

async fn a_booking_nobody_heard_of_has_no_record(stores: &Stores) {
    assert_eq!(stores.records.load(&code("LH4711")).await.unwrap(), None);
    assert_eq!(stores.checkpoints.load(0).await.unwrap(), None);
    assert_eq!(stores.snapshots.latest(&code("LH4711"), 1, Version::new(u64::MAX)).await.unwrap(), None);
}

async fn a_record_comes_back_as_it_was(stores: &Stores) {
    for (n, record) in [full(), record(1)].into_iter().enumerate() {
        let record = Record { booking_code: code(&format!("B{n}")), ..record };
        assert_eq!(stores.records.save(&record).await.unwrap(), Saved::Done);
        assert_eq!(stores.records.load(&record.booking_code).await.unwrap(), Some(record));
    }
}

async fn a_write_counts_only_on_top_of_what_was_read(stores: &Stores) {
    let moved = |to: Option<Record>| Saved::Moved(to.map(Box::new));
    assert_eq!(stores.records.save(&record(2)).await.unwrap(), moved(None), "nothing is there to build on");
    assert_eq!(stores.records.save(&record(1)).await.unwrap(), Saved::Done);
    assert_eq!(stores.records.save(&record(1)).await.unwrap(), moved(Some(record(1))), "somebody was here before");
    assert_eq!(stores.records.save(&record(3)).await.unwrap(), moved(Some(record(1))));
    assert_eq!(stores.records.save(&record(2)).await.unwrap(), Saved::Done);
    assert_eq!(stores.records.save(&record(1)).await.unwrap(), moved(Some(record(2))));
    assert_eq!(stores.records.load(&code("LH4711")).await.unwrap(), Some(record(2)));
}

async fn of_twenty_writers_one_counts(stores: &Stores) {
    for revision in 1..=3 {
        let writers = (0..20).map(|n| async move {
            let mine = Record { state: n.to_string(), ..record(revision) };
            (stores.records.save(&mine).await.unwrap(), mine)
        });
        let (done, moved): (Vec<_>, Vec<_>) =
            join_all(writers).await.into_iter().partition(|(saved, _)| *saved == Saved::Done);
        let [(_, winner)] = done.as_slice() else { panic!("{} counted", done.len()) };
        assert!(moved.iter().all(|(saved, _)| *saved == Saved::Moved(Some(Box::new(winner.clone())))));
        assert_eq!(stores.records.load(&code("LH4711")).await.unwrap().as_ref(), Some(winner));
    }
}

async fn projections_of_one_table_do_not_meet(stores: &Stores) {
    let mine = Record { state: "1".to_owned(), ..record(1) };
    let theirs = Record { state: "2".to_owned(), ..record(1) };
    assert_eq!(stores.records.save(&mine).await.unwrap(), Saved::Done);
    assert_eq!(stores.others_records.save(&theirs).await.unwrap(), Saved::Done);
    assert_eq!(stores.records.load(&code("LH4711")).await.unwrap(), Some(mine));
    assert_eq!(stores.others_records.load(&code("LH4711")).await.unwrap(), Some(theirs));
    stores.snapshots.put(&snapshot(1, 5)).await.unwrap();
    assert_eq!(stores.others_snapshots.latest(&code("LH4711"), 1, Version::new(9)).await.unwrap(), None);
    assert!(stores.checkpoints.save(&checkpoint(1, 7)).await.unwrap());
    assert_eq!(stores.others_checkpoints.load(0).await.unwrap(), None);
}

fn snapshot(state_version: u32, version: u64) -> Snapshot {
    let state = format!("{{\"at\":{version}}}");
    Snapshot { booking_code: code("LH4711"), state_version, version: Version::new(version), state }
}

async fn the_newest_fitting_snapshot_is_found(stores: &Stores) {
    // As text 9 comes behind 10 and 100: the keys must sort as numbers do.
    for version in [100, 9, 10, u64::MAX] {
        stores.snapshots.put(&snapshot(1, version)).await.unwrap();
        stores.snapshots.put(&snapshot(1, version)).await.unwrap();
    }
    let other = Snapshot { booking_code: code("LH47112"), ..snapshot(1, 50) };
    stores.snapshots.put(&other).await.unwrap();
    for (at_most, expected) in
        [(8, None), (9, Some(9)), (99, Some(10)), (u64::MAX - 1, Some(100)), (u64::MAX, Some(u64::MAX))]
    {
        let found = stores.snapshots.latest(&code("LH4711"), 1, Version::new(at_most)).await.unwrap();
        assert_eq!(found, expected.map(|version| snapshot(1, version)), "{at_most}");
    }
}

async fn snapshots_belong_to_their_state_version(stores: &Stores) {
    stores.snapshots.put(&snapshot(1, 5)).await.unwrap();
    stores.snapshots.put(&snapshot(10, 7)).await.unwrap();
    stores.snapshots.put(&snapshot(2, 3)).await.unwrap();
    for (state_version, expected) in [(1, Some(5)), (2, Some(3)), (10, Some(7)), (3, None)] {
        let found = stores.snapshots.latest(&code("LH4711"), state_version, Version::new(u64::MAX)).await.unwrap();
        assert_eq!(found.map(|found| found.version.get()), expected);
    }
}

fn checkpoint(revision: u64, position: u64) -> Checkpoint {
    Checkpoint { partition: 0, position, waiting: vec![code("A"), code("B")], revision }
}

async fn a_checkpoint_is_moved_by_one_runner_at_a_time(stores: &Stores) {
    assert!(!stores.checkpoints.save(&checkpoint(2, 7)).await.unwrap());
    assert!(stores.checkpoints.save(&checkpoint(1, 7)).await.unwrap());
    assert!(stores.checkpoints.save(&checkpoint(1, 7)).await.unwrap(), "its own write, which got no answer");
    assert!(!stores.checkpoints.save(&checkpoint(1, 9)).await.unwrap());
    assert!(stores.checkpoints.save(&checkpoint(2, 9)).await.unwrap());
    assert_eq!(stores.checkpoints.load(0).await.unwrap(), Some(checkpoint(2, 9)));
    assert_eq!(stores.checkpoints.load(1).await.unwrap(), None);
}
