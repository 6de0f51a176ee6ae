//! Reading the feed: pages and tokens, shares of the partitions, order by time, positions that are none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use booking_store::Version;
use booking_store::feed::{Batch, Committed, FeedLog, Partition, Position, Run};
use booking_tests::{code, draft};

use super::Feed;

/// Fifty bookings with one to three events each, indexed after each append, so that there are pages.
async fn fifty() -> Feed {
    let feed = Feed::new();
    for n in 0..50_u64 {
        let events: Vec<_> = (0..=n % 3).map(|i| draft(n * 10 + i)).collect();
        let _ = feed.world.append(&format!("B-{n}"), Some(0), &events).await.is(201);
        if n % 2 == 0 {
            let _ = feed.world.append(&format!("B-{}", n / 2), None, &[draft(n * 10 + 9)]).await.is(201);
        }
        feed.index().await;
    }
    feed
}

/// Each accepted event once, positions without a hole, the versions of a booking in order.
fn assert_whole(feed: &Feed, events: &[(u64, u64, String, u64)]) {
    let mut positions = BTreeMap::<_, Vec<_>>::new();
    let mut versions = BTreeMap::<_, Vec<_>>::new();
    for (partition, position, booking_code, version) in events {
        assert_eq!(*partition, u64::from(Partition::of(&code(booking_code)).number()));
        positions.entry(*partition).or_default().push(*position);
        versions.entry(booking_code.clone()).or_default().push(*version);
    }
    for (partition, positions) in positions {
        assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>(), "{partition}");
    }
    for (booking_code, claims) in feed.world.memory.reservations.all() {
        let head = claims.reservation.map_or(0, |reservation| reservation.head.get());
        let read = versions.remove(booking_code.as_str()).unwrap_or_default();
        assert_eq!(read, (1..=head).collect::<Vec<_>>(), "{booking_code}");
    }
    assert!(versions.is_empty());
}

#[tokio::test]
async fn pages_of_any_size_hold_the_same() {
    let feed = fifty().await;
    let whole = feed.everything(1000).await;
    assert_eq!(whole.len(), 124);
    for limit in [1, 2, 3, 7, 16, 17, 40, 123, 124] {
        let events = feed.everything(limit).await;
        assert_whole(&feed, &events);
        assert_eq!(events.len(), whole.len(), "{limit}");
    }
}

#[tokio::test]
async fn one_partition_after_the_other() {
    let feed = fifty().await;
    let mut events = Vec::new();
    for partition in 0..16 {
        let mut after = "0".to_owned();
        loop {
            let page = feed.get(&format!("/feed?partition={partition}&after={after}&limit=2")).await.is(200);
            for event in page.json["events"].as_array().unwrap() {
                assert_eq!(event["partition"], partition);
                let number = |name: &str| event[name].as_u64().unwrap();
                let booking_code = event["booking_code"].as_str().unwrap().to_owned();
                events.push((number("partition"), number("position"), booking_code, number("version")));
            }
            after = page.member("next").to_owned();
            if page.json["end"] == true {
                break;
            }
        }
    }
    assert_whole(&feed, &events);
    // A token of the whole feed stands for its own place in the partition.
    let token = feed.get("/feed?limit=60").await.is(200).member("next").to_owned();
    let place = token.split('-').nth(3 + 1).unwrap();
    let (by_token, by_place) = (format!("/feed?partition=3&after={token}"), format!("/feed?partition=3&after={place}"));
    assert_eq!(feed.get(&by_token).await.is(200).text, feed.get(&by_place).await.is(200).text);
}

