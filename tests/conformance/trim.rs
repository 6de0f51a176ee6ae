//! Settling: positions in lists, counted from an image that may be old.

use booking_store::limits::MAX_TRIM;
use booking_store::ports::Trimmed;
use booking_store::{Reservation, Version};
use futures::future::join_all;

use crate::decide::{granted, kept};
use crate::engine::Engine;
use crate::given::{self, code, creation, event, extension};

/// A booking with the events 1 to `n` pending, which must be a multiple of 25.
async fn pending(engine: &Engine, text: &str, n: u64) -> Reservation {
    let code = code(text);
    let mut reservation = granted(engine, &creation(&code, given::events(1..=25)), None).await;
    for from in (26..=n).step_by(25) {
        let more = extension(&code, given::events(from..from + 25));
        reservation = granted(engine, &more, Some(&reservation)).await;
    }
    reservation
}

pub(crate) async fn the_first_events_go(engine: &Engine) {
    let mut reservation = pending(engine, "A1", 50).await;
    let code = reservation.booking_code.clone();
    for up_to in [1, 3, 17, 42, 50] {
        let trim = reservation.trim(Version::new(up_to)).unwrap();
        assert_eq!(engine.reservations.trim(&code, &trim).await.unwrap(), Trimmed::Done);
        reservation = reservation.trimmed(&trim);
        assert_eq!(kept(engine, &code).await.as_ref(), Some(&reservation), "up to {up_to}");
    }
    assert_eq!((reservation.settled, reservation.pending_bytes), (Version::new(50), 0));
    assert_eq!(reservation.recent.first(), Some(&given::id(19)));
}

pub(crate) async fn a_hundred_go_at_a_time(engine: &Engine) {
    let mut reservation = pending(engine, "A1", 250).await;
    let code = reservation.booking_code.clone();
    let mut steps = Vec::new();
    while let Some(trim) = reservation.trim(reservation.head) {
        assert_eq!(engine.reservations.trim(&code, &trim).await.unwrap(), Trimmed::Done);
        reservation = reservation.trimmed(&trim);
        assert_eq!(kept(engine, &code).await.as_ref(), Some(&reservation));
        steps.push((trim.events, trim.forget));
    }
    assert_eq!(steps, [(MAX_TRIM, MAX_TRIM), (MAX_TRIM, MAX_TRIM), (50, 18)]);
}

pub(crate) async fn what_came_since_an_old_image_stays(engine: &Engine) {
    let old = pending(engine, "A1", 50).await;
    let code = old.booking_code.clone();
    let new = granted(engine, &extension(&code, given::events(51..=60)), Some(&old)).await;
    let trim = old.trim(old.head).unwrap();
    assert!(trim.forget > 0);
    assert_eq!(engine.reservations.trim(&code, &trim).await.unwrap(), Trimmed::Done);
    let left = new.trimmed(&trim);
    assert_eq!(left.pending.iter().map(|event| event.version.get()).collect::<Vec<_>>(), (51..=60).collect::<Vec<_>>());
    assert_eq!(kept(engine, &code).await.as_ref(), Some(&left));
    granted(engine, &extension(&code, vec![event(61)]), Some(&left)).await;
}

pub(crate) async fn the_second_of_two_settlers_removes_nothing(engine: &Engine) {
    let old = pending(engine, "A1", 25).await;
    let code = old.booking_code.clone();
    let (small, large) = (old.trim(Version::new(2)).unwrap(), old.trim(old.head).unwrap());
    assert_eq!(engine.reservations.trim(&code, &small).await.unwrap(), Trimmed::Done);
    let now = old.trimmed(&small);
    for late in [&small, &large] {
        let moved = Trimmed::Moved(Some(Box::new(now.clone())));
        assert_eq!(engine.reservations.trim(&code, late).await.unwrap(), moved);
    }
    assert_eq!(kept(engine, &code).await, Some(now));
}

pub(crate) async fn settlers_at_the_same_time_remove_once(engine: &Engine) {
    let old = pending(engine, "A1", 50).await;
    let (code, trim) = (old.booking_code.clone(), old.trim(Version::new(20)).unwrap());
    let settlers = (0..8).map(|_| {
        let (reservations, code, trim) = (engine.reservations.clone(), code.clone(), trim.clone());
        tokio::spawn(async move { reservations.trim(&code, &trim).await.unwrap() })
    });
    let answers: Vec<_> = join_all(settlers).await.into_iter().map(Result::unwrap).collect();
    let now = old.trimmed(&trim);
    let moved = Trimmed::Moved(Some(Box::new(now.clone())));
    assert_eq!(answers.iter().filter(|answer| **answer == Trimmed::Done).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| **answer == moved).count(), 7, "{answers:?}");
    assert_eq!(kept(engine, &code).await, Some(now));
}

pub(crate) async fn nothing_is_trimmed_of_nothing(engine: &Engine) {
    let trim = pending(engine, "A1", 25).await.trim(Version::FIRST).unwrap();
    let (absent, lost) = (code("A2"), code("A3"));
    engine.reservations.keep_conflict(&given::conflict(&lost, event(1), 2)).await.unwrap();
    for code in [absent, lost] {
        assert_eq!(engine.reservations.trim(&code, &trim).await.unwrap(), Trimmed::Moved(None));
        assert_eq!(kept(engine, &code).await, None);
    }
}
