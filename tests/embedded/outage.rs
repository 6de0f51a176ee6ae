//! Every row of the protocol's table: which stores are up, and what a new booking and a later event get.

use serde_json::{Value, json};

use crate::system::{System, event_id, shown};

struct Row {
    faults: Value,
    new: (u16, &'static str),
    later: (u16, &'static str),
}

fn rows() -> Vec<Row> {
    let row = |reservations, events, queue, new, later| Row {
        faults: json!({"reservations": reservations, "events": events, "queue": queue}),
        new,
        later,
    };
    let unavailable = (503, "store-unavailable");
    vec![
        row("up", "up", "up", (201, "recorded"), (201, "recorded")),
        row("up", "up", "down", (201, "recorded"), (201, "recorded")),
        row("up", "down", "up", (202, "pending"), (202, "pending")),
        row("up", "down", "down", (202, "pending"), (202, "pending")),
        row("down", "up", "up", (202, "deferred"), unavailable),
        row("down", "down", "up", (202, "deferred"), unavailable),
        row("down", "up", "down", unavailable, unavailable),
        row("down", "down", "down", unavailable, unavailable),
    ]
}

/// One booking before the outage, one in it; afterwards everything that was acknowledged is recorded and published in
/// order, and nothing else is.
#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_table_is_kept_and_heals() {
    for (i, row) in rows().into_iter().enumerate() {
        let system = System::start().await;
        let (old, new) = (format!("OLD{i}"), format!("NEW{i}"));
        system.create(&old).await;
        system.settled().await;
        system.faults(row.faults.clone()).await;
        let (new_id, later_id) = (event_id(), event_id());
        let created = system.append(&new, json!(0), &new_id).await;
        assert_eq!(created.outcome(), (row.new.0, row.new.1.to_owned()), "{}: {created:?}", row.faults);
        let later = system.append(&old, json!(1), &later_id).await;
        assert_eq!(later.outcome(), (row.later.0, row.later.1.to_owned()), "{}: {later:?}", row.faults);
        for refused in [&created, &later].into_iter().filter(|answer| answer.status == 503) {
            assert_eq!(refused.json()["outcome"], "not_accepted", "{refused:?}");
            assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
        }
        reads_tell_the_truth(&system, &row, &new, &new_id).await;

        system.heal().await;
        system.settled().await;
        let accepted = |outcome: (u16, &str)| outcome.0 < 300;
        assert_eq!(system.events(&new).await.status, if accepted(row.new) { 200 } else { 404 }, "{}", row.faults);
        let expected = if accepted(row.later) { vec![1, 2] } else { vec![1] };
        let page = system.events(&old).await.json();
        assert_eq!(shown(&page).iter().map(|event| event.0).collect::<Vec<_>>(), expected, "{}", row.faults);
        assert!(shown(&page).iter().all(|event| event.2 == "recorded"), "{page}");
        assert_eq!(system.published(&old).await, expected, "{}", row.faults);
        assert_eq!(system.published(&new).await, if accepted(row.new) { vec![1] } else { vec![] }, "{}", row.faults);
        system.stop().await;
    }
}

/// During the outage: a confirmed booking is shown, what can't be known is 503, and never 404 for something accepted.
async fn reads_tell_the_truth(system: &System, row: &Row, new: &str, id: &str) {
    let read = system.events(new).await;
    let arbiter_is_up = row.faults["reservations"] == "up";
    if arbiter_is_up {
        assert_eq!(read.status, 200, "{}: {read:?}", row.faults);
        assert_eq!(shown(&read.json())[0].1, id);
        assert_eq!(read.json()["complete"], true);
    } else {
        assert_eq!(read.status, 503, "{}: {read:?}", row.faults);
    }
    let nobody = system.events("NOBODY").await;
    let both_answer = arbiter_is_up && row.faults["events"] == "up";
    assert_eq!(nobody.status, if both_answer { 404 } else { 503 }, "{}: {nobody:?}", row.faults);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_deferral_a_new_booking_waits_for_the_arbiter() {
    let options = local::Options { port: 0, data_dir: None, deferred_accept: false };
    let system = System::start_with(options).await;
    system.faults(json!({"reservations": "down"})).await;
    let answer = system.append("X", json!(0), &event_id()).await;
    assert_eq!(answer.outcome(), (503, "store-unavailable".to_owned()));
    assert_eq!(answer.json()["outcome"], "not_accepted");
    system.heal().await;
    system.stop().await;
}

/// A long outage of the record: many events of many bookings, then everything in order on the bus, without a gap.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_pending_is_published_in_order_after_recovery() {
    let system = System::start().await;
    system.create("B0").await;
    system.faults(json!({"events": "down", "bus": "down"})).await;
    for version in 1..=4 {
        for booking in 0..5 {
            let expected = if booking == 0 { version } else { version - 1 };
            let answer = system.append(&format!("B{booking}"), json!(expected), &event_id()).await;
            assert_eq!(answer.outcome(), (202, "pending".to_owned()), "{answer:?}");
        }
    }
    system.faults(json!({"events": "up"})).await;
    system.faults(json!({"bus": "up"})).await;
    system.settled().await;
    for booking in 0..5 {
        let code = format!("B{booking}");
        let expected: Vec<u64> = if booking == 0 { (1..=5).collect() } else { (1..=4).collect() };
        assert_eq!(system.published(&code).await, expected, "{code}");
    }
    system.stop().await;
}

/// With the queue down as well nothing but the stream knows of the pending event.
#[tokio::test(flavor = "multi_thread")]
async fn the_stream_heals_what_the_queue_never_got() {
    let system = System::start().await;
    system.faults(json!({"events": "down", "queue": "down"})).await;
    assert_eq!(system.append("X", json!(0), &event_id()).await.outcome(), (202, "pending".to_owned()));
    let status = system.get("/local/status").await.json();
    assert_eq!((&status["queue_depth"], &status["pending_bookings"]), (&json!(0), &json!(1)), "{status}");
    system.heal().await;
    system.settled().await;
    assert_eq!(system.published("X").await, vec![1]);
    system.stop().await;
}