#[tokio::test]
async fn a_consumer_gets_what_comes_after_its_token_and_nothing_else() {
    let feed = fifty().await;
    let end = feed.get("/feed?limit=1000").await.is(200);
    assert_eq!(end.json["end"], true);
    let after = |token: &str| format!("/feed?after={token}&limit=1000");
    let nothing = feed.get(&after(end.member("next"))).await.is(200);
    assert_eq!((nothing.event_ids().len(), &nothing.json["end"]), (0, &true.into()));
    assert_eq!(nothing.member("next"), end.member("next"));
    let _ = feed.world.append("B-7", None, &[draft(901), draft(902)]).await.is(201);
    assert_eq!(feed.get(&after(end.member("next"))).await.is(200).event_ids().len(), 0, "not indexed yet");
    feed.index().await;
    let more = feed.get(&after(end.member("next"))).await.is(200);
    assert_eq!(more.event_ids(), [901, 902].map(booking_tests::event_id));
    feed.index().await;
    assert_eq!(feed.get(&after(end.member("next"))).await.is(200).text, more.text, "stable");
}

#[tokio::test]
async fn every_partition_gets_its_share_of_a_page() {
    let feed = fifty().await;
    let page = feed.get("/feed?limit=16").await.is(200);
    let partitions: Vec<_> = page.json["events"].as_array().unwrap().iter().map(|e| e["partition"].as_u64()).collect();
    assert_eq!(partitions.len(), 16);
    let distinct: BTreeSet<_> = partitions.iter().collect();
    let busy: BTreeSet<_> = (0..50).map(|n| Partition::of(&code(&format!("B-{n}")))).collect();
    assert_eq!(distinct.len(), busy.len(), "each has one before any has two");
    // One event a page: no partition is passed over for long.
    let mut seen = BTreeSet::new();
    let mut after = "0".to_owned();
    for _ in 0..64 {
        let page = feed.get(&format!("/feed?after={after}&limit=1")).await.is(200);
        seen.insert(page.json["events"][0]["partition"].as_u64().unwrap());
        after = page.member("next").to_owned();
    }
    assert_eq!(seen.len(), busy.len(), "{seen:?}");
}

#[tokio::test]
async fn the_events_of_a_page_come_by_time_of_acceptance() {
    let feed = Feed::new();
    for n in 0..40_u64 {
        let _ = feed.world.append(&format!("B-{n}"), Some(0), &[draft(n)]).await.is(201);
        feed.world.wait(Duration::from_secs(1));
    }
    feed.index().await;
    let page = feed.get("/feed?limit=100").await.is(200);
    let times: Vec<_> = page.json["events"].as_array().unwrap().iter().map(|e| e["accepted_at"].to_string()).collect();
    assert_eq!(times.len(), 40);
    assert!(times.is_sorted(), "{times:?}");
}

/// A page that is gone is a hole in the table; it is told, and not passed over.
#[tokio::test]
async fn a_missing_page_is_503() {
    let feed = Feed::new();
    let _ = feed.world.append("LH4711", Some(0), &[draft(1), draft(2), draft(3)]).await.is(201);
    let booking = code("LH4711");
    let partition = Partition::of(&booking);
    for version in 1..=3 {
        let (first, last) = (Version::new(version), Version::new(version));
        let run = Run { booking_code: booking.clone(), first, last };
        let batch = Batch::new(Position::new(version), vec![run]).unwrap();
        assert_eq!(feed.log.log.commit(partition, &batch).await.unwrap(), Committed::Done);
        if version == 1 {
            feed.log.log.keep_page(partition, &batch).await.unwrap();
        }
    }
    assert_eq!(feed.get(&format!("/feed?partition={partition}&limit=1")).await.is(200).event_ids().len(), 1);
    for after in [0, 1] {
        feed.get(&format!("/feed?partition={partition}&after={after}")).await.is_problem(503, "store-unavailable");
    }
    assert_eq!(feed.get(&format!("/feed?partition={partition}&after=2")).await.is(200).event_ids().len(), 1);
}

#[tokio::test]
async fn the_heads_are_where_readers_end() {
    let feed = fifty().await;
    let heads = feed.get("/feed/partitions").await.is(200);
    assert_eq!(heads.json["partitions"], 16);
    for partition in Partition::all() {
        let tip = feed.log.log.tip(partition).await.unwrap().last();
        assert_eq!(heads.json["positions"][partition.index()], tip.get());
    }
    let end = feed.get("/feed?limit=1000").await.is(200);
    assert_eq!(heads.member("next"), end.member("next"));
}
