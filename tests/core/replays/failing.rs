//! Stores that fail for one booking, for a while, and for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::limits::{REPLAY_BOOKING_ATTEMPTS, REPLAY_PATIENCE};
use booking_store::ports::{BusEvent, EventBus, Events, Recorded};
use booking_store::{BookingCode, Event, EventId, Version};
use booking_tests::{Call, Fault};
use serde_json::json;

use super::rig::Rig;

const BOOKINGS: [(&str, u64); 4] = [("A", 9), ("B", 5), ("C", 12), ("D", 8)];

/// A record and a bus that fail for booking `B`, `times` times.
struct FailsForB {
    events: Arc<dyn Events>,
    bus: Arc<dyn EventBus>,
    kind: FailureKind,
    times: u32,
    failed: AtomicU32,
}

impl FailsForB {
    fn check(&self, store: Store, code: &BookingCode) -> Result<(), StoreFailure> {
        if code.as_str() == "B" && self.failed.load(Ordering::SeqCst) < self.times {
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(StoreFailure::new(store, self.kind));
        }
        Ok(())
    }
}

#[async_trait]
impl Events for FailsForB {
    async fn record(&self, _: &BookingCode, _: &Event) -> Result<Recorded, StoreFailure> {
        unreachable!("a replay records nothing")
    }
    async fn highest(&self, code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
        self.check(Store::Events, code)?;
        self.events.highest(code).await
    }
    async fn range(
        &self,
        code: &BookingCode,
        from: Version,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Event>, StoreFailure> {
        self.check(Store::Events, code)?;
        self.events.range(code, from, limit, bytes).await
    }
}

#[async_trait]
impl EventBus for FailsForB {
    async fn publish(&self, event: BusEvent<'_>) -> Result<(), StoreFailure> {
        if let BusEvent::Replay(code, event, _) = &event
            && event.version == Version::new(3)
        {
            self.check(Store::Bus, code)?;
        }
        self.bus.publish(event).await
    }
}

/// A rig whose record, or bus, fails for `B`.
async fn failing_for_b(store: Store, kind: FailureKind, times: u32) -> Rig {
    let mut rig = Rig::with(&BOOKINGS).await;
    let (events, bus) = (rig.ports.events.clone(), rig.ports.bus.clone());
    let failing = Arc::new(FailsForB { events, bus, kind, times, failed: AtomicU32::new(0) });
    if store == Store::Events {
        rig.ports.events = failing;
    } else {
        rig.ports.bus = failing;
    }
    rig
}

/// The others are sent to their end, and `B` is told with its reason.
async fn b_is_given_up(rig: &Rig, version: u64, reason: &str) {
    rig.all_sent(&[("A", 9), ("C", 12), ("D", 8)]);
    let shown = rig.shown().await;
    assert_eq!((&shown["status"], &shown["errors"], &shown["bookings_done"]), (&json!("done"), &json!(1), &json!(4)));
    let failed = json!([{"booking_code": "B", "version": version, "reason": reason}]);
    assert_eq!(shown["failed_bookings"], failed);
    assert_eq!(shown["events_sent"], rig.sendings());
}

#[tokio::test]
async fn a_booking_that_can_not_be_read_is_given_up_after_some_tries() {
    for kind in [FailureKind::NoAnswer, FailureKind::Throttled, FailureKind::Refused] {
        let rig = failing_for_b(Store::Events, kind, u32::MAX).await;
        rig.order_all().await;
        let begun = rig.world.now().unix_milliseconds();
        rig.run().await;
        let reason = StoreFailure::new(Store::Events, kind).to_string();
        b_is_given_up(&rig, 1, &reason).await;
        let took = rig.world.now().unix_milliseconds() - begun;
        assert!((15_000..20_000).contains(&took), "1 + 2 + 4 + 8 s between the tries, not {took} ms");
    }
}

#[tokio::test]
async fn a_booking_that_can_be_read_in_time_is_no_error() {
    let rig = failing_for_b(Store::Events, FailureKind::NoAnswer, REPLAY_BOOKING_ATTEMPTS - 1).await;
    rig.order_all().await;
    rig.run().await;
    rig.done(&BOOKINGS).await;
}

/// No further try would help.
#[tokio::test]
async fn a_corrupt_booking_is_given_up_at_once() {
    let rig = failing_for_b(Store::Events, FailureKind::Corrupt, 1).await;
    rig.order_all().await;
    rig.run().await;
    b_is_given_up(&rig, 1, "events: unreadable or contradictory content").await;
}

#[tokio::test]
async fn an_entry_the_bus_will_never_take_gives_its_booking_up() {
    for kind in [FailureKind::TooLarge, FailureKind::Refused] {
        let rig = failing_for_b(Store::Bus, kind, u32::MAX).await;
        rig.order_all_at(100).await;
        if kind == FailureKind::TooLarge {
            rig.run().await;
            b_is_given_up(&rig, 3, "bus: too large").await;
        } else {
            // While others are taken it is the booking's fault; once it is alone nobody can tell, and the replay waits.
            for _ in 0..5 {
                if rig.deliver().await != Some(false) {
                    break;
                }
            }
            rig.all_sent(&[("A", 9), ("C", 12), ("D", 8)]);
            assert_eq!(rig.shown().await["waiting_for"], "bus: call refused");
        }
        assert_eq!(rig.sent()["B"], [1, 2]);
    }
}

/// It holds up no other booking: those that are open go first, and the rest of the list is read.
#[tokio::test]
async fn an_entry_the_bus_refuses_first_of_all_holds_up_nobody() {
    let many: Vec<_> = (0..120).map(|n| format!("Z{n:03}")).collect();
    let bookings: Vec<_> = std::iter::once(("B", 3)).chain(many.iter().map(|code| (code.as_str(), 1))).collect();
    let mut rig = Rig::with(&bookings).await;
    let (events, bus) = (rig.ports.events.clone(), rig.ports.bus.clone());
    let kind = FailureKind::Refused;
    rig.ports.bus = Arc::new(FailsForB { events, bus, kind, times: u32::MAX, failed: AtomicU32::new(0) });
    let codes: Vec<_> = bookings.iter().map(|(code, _)| code).collect();
    let order = json!({"replay_id": super::rig::ID, "consumer": "c", "booking_codes": codes, "rate_per_s": 1});
    let _ = rig.order(order).await.is(202);
    for _ in 0..8 {
        let _ = rig.deliver().await;
        rig.world.wait(Duration::from_secs(60));
    }
    rig.all_sent(&bookings[1..]);
    // Alone in the end: nobody can tell whether the bus would take another.
    let shown = rig.shown().await;
    assert_eq!((&shown["bookings_done"], &shown["waiting_for"]), (&json!(120), &json!("bus: call refused")));
}

/// The bus takes less than it is offered: the replay goes on in its turn, more slowly, and leaves the rest to others.
#[tokio::test]
async fn a_throttled_replay_slows_down() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all_at(100).await;
    for _ in 0..3 {
        rig.world.faults.script(Call::Publish, [Fault::Pass, Fault::Fail(FailureKind::Throttled)]);
    }
    let begun = rig.world.now();
    assert_eq!(rig.deliver().await, Some(false));
    rig.done(&BOOKINGS).await;
    let took = rig.world.now().unix_milliseconds() - begun.unix_milliseconds();
    assert!(took > 31 * 80, "34 events in {took} ms, in the end at an eighth of the rate");
}

