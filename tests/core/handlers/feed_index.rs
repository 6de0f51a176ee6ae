//! A recorded batch of the reservations table's stream, for the feed: what is appended, what is reported failed.

use std::sync::atomic::Ordering;

use booking_tests::draft;
use serde_json::Value;

use super::payloads::STREAM_BATCH;
use crate::feed::Feed;

/// The sequence number of the record at `position` in the batch.
fn sequence_number(position: usize) -> String {
    let batch: Value = serde_json::from_str(STREAM_BATCH).expect("JSON");
    batch["Records"][position]["dynamodb"]["SequenceNumber"].as_str().expect("a number").to_owned()
}

/// The world whose stream the batch is of.
async fn world() -> Feed {
    let feed = Feed::new();
    let _ = feed.world.append("LH4711", Some(0), &[draft(1)]).await.is(201);
    let _ = feed.world.append("LH4711", None, &[draft(2)]).await.is(201);
    let _ = feed.world.append("MUC-7", Some(0), &[draft(3)]).await.is(201);
    let _ = feed.world.append("car.99", Some(0), &[draft(4)]).await.is(201);
    let _ = feed.world.append("OLD-1", Some(0), &[draft(5)]).await.is(201);
    feed
}

async fn deliver(feed: &Feed, batch: &str) -> Vec<String> {
    feed.deliver(serde_json::from_str(batch).expect("the runtime parses it")).await
}

/// Booking codes and versions in the feed, sorted.
async fn fed(feed: &Feed) -> Vec<(String, u64)> {
    let mut fed: Vec<_> = feed.everything(100).await.into_iter().map(|(_, _, code, version)| (code, version)).collect();
    fed.sort();
    fed
}

fn of(events: &[(&str, u64)]) -> Vec<(String, u64)> {
    events.iter().map(|(code, version)| ((*code).to_owned(), *version)).collect()
}

const ALL: [(&str, u64); 5] = [("LH4711", 1), ("LH4711", 2), ("MUC-7", 1), ("OLD-1", 1), ("car.99", 1)];

/// Reservations alone, a trim's image among them; no conflict and no removal.
#[tokio::test]
async fn a_whole_batch_is_appended_once() {
    let feed = world().await;
    for _ in 0..2 {
        assert_eq!(deliver(&feed, STREAM_BATCH).await, [""; 0]);
        assert_eq!(fed(&feed).await, of(&ALL));
    }
}

/// Each booking's first record is reported, the lowest of all among them.
#[tokio::test]
async fn what_the_log_does_not_take_is_reported_by_the_bookings_first_record() {
    let feed = world().await;
    for out in [&feed.log.outage.all, &feed.log.outage.commits] {
        out.store(true, Ordering::SeqCst);
        let failed = deliver(&feed, STREAM_BATCH).await;
        assert_eq!(failed, FIRST_RECORDS.map(sequence_number), "not 2: that is LH4711 again");
        out.store(false, Ordering::SeqCst);
        assert_eq!(fed(&feed).await, []);
    }
    assert_eq!(deliver(&feed, STREAM_BATCH).await, [""; 0]);
    assert_eq!(fed(&feed).await, of(&ALL));
}

/// Where `LH4711`, `MUC-7`, `car.99` and `OLD-1` first appear.
const FIRST_RECORDS: [usize; 4] = [0, 1, 3, 5];

/// Nothing new to append is no failure, whether commits are possible or not.
#[tokio::test]
async fn a_batch_that_is_in_the_feed_needs_no_commit() {
    let feed = world().await;
    assert_eq!(deliver(&feed, STREAM_BATCH).await, [""; 0]);
    feed.log.outage.commits.store(true, Ordering::SeqCst);
    assert_eq!(deliver(&feed, STREAM_BATCH).await, [""; 0]);
}

/// An image without a readable head is left out and holds up nobody; the booking's next one makes it good.
#[tokio::test]
async fn an_image_nobody_can_read_holds_nothing_up() {
    let feed = world().await;
    for head in [serde_json::json!({"S": "1"}), serde_json::json!({"N": "0"}), serde_json::json!({"N": "1.5"})] {
        let mut batch: Value = serde_json::from_str(STREAM_BATCH).expect("JSON");
        batch["Records"][1]["dynamodb"]["NewImage"]["head"] = head;
        assert_eq!(deliver(&feed, &batch.to_string()).await, [""; 0]);
        let without: Vec<_> = of(&ALL).into_iter().filter(|(code, _)| code != "MUC-7").collect();
        assert_eq!(fed(&feed).await, without);
    }
    let mut batch: Value = serde_json::from_str(STREAM_BATCH).expect("JSON");
    batch["Records"][1]["dynamodb"]["Keys"]["booking_code"]["S"] = "no code".into();
    assert_eq!(deliver(&feed, &batch.to_string()).await, [""; 0]);
    feed.index().await;
    assert_eq!(fed(&feed).await, of(&ALL));
}

/// Payloads are nobody's business here: an image that breaks every other invariant still has a head.
#[tokio::test]
async fn of_an_image_only_the_head_counts() {
    let feed = world().await;
    let mut batch: Value = serde_json::from_str(STREAM_BATCH).expect("JSON");
    batch["Records"][1]["dynamodb"]["NewImage"] = serde_json::json!({"head": {"N": "1"}});
    assert_eq!(deliver(&feed, &batch.to_string()).await, [""; 0]);
    assert_eq!(fed(&feed).await, of(&ALL));
}

#[tokio::test]
async fn an_empty_batch_is_nothing() {
    assert_eq!(deliver(&Feed::new(), r#"{"Records":[]}"#).await, [""; 0]);
}
