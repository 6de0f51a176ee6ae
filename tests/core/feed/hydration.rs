//! From references to events: what is pending is shown, what can't be known is a 503, and a page has its bytes.

use std::sync::atomic::Ordering;

use booking_store::Version;
use booking_store::failure::Store;
use booking_store::feed::Partition;
use booking_store::feed::ingest::ingest;
use booking_store::limits::{FEED_CONCURRENCY, FEED_READ_BUDGET, MAX_PAGE_BYTES};
use booking_store::ports::Events;
use booking_tests::{Call, Draft, Fault, code, draft, event_id};

use super::Feed;

#[tokio::test]
async fn what_is_not_recorded_yet_is_shown_as_pending() {
    let feed = Feed::new();
    let _ = feed.world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    feed.world.settle().await;
    feed.world.faults.down(Store::Events);
    let _ = feed.world.append("LH4711", None, &[draft(2), draft(3)]).await.is(202);
    feed.world.faults.all_up();
    feed.index().await;
    let page = feed.get("/feed").await.is(200);
    assert_eq!(page.event_ids(), [1, 2, 3].map(event_id));
    assert_eq!(page.statuses(), ["recorded", "pending", "pending"]);
    feed.world.heal().await;
    assert_eq!(feed.get("/feed").await.is(200).statuses(), ["recorded"; 3]);
}

/// The record is down: what is pending could be shown, but not for certain with what is recorded before it.
#[tokio::test]
async fn a_silent_store_is_503_and_never_a_hole() {
    let feed = Feed::new();
    let _ = feed.world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    let _ = feed.world.append("MUC-7", Some(0), &[draft(2)]).await.is(201);
    feed.index().await;
    feed.world.faults.down(Store::Events);
    let problem = feed.get("/feed").await;
    assert_eq!(problem.header("retry-after"), Some("2"));
    problem.is_problem(503, "store-unavailable");
    feed.world.faults.all_up();
    feed.world.faults.down(Store::Reservations);
    assert_eq!(feed.get("/feed").await.is(200).event_ids().len(), 2, "all recorded: nobody asks the arbiter");
    feed.world.faults.all_up();
    feed.log.outage.all.store(true, Ordering::SeqCst);
    feed.get("/feed").await.is_problem(503, "store-unavailable");
    feed.get("/feed?partition=3").await.is_problem(503, "store-unavailable");
    feed.get("/feed/partitions").await.is_problem(503, "store-unavailable");
}

#[tokio::test]
async fn pending_and_the_arbiter_is_silent() {
    let feed = Feed::new();
    feed.world.faults.down(Store::Events);
    let _ = feed.world.append("LH4711", Some(0), &[draft(1)]).await.is(202);
    feed.world.faults.all_up();
    feed.index().await;
    feed.world.faults.down(Store::Reservations);
    feed.get("/feed").await.is_problem(503, "store-unavailable");
    feed.world.faults.all_up();
    assert_eq!(feed.get("/feed").await.is(200).event_ids(), [event_id(1)]);
}

/// A reservations table of another time than the feed: told, not skipped.
#[tokio::test]
async fn a_reference_to_nothing_is_503() {
    let feed = Feed::new();
    let _ = feed.world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    let booking = code("LH4711");
    ingest(&feed.log.log, Partition::of(&booking), &[(booking, Version::new(3))]).await.unwrap();
    feed.get("/feed").await.is_problem(503, "store-unavailable");
    let first = feed.get("/feed?limit=1").await.is(200);
    assert_eq!((first.event_ids(), &first.json["end"]), (vec![event_id(1)], &false.into()));
    let next = first.member("next");
    feed.get(&format!("/feed?after={next}&limit=1")).await.is_problem(503, "store-unavailable");
    let nobody = code("NOBODY");
    ingest(&feed.log.log, Partition::of(&nobody), &[(nobody.clone(), Version::FIRST)]).await.unwrap();
    let partition = Partition::of(&nobody);
    feed.get(&format!("/feed?partition={partition}")).await.is_problem(503, "store-unavailable");
}

/// A record with a hole at its beginning: an empty page would send the consumer to the same place for ever.
#[tokio::test]
async fn a_hole_in_the_record_is_no_empty_page() {
    let feed = Feed::new();
    let booking = code("LH4711");
    let _ = feed.world.append("LH4711", Some(0), &[draft(1), draft(2), draft(3)]).await.is(201);
    let events = feed.world.memory.events.of(&booking);
    let other = code("NOBODY");
    for event in &events[1..] {
        feed.world.memory.events.record(&other, event).await.unwrap();
    }
    ingest(&feed.log.log, Partition::of(&other), &[(other.clone(), Version::new(2))]).await.unwrap();
    feed.get("/feed").await.is_problem(503, "store-unavailable");
}

/// A slow record makes pages short, not late: what is there after the budget is shown, and the next page goes on.
#[tokio::test]
async fn a_slow_record_makes_a_short_page() {
    let feed = Feed::new();
    for n in 0..40 {
        let _ = feed.world.append(&format!("B-{n}"), Some(0), &[draft(n)]).await.is(201);
    }
    feed.index().await;
    let clock = feed.world.clock.clone();
    feed.world.faults.once(Call::Range, Fault::meanwhile(async move { clock.advance(FEED_READ_BUDGET) }));
    let short = feed.get("/feed?limit=40").await.is(200);
    assert_eq!((short.event_ids().len(), &short.json["end"]), (FEED_CONCURRENCY, &false.into()));
    let rest = feed.get(&format!("/feed?limit=40&after={}", short.member("next"))).await.is(200);
    assert_eq!((rest.event_ids().len(), &rest.json["end"]), (40 - FEED_CONCURRENCY, &true.into()));
    let both: std::collections::BTreeSet<_> = short.event_ids().into_iter().chain(rest.event_ids()).collect();
    assert_eq!(both.len(), 40);
}

/// A page ends at its bytes, whether one booking or many have them, and the next one goes on.
#[tokio::test]
async fn a_page_has_4_mb_at_most() {
    let large = |n: u64| -> Draft { draft(n).of_bytes(60_000) };
    let feed = Feed::new();
    for n in 0..40 {
        let events: Vec<_> = (0..3).map(|i| large(n * 10 + i)).collect();
        let _ = feed.world.append(&format!("B-{n}"), Some(0), &events).await.is(201);
    }
    let mut expected = Some(0);
    for n in 0..40 {
        let events: Vec<_> = (0..3).map(|i| large(1_000 + n * 10 + i)).collect();
        let _ = feed.world.append("ONE", expected, &events).await.is(201);
        expected = None;
        feed.world.settle().await;
    }
    feed.index().await;
    let mut events = 0;
    let mut after = "0".to_owned();
    loop {
        let _ = feed.world.faults.take_calls();
        let page = feed.get(&format!("/feed?after={after}&limit=1000")).await.is(200);
        let asked = feed.world.faults.take_calls().into_iter().filter(|call| *call == Call::Range).count();
        assert!(asked <= 2 * FEED_CONCURRENCY, "{asked} of 41 bookings for one page");
        assert!(page.text.len() <= MAX_PAGE_BYTES, "{}", page.text.len());
        events += page.event_ids().len();
        after = page.member("next").to_owned();
        if page.json["end"] == true {
            break;
        }
        assert!(page.text.len() > MAX_PAGE_BYTES - 70_000, "full: {}", page.text.len());
    }
    assert_eq!(events, 240);
}
