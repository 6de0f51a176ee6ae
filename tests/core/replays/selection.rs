//! What is sent, and how it looks on the bus.

use booking_store::bus_entry;
use booking_store::failure::Store;
use booking_store::limits::REPLAY_SCAN_PAGE;
use booking_store::memory::Published;
use booking_tests::{draft, event_id};
use serde_json::{Value, json};

use super::rig::{ID, Rig};

#[tokio::test]
async fn all_of_every_booking() {
    let bookings = [("A", 3), ("B", 1), ("C", 120)];
    let rig = Rig::with(&bookings).await;
    rig.order_all().await;
    rig.run().await;
    rig.done(&bookings).await;
    assert_eq!(rig.sendings(), 124, "nothing twice");
}

#[tokio::test]
async fn named_bookings_and_no_others() {
    let rig = Rig::with(&[("A", 3), ("B", 1), ("C", 2)]).await;
    let order = json!({"replay_id": ID, "consumer": "prices", "booking_codes": ["C", "A"]});
    let ordered = rig.order(order).await.is(202);
    assert_eq!(ordered.json["bookings_total_estimate"], 2);
    rig.run().await;
    rig.done(&[("A", 3), ("C", 2)]).await;
    assert!(!rig.sent().contains_key("B"));
}

#[tokio::test]
async fn more_bookings_than_a_page_has() {
    let codes: Vec<_> = (0..=2 * REPLAY_SCAN_PAGE).map(|n| format!("B{n:03}")).collect();
    let bookings: Vec<_> = codes.iter().map(|code| (code.as_str(), 1)).collect();
    for selection in [json!({"all": true}), json!({"booking_codes": codes})] {
        let rig = Rig::new();
        for code in &codes {
            rig.write(code, &[0]).await;
        }
        let mut order = json!({"replay_id": ID, "consumer": "c", "rate_per_s": 1000});
        order.as_object_mut().expect("an object").extend(selection.as_object().expect("an object").clone());
        let _ = rig.order(order).await.is(202);
        rig.run().await;
        rig.done(&bookings).await;
        assert_eq!(rig.sendings(), bookings.len() as u64, "nothing twice");
    }
}

#[tokio::test]
async fn the_entry_is_the_event_with_the_replays_mark() {
    let rig = Rig::with(&[("A", 1)]).await;
    rig.order_all().await;
    rig.run().await;
    let entries = rig.world.memory.bus.entries();
    let [first @ Published::Event(..), again @ Published::Replay(..)] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    let (first, again) = (first.as_handed_over(), again.as_handed_over());
    assert_eq!((bus_entry::source(&first), bus_entry::source(&again)), ("booking.events", "booking.events.replay"));
    assert_eq!(bus_entry::detail_type(&again), "BookingPriced");
    assert_eq!(bus_entry::time(&again), bus_entry::time(&first));
    let detail = |entry| bus_entry::detail(entry).expect("it serialises");
    let marked = format!(r#","replay_id":"{ID}","consumer":"prices"}}"#);
    let ordinary = detail(&first);
    assert_eq!(detail(&again), format!("{}{marked}", ordinary.strip_suffix('}').expect("an object")));
    let ordinary: Value = serde_json::from_str(&ordinary).expect("JSON");
    assert!(ordinary.get("replay_id").is_none() && ordinary.get("consumer").is_none());
}

/// What is accepted and not recorded goes its ordinary way; a replay neither sends it nor calls it an error.
#[tokio::test]
async fn pending_events_are_not_sent() {
    let rig = Rig::with(&[("A", 2)]).await;
    rig.world.faults.down(Store::Events);
    let _ = rig.world.append("A", Some(2), &[draft(8)]).await.is(202);
    let _ = rig.world.append("NEW", Some(0), &[draft(9)]).await.is(202);
    rig.world.faults.all_up();
    rig.order_all().await;
    rig.run().await;
    assert_eq!(rig.sent().into_iter().collect::<Vec<_>>(), [("A".to_owned(), vec![1, 2])]);
    let shown = rig.shown().await;
    assert_eq!((&shown["bookings_done"], &shown["errors"]), (&json!(2), &json!(0)));
    rig.world.heal().await;
}

/// A code nobody has, and one that only has conflicts or pending events, is told: it may be a slip of the pen.
#[tokio::test]
async fn a_named_booking_with_nothing_recorded_is_an_error() {
    let rig = Rig::with(&[("A", 2)]).await;
    let order = json!({"replay_id": ID, "consumer": "c", "booking_codes": ["A", "TYPO"]});
    let _ = rig.order(order).await.is(202);
    rig.run().await;
    rig.all_sent(&[("A", 2)]);
    let shown = rig.shown().await;
    assert_eq!((&shown["status"], &shown["bookings_done"], &shown["errors"]), (&json!("done"), &json!(2), &json!(1)));
    let failed = json!([{"booking_code": "TYPO", "version": 1, "reason": "nothing is recorded of it"}]);
    assert_eq!(shown["failed_bookings"], failed);
}

/// A conflict is no event of the booking, and its item no booking.
#[tokio::test]
async fn conflicts_are_not_sent() {
    let rig = Rig::with(&[("A", 1)]).await;
    rig.world.faults.down(Store::Reservations);
    let _ = rig.world.append("A", Some(0), &[draft(7)]).await.is(202);
    rig.world.heal().await;
    assert_eq!(rig.world.published_conflicts(), [event_id(7)]);
    rig.order_all().await;
    rig.run().await;
    rig.done(&[("A", 1)]).await;
}

#[tokio::test]
async fn a_store_with_nothing_in_it() {
    let rig = Rig::new();
    rig.order_all().await;
    rig.run().await;
    rig.done(&[]).await;
}
