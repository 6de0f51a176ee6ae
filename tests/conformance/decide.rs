//! The arbiter's conditional update: what it grants, what it refuses, and what it shows with a refusal.

use booking_store::limits::{MAX_EVENTS_PER_APPEND, MAX_PENDING_BYTES, RECENT_EVENTS};
use booking_store::ports::Decided;
use booking_store::{BookingCode, Decision, JsonObject, NewEvent, Reservation, Version};

use crate::engine::Engine;
use crate::given::{self, behind, code, creation, event, extension, id, of_bytes};

/// Asks for `decision`, which is to be granted and to show the reservation that plain code makes of `old`.
pub(crate) async fn granted(engine: &Engine, decision: &Decision, old: Option<&Reservation>) -> Reservation {
    match engine.reservations.decide(decision).await.unwrap() {
        Decided::Granted(new) => {
            assert_eq!(*new, decision.apply(old));
            *new
        }
        Decided::Refused(old) => panic!("refused to {old:?}"),
    }
}

/// Asks for `decision`, which is to be refused; the reservation that stands in its way.
pub(crate) async fn refused(engine: &Engine, decision: &Decision) -> Option<Reservation> {
    match engine.reservations.decide(decision).await.unwrap() {
        Decided::Granted(new) => panic!("granted: {new:?}"),
        Decided::Refused(old) => old.map(|old| *old),
    }
}

/// The reservation as a read shows it.
pub(crate) async fn kept(engine: &Engine, booking_code: &BookingCode) -> Option<Reservation> {
    engine.reservations.claims(booking_code).await.unwrap().reservation
}

/// Removes everything pending.
pub(crate) async fn settle(engine: &Engine, mut reservation: Reservation) -> Reservation {
    while let Some(trim) = reservation.trim(reservation.head) {
        engine.reservations.trim(&reservation.booking_code, &trim).await.unwrap();
        reservation = reservation.trimmed(&trim);
    }
    reservation
}

pub(crate) async fn a_code_is_granted_once(engine: &Engine) {
    let (code, other) = (code("A1"), code("A2"));
    let first = granted(engine, &creation(&code, vec![event(1)]), None).await;
    assert_eq!(first.owner, id(1));
    assert_eq!(refused(engine, &creation(&code, vec![event(2)])).await, Some(first.clone()));
    // Its own retry is refused like any other; the old item tells the writer that it is one.
    assert_eq!(refused(engine, &creation(&code, vec![event(1)])).await, Some(first.clone()));
    granted(engine, &creation(&other, vec![event(1)]), None).await;
    assert_eq!(kept(engine, &code).await, Some(first));
}

pub(crate) async fn a_refusal_shows_all_that_is_kept(engine: &Engine) {
    let code = code("A1");
    let awkward = NewEvent {
        occurred_at: Some(given::later(std::time::Duration::from_millis(1))),
        metadata: Some(JsonObject::parse(given::AWKWARD).unwrap()),
        ..given::with_data(2, given::AWKWARD)
    };
    let first = granted(engine, &creation(&code, vec![event(1), awkward]), None).await;
    let first = settle(engine, first).await;
    let whole = granted(engine, &extension(&code, given::events(3..=9)), Some(&first)).await;
    for late in [creation(&code, vec![event(10)]), behind(&code, 8, vec![event(10)]), extension(&code, vec![event(9)])]
    {
        assert_eq!(refused(engine, &late).await.as_ref(), Some(&whole), "{:?}", late.expected);
    }
    assert_eq!(kept(engine, &code).await, Some(whole));
}

pub(crate) async fn only_the_exact_version_is_granted(engine: &Engine) {
    let code = code("A1");
    let first = granted(engine, &creation(&code, given::events(1..=3)), None).await;
    for wrong in [1, 2, 4, u64::MAX] {
        assert_eq!(refused(engine, &behind(&code, wrong, vec![event(9)])).await.as_ref(), Some(&first), "{wrong}");
    }
    let second = granted(engine, &behind(&code, 3, given::events(4..=5)), Some(&first)).await;
    assert_eq!(second.head, Version::new(5));
    assert_eq!(refused(engine, &behind(&code, 3, vec![event(6)])).await, Some(second));
}

pub(crate) async fn the_end_is_granted_wherever_it_is(engine: &Engine) {
    let code = code("A1");
    let mut reservation = granted(engine, &creation(&code, vec![event(1)]), None).await;
    for n in 2..=12 {
        reservation = granted(engine, &extension(&code, vec![event(n)]), Some(&reservation)).await;
        // The head stays wherever the settled version is.
        if n % 4 == 0 {
            reservation = settle(engine, reservation).await;
        }
    }
    assert_eq!(kept(engine, &code).await, Some(reservation));
}

pub(crate) async fn a_booking_that_is_not_there_is_refused(engine: &Engine) {
    let (code, lost) = (code("A1"), code("A2"));
    assert_eq!(refused(engine, &extension(&code, vec![event(1)])).await, None);
    assert_eq!(refused(engine, &behind(&code, 1, vec![event(1)])).await, None);
    // A conflict item is no reservation.
    engine.reservations.keep_conflict(&given::conflict(&lost, event(1), 2)).await.unwrap();
    assert_eq!(refused(engine, &extension(&lost, vec![event(3)])).await, None);
    granted(engine, &creation(&lost, vec![event(3)]), None).await;
    assert_eq!(kept(engine, &code).await, None);
}

