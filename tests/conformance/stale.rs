//! The audit's scan.

use std::collections::BTreeSet;
use std::time::Duration;

use booking_store::ports::StalePage;
use booking_store::{Decision, NewEvent, Reservation, Timestamp, Version};

use crate::decide::{granted, settle};
use crate::engine::Engine;
use crate::given::{self, code, conflict, creation, event, extension, of_bytes};

/// Creates a booking with these events, accepted some time after [`given::now`].
async fn created(engine: &Engine, text: &str, events: Vec<NewEvent>, after: Duration) -> Reservation {
    let creation = Decision { accepted_at: given::later(after), ..creation(&code(text), events) };
    granted(engine, &creation, None).await
}

/// All pages of one segment.
async fn pages(engine: &Engine, before: Timestamp, segment: u32, segments: u32) -> Vec<StalePage> {
    let mut pages: Vec<StalePage> = Vec::new();
    loop {
        let after = pages.last().and_then(|page| page.next.as_ref());
        let page = engine.reservations.stale(before, segment, segments, after).await.unwrap();
        let ended = page.next.is_none();
        pages.push(page);
        assert!(pages.len() < 100, "it never ends");
        if ended {
            return pages;
        }
    }
}

/// What all segments show, in the order of codes.
async fn found(engine: &Engine, before: Timestamp, segments: u32) -> Vec<Reservation> {
    let mut found = Vec::new();
    for segment in 0..segments {
        found.extend(pages(engine, before, segment, segments).await.into_iter().flat_map(|page| page.reservations));
    }
    found.sort_by(|a, b| a.booking_code.cmp(&b.booking_code));
    found
}

pub(crate) async fn segments_show_every_old_booking_once(engine: &Engine) {
    let mut old = Vec::new();
    for n in 0..60 {
        let name = format!("A{n:02}");
        let age = if n % 3 == 0 { Duration::from_secs(60) } else { Duration::ZERO };
        let reservation = created(engine, &name, vec![event(n)], age).await;
        match n % 3 {
            0 => engine.reservations.keep_conflict(&conflict(&code(&name), event(99), n)).await.map(drop).unwrap(),
            1 => drop(settle(engine, reservation).await),
            _ => old.push(reservation),
        }
    }
    for segments in [1, 4, 7] {
        assert_eq!(found(engine, given::later(Duration::from_secs(30)), segments).await, old, "{segments} segments");
    }
    assert_eq!(found(engine, given::now(), 4).await, []);
}

pub(crate) async fn the_bound_is_exclusive_and_asks_the_oldest_event(engine: &Engine) {
    let first = created(engine, "A1", vec![event(1)], Duration::ZERO).await;
    let more = extension(&code("A1"), vec![event(2)]);
    let more = Decision { accepted_at: given::later(Duration::from_secs(9)), ..more };
    let both = granted(engine, &more, Some(&first)).await;
    assert_eq!(found(engine, given::now(), 2).await, []);
    assert_eq!(found(engine, given::later(Duration::from_millis(1)), 2).await, std::slice::from_ref(&both));
    let trim = both.trim(Version::FIRST).unwrap();
    engine.reservations.trim(&code("A1"), &trim).await.unwrap();
    assert_eq!(found(engine, given::later(Duration::from_secs(9)), 2).await, []);
    assert_eq!(found(engine, given::later(Duration::from_millis(9001)), 2).await, [both.trimmed(&trim)]);
}

/// Twelve bookings of 180 KB, one of them with a conflict of 60 KB.
async fn two_megabytes(engine: &Engine) -> Vec<Reservation> {
    let mut all = Vec::new();
    for n in 0..12 {
        all.push(created(engine, &format!("A{n:02}"), vec![of_bytes(n, 180_000)], Duration::ZERO).await);
    }
    engine.reservations.keep_conflict(&conflict(&code("A05"), of_bytes(99, 60_000), 5)).await.unwrap();
    all
}

pub(crate) async fn a_scan_above_1_mb_comes_in_pages_and_whole(engine: &Engine) {
    let all = two_megabytes(engine).await;
    for segments in [1, 3] {
        assert_eq!(found(engine, given::later(Duration::from_secs(1)), segments).await, all, "{segments} segments");
    }
}

pub(crate) async fn a_page_ends_at_1_mb(engine: &Engine) {
    let all = two_megabytes(engine).await;
    let pages = pages(engine, given::later(Duration::from_secs(1)), 0, 1).await;
    assert!(pages.len() >= 3, "{} pages", pages.len());
    let cursors: Vec<_> = pages.iter().filter_map(|page| page.next.as_ref()).collect();
    let distinct: BTreeSet<_> = cursors.iter().map(|next| (&next.booking_code, &next.item)).collect();
    assert_eq!(distinct.len(), cursors.len());
    assert_eq!(pages.iter().map(|page| page.reservations.len()).sum::<usize>(), all.len());
}
