//! The feed's log: one tip moved by its condition alone, pages that stand, markers that only rise; and the shipped
//! ingestion and reading over it.

use std::collections::BTreeMap;

use booking_store::failure::FailureKind;
use booking_store::feed::ingest::ingest;
use booking_store::feed::{Batch, Committed, Partition, Position, Run};
use booking_store::{BookingCode, Version};
use futures::future::join_all;

use crate::engine::Engine;
use crate::given::code;

fn seven() -> Partition {
    Partition::new(7).unwrap()
}

/// Versions `first..=last` of `text` at the positions from `at` on.
fn batch(at: u64, text: &str, first: u64, last: u64) -> Batch {
    let run = Run { booking_code: code(text), first: Version::new(first), last: Version::new(last) };
    Batch::new(Position::new(at), vec![run]).unwrap()
}

async fn committed(engine: &Engine, batch: &Batch) {
    assert_eq!(engine.feed.commit(seven(), batch).await.unwrap(), Committed::Done);
}

pub(crate) async fn a_partition_begins_with_nothing(engine: &Engine) {
    for partition in Partition::all() {
        assert_eq!(engine.feed.tip(partition).await.unwrap(), Batch::none());
    }
    let pages = engine.feed.pages(seven(), Position::START, Position::new(1), 100).await.unwrap();
    assert_eq!(pages, []);
    assert_eq!(engine.feed.marker(&code("A1")).await.unwrap(), Version::NONE);
}

pub(crate) async fn a_batch_goes_behind_the_tip_or_nowhere(engine: &Engine) {
    let first = batch(1, "A1", 1, 3);
    let behind_nothing = engine.feed.commit(seven(), &batch(2, "A1", 1, 1)).await;
    assert_eq!(behind_nothing.expect_err("no tip to stand behind").kind, FailureKind::Corrupt);
    committed(engine, &first).await;
    assert_eq!(engine.feed.tip(seven()).await.unwrap(), first);
    for other in [batch(1, "B1", 1, 1), batch(2, "B1", 1, 1), batch(3, "B1", 1, 1), batch(5, "B1", 1, 1)] {
        assert_eq!(engine.feed.commit(seven(), &other).await.unwrap(), Committed::Moved(first.clone()));
    }
    assert_eq!(engine.feed.commit(seven(), &first).await.unwrap(), Committed::Moved(first.clone()), "the same again");
    let second = batch(4, "B1", 1, 1);
    committed(engine, &second).await;
    assert_eq!(engine.feed.tip(seven()).await.unwrap(), second);
    let eight = Partition::new(8).unwrap();
    assert_eq!(engine.feed.tip(eight).await.unwrap(), Batch::none(), "another partition is another tip");
}

pub(crate) async fn of_twenty_indexers_one_commits(engine: &Engine) {
    committed(engine, &batch(1, "A1", 1, 1)).await;
    let tasks = (1..=20).map(|n| {
        let (feed, mine) = (engine.feed.clone(), batch(2, &format!("B{n}"), 1, n));
        tokio::spawn(async move { (feed.commit(seven(), &mine).await.unwrap(), mine) })
    });
    let tasks: Vec<_> = tasks.collect();
    let answers: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    let tip = engine.feed.tip(seven()).await.unwrap();
    for (answer, mine) in &answers {
        let expected = if *mine == tip { Committed::Done } else { Committed::Moved(tip.clone()) };
        assert_eq!(*answer, expected);
    }
    assert_eq!(answers.iter().filter(|(answer, _)| *answer == Committed::Done).count(), 1);
}

pub(crate) async fn a_page_is_kept_once_and_never_changes(engine: &Engine) {
    let page = batch(1, "A1", 1, 3);
    engine.feed.keep_page(seven(), &page).await.unwrap();
    engine.feed.keep_page(seven(), &page).await.unwrap();
    let other = engine.feed.keep_page(seven(), &batch(1, "B1", 1, 3)).await;
    assert_eq!(other.expect_err("another page").kind, FailureKind::Corrupt);
    assert_eq!(engine.feed.pages(seven(), Position::START, Position::new(4), 100).await.unwrap(), [page]);
}