pub(crate) async fn a_recent_id_is_refused(engine: &Engine) {
    let code = code("A1");
    let first = granted(engine, &creation(&code, given::events(1..=2)), None).await;
    assert_eq!(refused(engine, &extension(&code, vec![event(2)])).await.as_ref(), Some(&first));
    assert_eq!(refused(engine, &behind(&code, 2, vec![event(1)])).await.as_ref(), Some(&first));
    let settled = settle(engine, first).await;
    assert!(settled.pending.is_empty());
    assert_eq!(refused(engine, &extension(&code, vec![event(2)])).await, Some(settled));
}

pub(crate) async fn one_recent_id_refuses_the_whole_batch(engine: &Engine) {
    let code = code("A1");
    let first = granted(engine, &creation(&code, vec![event(1)]), None).await;
    for at in 0..MAX_EVENTS_PER_APPEND {
        let mut batch: Vec<_> = given::events(10..10 + MAX_EVENTS_PER_APPEND as u64);
        batch[at] = event(1);
        assert_eq!(refused(engine, &extension(&code, batch)).await.as_ref(), Some(&first), "at {at}");
    }
    assert_eq!(kept(engine, &code).await, Some(first));
}

pub(crate) async fn a_forgotten_id_is_granted_but_not_the_owners(engine: &Engine) {
    let code = code("A1");
    let mut reservation = granted(engine, &creation(&code, given::events(1..=20)), None).await;
    reservation = granted(engine, &extension(&code, given::events(21..=40)), Some(&reservation)).await;
    // Nothing pending is ever forgotten.
    assert!(refused(engine, &extension(&code, vec![event(1)])).await.is_some());
    reservation = settle(engine, reservation).await;
    assert_eq!(reservation.recent.len(), RECENT_EVENTS);
    assert!(refused(engine, &extension(&code, vec![event(9)])).await.is_some());
    // The owner's is never forgotten.
    assert!(refused(engine, &extension(&code, vec![event(50), event(1)])).await.is_some());
    assert!(refused(engine, &behind(&code, 40, vec![event(1)])).await.is_some());
    granted(engine, &extension(&code, vec![event(8)]), Some(&reservation)).await;
}

pub(crate) async fn twenty_five_events_are_one_decision(engine: &Engine) {
    let (code, most) = (code("A1"), MAX_EVENTS_PER_APPEND as u64);
    let first = granted(engine, &creation(&code, given::events(1..=most)), None).await;
    let second = granted(engine, &behind(&code, most, given::events(most + 1..=2 * most)), Some(&first)).await;
    let third = granted(engine, &extension(&code, given::events(2 * most + 1..=3 * most)), Some(&second)).await;
    assert_eq!((third.head, third.pending.len()), (Version::new(3 * most), 3 * MAX_EVENTS_PER_APPEND));
    assert_eq!(kept(engine, &code).await, Some(third));
}

pub(crate) async fn pending_bytes_leave_room_or_refuse(engine: &Engine) {
    let code = code("A1");
    let mut reservation = granted(engine, &creation(&code, vec![of_bytes(1, 60_000)]), None).await;
    for n in 2..=4 {
        reservation = granted(engine, &extension(&code, vec![of_bytes(n, 60_000)]), Some(&reservation)).await;
    }
    let room = MAX_PENDING_BYTES - reservation.pending_bytes;
    let fixed = of_bytes(5, 1000).pending_bytes() - 1000;
    let fitting = usize::try_from(room - fixed).unwrap();
    for late in [behind(&code, 4, vec![of_bytes(5, fitting + 1)]), extension(&code, vec![of_bytes(5, fitting + 1)])] {
        assert_eq!(refused(engine, &late).await.as_ref(), Some(&reservation));
    }
    let full = granted(engine, &extension(&code, vec![of_bytes(5, fitting)]), Some(&reservation)).await;
    assert_eq!(full.pending_bytes, MAX_PENDING_BYTES);
    assert_eq!(refused(engine, &extension(&code, vec![event(6)])).await.as_ref(), Some(&full));
    let settled = settle(engine, full).await;
    assert_eq!(settled.pending_bytes, 0);
    granted(engine, &extension(&code, vec![of_bytes(6, 200_000)]), Some(&settled)).await;
}

pub(crate) async fn payloads_keep_every_byte(engine: &Engine) {
    let code = code("A1");
    let awkward = |n| NewEvent {
        occurred_at: Some(given::later(std::time::Duration::from_millis(n))),
        metadata: Some(JsonObject::parse(given::AWKWARD).unwrap()),
        ..given::with_data(n, given::AWKWARD)
    };
    let first = granted(engine, &creation(&code, vec![awkward(1)]), None).await;
    let second = granted(engine, &extension(&code, vec![awkward(2), event(3)]), Some(&first)).await;
    assert_eq!(second.pending[1].data.as_str(), given::AWKWARD);
    assert_eq!(kept(engine, &code).await, Some(second));
}

pub(crate) async fn codes_differ_by_case(engine: &Engine) {
    let longest = "Z".repeat(64);
    for (n, text) in ["ab", "AB", "aB", "-._", "0", "00", &longest].into_iter().enumerate() {
        granted(engine, &creation(&code(text), vec![event(n as u64)]), None).await;
    }
    for (n, text) in ["ab", "AB", "aB", "-._", "0", "00", &longest].into_iter().enumerate() {
        assert_eq!(kept(engine, &code(text)).await.unwrap().owner, id(n as u64), "{text}");
    }
}
