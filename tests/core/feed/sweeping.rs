//! The sweep: what no image brings any more is in the feed afterwards, in as many invocations as it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use booking_store::clock::Clock;
use booking_store::limits::FEED_SWEEP_PAGE;
use booking_store::ports::Reservations;
use booking_store::replays::memory::MemoryBookings;
use booking_store::{Decision, ExpectedVersion};
use booking_tests::{code, draft};
use feed::{invocation, sweep};
use serde_json::{Value, json};

use super::Feed;
use crate::handlers::STREAM_BATCH;

/// Invokes `feed-index` by hand or as the stream does.
async fn invoke(feed: &Feed, payload: Value, time: Duration) -> Result<Value, serde_json::Error> {
    let bookings = Arc::new(MemoryBookings::new(feed.world.memory.reservations.clone()));
    let (log, clock) = (feed.log.clone(), feed.world.clock.clone());
    let index = feed::index::Context { log: log.clone(), clock: clock.clone() };
    let sweep = sweep::Context { bookings, log, clock };
    let now = feed.world.clock.now().unix_milliseconds();
    let deadline = now + i64::try_from((time + sweep::TIME_TO_REPORT).as_millis()).unwrap();
    let deadline = booking_store::Timestamp::from_unix_milliseconds(deadline).unwrap();
    invocation::handle(&index, &sweep, payload, deadline).await
}

/// Bookings with one event each, which nobody has recorded yet.
async fn bookings(feed: &Feed, count: usize) {
    for n in 0..count {
        let event_id = booking_store::EventId::parse(&booking_tests::event_id(n as u64)).unwrap();
        let event = booking_store::NewEvent {
            event_id,
            event_type: booking_store::EventType::parse("BookingPriced").unwrap(),
            occurred_at: None,
            data: booking_store::JsonObject::parse("{}").unwrap(),
            metadata: None,
        };
        let (booking_code, accepted_at) = (code(&format!("B-{n}")), feed.world.now());
        let events = vec![event];
        let decision = Decision { booking_code, expected: ExpectedVersion::New, events, accepted_at };
        feed.world.memory.reservations.decide(&decision).await.unwrap();
    }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_the_stream_has_lost_is_fed() {
    let feed = Feed::new();
    for n in 0..10 {
        let _ = feed.world.append(&format!("B-{n}"), Some(0), &[draft(2 * n), draft(2 * n + 1)]).await.is(201);
    }
    feed.index().await;
    for n in 10..30 {
        let _ = feed.world.append(&format!("B-{n}"), Some(0), &[draft(2 * n)]).await.is(201);
    }
    let _ = feed.world.append("B-3", None, &[draft(900)]).await.is(201);
    let report = invoke(&feed, json!({"sweep": {}}), LONG).await.unwrap();
    let wanted = json!({"bookings": 30, "appended": 21, "next": null, "complete": true, "failure": null});
    assert_eq!(report, wanted);
    assert_eq!(feed.everything(1000).await.len(), 41);
    let again = invoke(&feed, json!({"sweep": {}}), LONG).await.unwrap();
    assert_eq!((&again["appended"], &again["complete"]), (&json!(0), &json!(true)));
    feed.index().await;
    assert_eq!(feed.everything(1000).await.len(), 41, "the stream's own images are duplicates now");
}

#[tokio::test]
async fn out_of_time_it_says_where_to_go_on() {
    let feed = Feed::new();
    bookings(&feed, FEED_SWEEP_PAGE + 40).await;
    let first = invoke(&feed, json!({"sweep": {}}), Duration::ZERO).await.unwrap();
    assert_eq!((&first["bookings"], &first["complete"]), (&json!(FEED_SWEEP_PAGE), &json!(false)));
    let second = invoke(&feed, json!({"sweep": {"after": first["next"]}}), Duration::ZERO).await.unwrap();
    assert_eq!((&second["bookings"], &second["complete"], &second["next"]), (&json!(40), &json!(true), &json!(null)));
    assert_eq!(feed.everything(1000).await.len(), FEED_SWEEP_PAGE + 40);
}

#[tokio::test]
async fn a_page_that_fails_is_the_next_one_again() {
    let feed = Feed::new();
    bookings(&feed, FEED_SWEEP_PAGE + 40).await;
    let first = invoke(&feed, json!({"sweep": {}}), Duration::ZERO).await.unwrap();
    feed.log.outage.commits.store(true, Ordering::SeqCst);
    let failed = invoke(&feed, json!({"sweep": {"after": first["next"]}}), LONG).await.unwrap();
    assert_eq!((&failed["next"], &failed["complete"], &failed["bookings"]), (&first["next"], &json!(false), &json!(0)));
    assert!(failed["failure"].as_str().unwrap().contains("feed: unreachable"), "{failed}");
    feed.log.outage.commits.store(false, Ordering::SeqCst);
    let mended = invoke(&feed, json!({"sweep": {"after": failed["next"]}}), LONG).await.unwrap();
    assert_eq!(mended["complete"], true);
    assert_eq!(feed.everything(1000).await.len(), FEED_SWEEP_PAGE + 40);
}

#[tokio::test]
async fn the_stream_and_the_order_to_sweep_are_told_apart() {
    let feed = Feed::new();
    let batch: Value = serde_json::from_str(STREAM_BATCH).unwrap();
    let answer = invoke(&feed, batch, LONG).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    for wrong in [json!({"sweep": {"form": 1}}), json!({"sweep": 3}), json!({"sweep": {"after": {}}})] {
        invoke(&feed, wrong.clone(), LONG).await.expect_err(&wrong.to_string());
    }
}