/// A hole in the record (a table restored to another moment) is no reason to send what is behind it.
#[tokio::test]
async fn a_gap_is_never_sent_over() {
    let mut rig = Rig::with(&[("A", 2)]).await;
    struct Holed(Arc<dyn Events>);
    #[async_trait]
    impl Events for Holed {
        async fn record(&self, _: &BookingCode, _: &Event) -> Result<Recorded, StoreFailure> {
            unreachable!("a replay records nothing")
        }
        async fn highest(&self, code: &BookingCode) -> Result<Option<(Version, EventId)>, StoreFailure> {
            self.0.highest(code).await
        }
        async fn range(
            &self,
            code: &BookingCode,
            from: Version,
            limit: usize,
            bytes: usize,
        ) -> Result<Vec<Event>, StoreFailure> {
            Ok(self.0.range(code, from, limit, bytes).await?.split_off(1))
        }
    }
    rig.ports.events = Arc::new(Holed(rig.ports.events.clone()));
    rig.order_all().await;
    rig.run().await;
    assert_eq!(rig.sendings(), 0);
    assert_eq!(rig.shown().await["failed_bookings"][0]["reason"], "the record has a gap");
}

/// Hours of a dead bus or table: the replay waits, longer each time, tells what for, and then goes on.
#[tokio::test]
async fn a_store_that_is_down_makes_it_wait() {
    for (store, kind) in [
        (Store::Bus, FailureKind::Unreachable),
        (Store::Bus, FailureKind::CircuitOpen),
        (Store::Bus, FailureKind::Refused),
        (Store::Events, FailureKind::NoAnswer),
        (Store::Events, FailureKind::Refused),
        (Store::Reservations, FailureKind::ServerError),
    ] {
        let rig = Rig::with(&BOOKINGS).await;
        rig.order_all().await;
        rig.world.faults.down_with(store, kind);
        let begun = rig.world.now();
        let mut deliveries = 0;
        while deliveries < 20 {
            match rig.deliver().await {
                Some(true) => deliveries += 1,
                // The first page of bookings was taken: that is progress, once.
                Some(false) => assert_eq!(deliveries, 0, "{store}: it waits, its message stays"),
                None => rig.world.wait(Duration::from_secs(1)),
            }
        }
        let waited = rig.world.now().unix_milliseconds() - begun.unix_milliseconds();
        assert!(waited > 2 * 3600 * 1000, "20 tries in {waited} ms");
        let shown = rig.shown().await;
        assert_eq!(shown["status"], "running");
        assert_eq!(shown["waiting_for"], StoreFailure::new(store, kind).to_string());
        assert_eq!((&shown["errors"], rig.sendings()), (&json!(0), 0));
        rig.world.faults.all_up();
        rig.world.wait(Duration::from_secs(900));
        rig.run().await;
        rig.done(&BOOKINGS).await;
        assert_eq!(rig.shown().await["waiting_for"], json!(null));
    }
}

