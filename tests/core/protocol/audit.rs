//! Audit: what stream and queue have lost is found, reported and queued again.

use std::time::Duration;

use audit::Report;
use booking_store::Timestamp;
use booking_store::failure::{FailureKind, Store};
use booking_store::limits::{AUDIT_LISTED_FINDINGS, AUDIT_MIN_AGE, AUDIT_SEGMENTS};
use booking_tests::{Call, Fault, World, draft};

const MINUTE: Duration = Duration::from_secs(60);

/// Bookings `A` to `E`, each with a pending event that neither stream nor queue knows of any more, and `OK`, settled.
async fn forgotten() -> World {
    let world = World::new();
    let _ = world.append("OK", Some(0), &[draft(1)]).await.is(201);
    world.settle().await;
    world.faults.down(Store::Events);
    for (n, code) in ["A", "B", "C", "D", "E"].into_iter().enumerate() {
        let _ = world.append(code, Some(0), &[draft(10 + n as u64)]).await.is(202);
    }
    world.faults.all_up();
    world.lose_stream_and_queue();
    world
}

async fn run(world: &World) -> Report {
    audit::handle(&world.stores, None).await
}

fn codes(report: &Report) -> Vec<&str> {
    let mut codes: Vec<_> = report.booking_codes.iter().map(|code| code.as_str()).collect();
    codes.sort_unstable();
    codes
}

#[tokio::test]
async fn what_is_pending_for_an_hour_is_found_and_queued() {
    let world = forgotten().await;
    world.wait(AUDIT_MIN_AGE + MINUTE);
    let report = run(&world).await;
    assert_eq!((report.stale, report.requeued, report.complete), (5, 5, true));
    assert_eq!(codes(&report), ["A", "B", "C", "D", "E"]);
    assert!(report.failures.is_empty());
    assert_eq!(world.memory.queue.bodies().len(), 5);
    world.heal().await;
    assert_eq!(world.published("C"), [1]);
    assert_eq!(run(&world).await.stale, 0, "once settled it is no finding");
}

#[tokio::test]
async fn what_is_younger_is_somebodys_work() {
    let world = forgotten().await;
    world.wait(AUDIT_MIN_AGE - MINUTE);
    let report = run(&world).await;
    assert_eq!((report.stale, report.requeued, report.complete), (0, 0, true));
    assert!(world.memory.queue.bodies().is_empty());
    world.wait(2 * MINUTE);
    assert_eq!(run(&world).await.stale, 5);
    world.heal().await;
}

/// The oldest pending event tells a booking's age, not the last one.
#[tokio::test]
async fn a_busy_booking_is_as_old_as_its_oldest_event() {
    let world = forgotten().await;
    world.wait(AUDIT_MIN_AGE);
    world.faults.down(Store::Events);
    let _ = world.append("A", Some(1), &[draft(20)]).await.is(202);
    world.faults.all_up();
    world.lose_stream_and_queue();
    world.wait(6 * MINUTE);
    assert_eq!(codes(&run(&world).await), ["A", "B", "C", "D", "E"]);
    world.heal().await;
    assert_eq!(world.published("A"), [1, 2]);
}

#[tokio::test]
async fn at_its_deadline_it_stops_and_says_so() {
    let world = forgotten().await;
    world.wait(AUDIT_MIN_AGE + MINUTE);
    let report = audit::handle(&world.stores, Some(world.now())).await;
    assert_eq!((report.stale, report.complete), (0, false));
    let soon = Timestamp::from_unix_milliseconds(world.now().unix_milliseconds() + 1);
    let report = audit::handle(&world.stores, soon).await;
    assert_eq!((report.stale, report.complete), (5, true));
    world.heal().await;
}

/// The deadline passes in the middle: the segments that were looked at count.
#[tokio::test]
async fn a_deadline_in_the_middle_leaves_what_was_found() {
    let world = forgotten().await;
    world.wait(AUDIT_MIN_AGE + MINUTE);
    let clock = world.clone();
    world.faults.once(Call::Stale, Fault::meanwhile(async move { clock.wait(MINUTE) }));
    let soon = Timestamp::from_unix_milliseconds(world.now().unix_milliseconds() + 1000);
    let report = audit::handle(&world.stores, soon).await;
    assert!(!report.complete && report.stale < 5 && report.stale == report.requeued, "{report:?}");
    assert_eq!(run(&world).await.stale, 5);
    world.heal().await;
}

#[tokio::test]
async fn a_segment_that_fails_is_reported_and_the_others_go_on() {
    let world = forgotten().await;
    world.wait(AUDIT_MIN_AGE + MINUTE);
    world.faults.script(Call::Stale, [Fault::Pass, Fault::Fail(FailureKind::Throttled)]);
    let report = run(&world).await;
    assert!(!report.complete && (1..5).contains(&report.stale), "{report:?}");
    assert_eq!((report.requeued, report.failures.len()), (report.stale, 1));
    assert!(report.failures[0].contains("throttled"), "{report:?}");
    let stale_calls = world.faults.take_calls().into_iter().filter(|call| *call == Call::Stale).count();
    assert_eq!(stale_calls, AUDIT_SEGMENTS as usize);
    run(&world).await;
    world.heal().await;
}

#[tokio::test]
async fn what_can_not_be_queued_is_a_finding_all_the_same() {
    let world = forgotten().await;
    world.wait(AUDIT_MIN_AGE + MINUTE);
    world.faults.script(Call::Send, [Fault::Pass, Fault::Fail(FailureKind::Unreachable)]);
    let report = run(&world).await;
    assert_eq!((report.stale, report.requeued, report.complete, report.failures.len()), (5, 4, false, 1));
    run(&world).await;
    world.heal().await;
}

/// After a long outage: all are counted and queued, some are listed.
#[tokio::test]
async fn a_report_lists_some_and_counts_all() {
    let world = World::new();
    let all = 2 * AUDIT_LISTED_FINDINGS as u64;
    world.faults.down(Store::Events);
    for n in 1..=all {
        let _ = world.append(&format!("B{n}"), Some(0), &[draft(n)]).await.is(202);
    }
    world.faults.all_up();
    world.lose_stream_and_queue();
    world.wait(AUDIT_MIN_AGE + MINUTE);
    world.faults.down(Store::Queue);
    let report = run(&world).await;
    assert_eq!((report.stale, report.requeued, report.complete), (all, 0, false));
    assert_eq!((report.booking_codes.len(), report.failures.len()), (AUDIT_LISTED_FINDINGS, AUDIT_LISTED_FINDINGS));
    world.faults.up(Store::Queue);
    let report = run(&world).await;
    assert_eq!((report.stale, report.requeued, report.complete), (all, all, true));
    assert_eq!((report.booking_codes.len(), report.failures.len()), (AUDIT_LISTED_FINDINGS, 0));
    world.heal().await;
}