pub(crate) async fn pages_begin_and_end_where_asked(engine: &Engine) {
    // Three positions each: 1–3, 4–6, …
    let pages: Vec<_> = (0..12).map(|n| batch(1 + 3 * n, "A1", 1 + 3 * n, 3 + 3 * n)).collect();
    for page in pages.iter().rev() {
        engine.feed.keep_page(seven(), page).await.unwrap();
    }
    engine.feed.keep_page(Partition::new(6).unwrap(), &batch(1, "B1", 1, 1)).await.unwrap();
    for (after, below, expected) in [
        (0, 37, 0..12),
        (2, 37, 0..12),
        (3, 37, 1..12),
        (5, 37, 1..12),
        (35, 37, 11..12),
        (36, 37, 0..0),
        (0, 4, 0..1),
        (0, 1, 0..0),
        (8, 31, 2..10),
    ] {
        let found = engine.feed.pages(seven(), Position::new(after), Position::new(below), 1000).await.unwrap();
        assert_eq!(found, pages[expected], "{after} {below}");
    }
    // Enough of them, perhaps more, and all in order.
    for limit in [1, 2, 3, 4, 30] {
        let found = engine.feed.pages(seven(), Position::new(4), Position::new(37), limit).await.unwrap();
        assert_eq!(found, pages[1..1 + found.len()]);
        assert!(found.last().unwrap().last().get() - 4 >= limit as u64, "{limit}: {found:?}");
    }
}

pub(crate) async fn pages_of_more_than_1_mb_come_whole(engine: &Engine) {
    // The largest pages there are: a hundred bookings of the longest codes.
    let full = |n: u64| {
        let runs = (0..100).map(|i| Run {
            booking_code: code(&format!("{n:032}{i:032}")),
            first: Version::new(1),
            last: Version::new(1),
        });
        Batch::new(Position::new(1 + 100 * n), runs.collect()).unwrap()
    };
    let pages: Vec<_> = (0..160).map(full).collect();
    for page in &pages {
        engine.feed.keep_page(seven(), page).await.unwrap();
    }
    let found = engine.feed.pages(seven(), Position::START, Position::new(16_001), 16_000).await.unwrap();
    assert_eq!(found, pages);
}

pub(crate) async fn a_marker_only_rises(engine: &Engine) {
    for (raised, marker) in [(3, 3), (2, 3), (3, 3), (10, 10), (9, 10), (u64::MAX, u64::MAX)] {
        engine.feed.raise_marker(&code("A1"), Version::new(raised)).await.unwrap();
        assert_eq!(engine.feed.marker(&code("A1")).await.unwrap(), Version::new(marker));
    }
    assert_eq!(engine.feed.marker(&code("a1")).await.unwrap(), Version::NONE);
    let tasks = (1..=20).map(|n| {
        let feed = engine.feed.clone();
        tokio::spawn(async move { feed.raise_marker(&code("B1"), Version::new(n)).await.unwrap() })
    });
    let tasks: Vec<_> = tasks.collect();
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    assert_eq!(engine.feed.marker(&code("B1")).await.unwrap(), Version::new(20));
}

/// Eight indexers are given the same forty bookings, in orders of their own and in pieces.
pub(crate) async fn indexers_side_by_side_append_each_event_once(engine: &Engine) {
    let codes = (0..).map(|n| code(&format!("B-{n}"))).filter(|code| Partition::of(code) == seven());
    let heads: Vec<(BookingCode, Version)> = (1..=40).map(Version::new).zip(codes).map(|(v, code)| (code, v)).collect();
    let tasks = (0..8).map(|indexer| {
        let (feed, mut heads) = (engine.feed.clone(), heads.clone());
        heads.rotate_left(indexer * 5);
        tokio::spawn(async move {
            for piece in heads.chunks(7) {
                let older: Vec<_> = piece.iter().map(|(code, v)| (code.clone(), Version::new(v.get() / 2))).collect();
                ingest(&*feed, seven(), &older).await.unwrap();
                ingest(&*feed, seven(), piece).await.unwrap();
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    let tip = engine.feed.tip(seven()).await.unwrap();
    let mut batches = engine.feed.pages(seven(), Position::START, tip.first(), 10_000).await.unwrap();
    batches.push(tip);
    let mut fed = BTreeMap::<_, Vec<_>>::new();
    let mut next = Position::new(1);
    for (position, booking_code, version) in batches.iter().flat_map(|batch| batch.entries(Position::START)) {
        assert_eq!(position, next);
        next = position.next();
        fed.entry(booking_code.clone()).or_default().push(version.get());
    }
    let whole: BTreeMap<_, _> = heads.into_iter().map(|(code, head)| (code, (1..=head.get()).collect())).collect();
    assert_eq!(fed, whole);
}