/// The bus goes down in the middle: what it has taken is saved, and the next try comes with a message of its own, so that
/// its back-off begins anew.
#[tokio::test]
async fn progress_before_a_failure_is_saved() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    rig.world.faults.script(Call::Publish, (0..20).map(|_| Fault::Pass));
    rig.world.faults.down(Store::Bus);
    assert_eq!(rig.deliver().await, Some(false), "its next turn is ordered");
    assert_eq!((rig.sendings(), &rig.shown().await["events_sent"]), (20, &json!(20)));
    assert_eq!(rig.deliver().await, Some(true));
    rig.world.faults.all_up();
    rig.run().await;
    rig.done(&BOOKINGS).await;
    assert_eq!(rig.sendings(), 34, "nothing twice");
}

/// After ten days without any progress it has failed; its message is not left to the queue's patience.
#[tokio::test]
async fn patience_ends() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    rig.world.faults.script(Call::Publish, (0..20).map(|_| Fault::Pass));
    rig.world.faults.down(Store::Bus);
    assert_eq!((rig.deliver().await, rig.deliver().await), (Some(false), Some(true)));
    rig.world.wait(REPLAY_PATIENCE - Duration::from_secs(60));
    assert_eq!(rig.deliver().await, Some(true));
    rig.world.wait(Duration::from_secs(60));
    assert_eq!(rig.deliver().await, Some(false));
    let shown = rig.shown().await;
    assert_eq!((&shown["status"], &shown["failure"]), (&json!("failed"), &json!("bus: unreachable")));
    assert_eq!((&shown["events_sent"], &shown["waiting_for"]), (&json!(20), &json!(null)));
    assert!(rig.turns.bodies().is_empty());
}

/// Some progress, and the ten days begin anew.
#[tokio::test]
async fn patience_is_with_each_standstill() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    rig.world.faults.down(Store::Bus);
    for _ in 0..3 {
        rig.world.faults.script(Call::Publish, (0..5).map(|_| Fault::Pass));
        assert_eq!((rig.deliver().await, rig.deliver().await), (Some(false), Some(true)));
        rig.world.wait(REPLAY_PATIENCE - Duration::from_secs(60));
    }
    rig.world.faults.all_up();
    rig.run().await;
    rig.done(&BOOKINGS).await;
}

/// A reservation that can't be read: which booking it is nobody can tell, so none is said to be sent.
#[tokio::test]
async fn a_list_of_bookings_that_can_not_be_read_ends_it() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    rig.world.faults.once(Call::BookingsPage, Fault::Fail(FailureKind::Corrupt));
    rig.run().await;
    let shown = rig.shown().await;
    assert_eq!(shown["status"], "failed");
    assert_eq!(shown["failure"], "reservations: unreadable or contradictory content");
}

/// Its own table or queue fails: nothing is saved, and nothing lost.
#[tokio::test]
async fn its_own_stores_are_down() {
    let rig = Rig::with(&BOOKINGS).await;
    rig.order_all().await;
    rig.world.faults.down(Store::Replays);
    for _ in 0..3 {
        assert_eq!(rig.deliver().await, Some(true), "without a pause of its own it is the queue's");
        rig.world.wait(super::rig::VISIBILITY);
    }
    rig.world.faults.all_up();
    rig.run().await;
    rig.done(&BOOKINGS).await;
}

/// Many bookings are given up: all are counted, the first hundred listed.
#[tokio::test]
async fn the_list_of_failures_is_bounded() {
    let rig = Rig::new();
    let codes: Vec<_> = (0..130).map(|n| format!("T{n}")).collect();
    let _ = rig.order(json!({"replay_id": super::rig::ID, "consumer": "c", "booking_codes": codes})).await.is(202);
    rig.run().await;
    let shown = rig.shown().await;
    assert_eq!((&shown["errors"], shown["failed_bookings"].as_array().unwrap().len()), (&json!(130), 100));
}
