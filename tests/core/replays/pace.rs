//! The rate, the worker's time, and what a replay tells of itself on the way.

use std::time::Duration;

use booking_store::limits::REPLAY_CHECKPOINT;
use booking_tests::{Call, Fault, draft};
use serde_json::json;

use super::rig::Rig;

const HUNDRED: [(&str, u64); 4] = [("A", 40), ("B", 30), ("C", 29), ("D", 1)];

#[tokio::test]
async fn the_rate_is_kept_over_all_bookings() {
    for rate in [1, 10, 100] {
        let rig = Rig::with(&HUNDRED).await;
        let begun = rig.world.now();
        rig.order_all_at(rate).await;
        rig.run().await;
        let took = rig.world.now().unix_milliseconds() - begun.unix_milliseconds();
        let least = 99 * 1000 / i64::from(rate);
        assert!((least..least + 2_000).contains(&took), "100 events at {rate}/s took {took} ms");
        rig.done(&HUNDRED).await;
        let told = rig.shown().await["rate"].as_f64().expect("a number");
        assert!((told - f64::from(rate)).abs() <= f64::from(rate) / 10.0, "{told} told of {rate}");
    }
}

/// At one event a second a turn of 25 s sends 25 events; the rest is for the next turns.
#[tokio::test]
async fn it_hands_itself_on_when_its_time_ends() {
    let rig = Rig { budget: Duration::from_secs(25), ..Rig::with(&HUNDRED).await };
    rig.order_all_at(1).await;
    for turn in 1..4 {
        assert_eq!(rig.deliver().await, Some(false));
        assert_eq!(rig.sendings(), turn * 25);
        assert_eq!(rig.turns.bodies().len(), 1);
        assert!(rig.turns.bodies()[0].ends_with(&format!("\"turn\":{turn}}}")), "{:?}", rig.turns.bodies());
    }
    rig.run().await;
    rig.done(&HUNDRED).await;
    assert_eq!(rig.sendings(), 100);
}

/// What a reader sees of a running replay is at most one checkpoint old.
#[tokio::test]
async fn it_tells_where_it_is_at_every_checkpoint() {
    let rig = Rig::with(&HUNDRED).await;
    rig.order_all_at(2).await;
    rig.world.faults.script(Call::SaveReplay, (0..3).map(|_| Fault::Pass).chain([Fault::CrashBefore]));
    rig.deliver_until_it_crashes().await;
    let shown = rig.shown().await;
    assert_eq!((&shown["status"], &shown["events_sent"]), (&json!("running"), &json!(30)));
    assert_eq!((&shown["rate"], &shown["finished_at"]), (&json!(2.0), &json!(null)));
    let (begun, saved) = (shown["started_at"].as_str().unwrap(), shown["updated_at"].as_str().unwrap());
    let age = |text: &str| booking_store::Timestamp::parse(text).unwrap().unix_milliseconds();
    assert_eq!(age(saved) - age(begun), 3 * i64::try_from(REPLAY_CHECKPOINT.as_millis()).unwrap());
    rig.run().await;
    rig.done(&HUNDRED).await;
    assert_eq!(rig.sendings(), 110, "what was sent since the last checkpoint is sent again");
}

/// A booking that grows faster than it is sent ends all the same, where it stood when it was listed.
#[tokio::test]
async fn a_booking_that_grows_meanwhile_ends() {
    let rig = Rig::with(&[("A", 2), ("B", 2)]).await;
    let world = rig.world.clone();
    rig.world.faults.once(
        Call::Publish,
        Fault::meanwhile(async move {
            for n in 0..5 {
                let _ = world.append("A", None, &[draft(100 + n)]).await.is(201);
            }
        }),
    );
    rig.order_all_at(1).await;
    rig.run().await;
    rig.done(&[("A", 2), ("B", 2)]).await;
    assert_eq!(rig.sendings(), 4);
    rig.world.heal().await;
}
