//! The replays' table: created once, saved by revision alone; and the list of all bookings.

use std::collections::BTreeSet;
use std::time::Duration;

use booking_store::limits::{MAX_REPLAY_BOOKINGS, MAX_REPLAY_OPEN, REPLAY_LISTED_FAILURES, REPLAY_SCAN_PAGE};
use booking_store::ports::Cursor;
use booking_store::replays::ports::{Created, Listed, Saved};
use booking_store::replays::{
    Consumer, FailedBooking, Open, Order, Progress, Replay, ReplayId, Rest, Selection, Status, Waiting, Window,
};
use booking_store::{Decision, Version};
use futures::future::join_all;

use crate::decide::granted;
use crate::engine::Engine;
use crate::given::{self, code, conflict, creation, event, extension, id, of_bytes};

fn order(selection: Selection) -> Order {
    let consumer = Consumer::parse("price-projection").unwrap();
    Order { replay_id: ReplayId::from(id(900)), consumer, selection, rate_per_s: 100 }
}

/// A replay of everything, ordered by writer `by`.
fn ordered(by: u64) -> Replay {
    Replay::ordered(order(Selection::All), Some(7), id(by), given::now())
}

async fn created(engine: &Engine) -> Replay {
    let replay = ordered(1);
    assert_eq!(engine.replays.create(&replay).await.unwrap(), Created::New);
    replay
}

async fn kept(engine: &Engine) -> Option<Replay> {
    engine.replays.get(ReplayId::from(id(900))).await.unwrap()
}

pub(crate) async fn a_replay_is_created_once(engine: &Engine) {
    let first = created(engine).await;
    let another = Replay { order: order(Selection::BookingCodes(vec![code("A1")])), ..ordered(2) };
    let another = Replay { place: Replay::ordered(another.order.clone(), None, id(2), given::now()).place, ..another };
    assert_eq!(engine.replays.create(&another).await.unwrap(), Created::Before(Box::new(first.clone())));
    let again = engine.replays.create(&first).await.unwrap();
    assert_eq!(again, Created::New, "the same writer: an attempt that got no answer");
    assert_eq!(kept(engine).await, Some(first));
}

pub(crate) async fn there_is_no_replay_until_it_is_created(engine: &Engine) {
    assert_eq!(kept(engine).await, None);
    assert_eq!(engine.replays.save(&ordered(1)).await.unwrap(), Saved::Moved(None));
    assert_eq!(kept(engine).await, None, "a save creates nothing");
}

pub(crate) async fn a_save_needs_the_revision_it_was_read_at(engine: &Engine) {
    let first = created(engine).await;
    let mut second = Replay { turn: 1, written_by: id(2), ..first.clone() };
    assert_eq!(engine.replays.save(&second).await.unwrap(), Saved::Done);
    second.revision = 1;
    assert_eq!(kept(engine).await, Some(second.clone()));
    let late = Replay { turn: 5, written_by: id(3), ..first.clone() };
    assert_eq!(engine.replays.save(&late).await.unwrap(), Saved::Moved(Some(Box::new(second.clone()))));
    let again = Replay { revision: 0, ..second.clone() };
    assert_eq!(engine.replays.save(&again).await.unwrap(), Saved::Done, "the same writer: the same save");
    let ahead = Replay { revision: 9, ..second.clone() };
    assert_eq!(engine.replays.save(&ahead).await.unwrap(), Saved::Moved(Some(Box::new(second.clone()))));
    assert_eq!(kept(engine).await, Some(second));
}

pub(crate) async fn of_twenty_savers_one_saves(engine: &Engine) {
    let mut present = created(engine).await;
    for round in 0..3 {
        let tasks = (101..121).map(|n| {
            let (replays, mine) = (engine.replays.clone(), Replay { turn: n, written_by: id(n), ..present.clone() });
            tokio::spawn(async move { (replays.save(&mine).await.unwrap(), mine) })
        });
        // Collected first: `map` starts nothing by itself.
        let tasks: Vec<_> = tasks.collect();
        let answers: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
        let saved: Vec<_> = answers.iter().filter(|(saved, _)| *saved == Saved::Done).collect();
        let [(_, winner)] = saved.as_slice() else { panic!("{} saved", saved.len()) };
        present = Replay { revision: round + 1, ..winner.clone() };
        let shown = Saved::Moved(Some(Box::new(present.clone())));
        assert_eq!(answers.iter().filter(|(saved, _)| *saved == shown).count(), 19);
        assert_eq!(kept(engine).await.as_ref(), Some(&present));
    }
}

/// A replay with every field filled.
fn busy(replay: Replay) -> Replay {
    let open = Open {
        booking_code: code("Z.9_-z"),
        next: Version::new(u64::MAX - 1),
        up_to: Some(Version::new(u64::MAX)),
        accepted_at: Some(given::now()),
        attempts: 4,
        retry_at: Some(given::later(Duration::from_millis(1))),
    };
    let failed = FailedBooking { booking_code: code("F"), version: Version::new(3), reason: "é\u{0}\"\\".to_owned() };
    let mut busy = Replay { turn: u64::MAX, written_by: id(77), ..replay };
    busy.place.open = vec![open, Open::named(code("A"))];
    busy.place.rest = Rest::Scan(Some(Cursor { booking_code: "A".to_owned(), item: "conflict#1".to_owned() }));
    busy.progress = Progress {
        bookings_done: 12_000,
        bookings_total: Some(u64::MAX),
        events_sent: u64::MAX,
        errors: 1,
        failed: vec![failed],
        window: Window { events: 1_000, milliseconds: 10_001 },
    };
    busy.waiting = Some(Waiting { since: given::now(), reason: "bus: unreachable".to_owned() });
    busy.updated_at = given::later(Duration::from_secs(60));
    busy
}

pub(crate) async fn everything_comes_back_as_it_was_saved(engine: &Engine) {
    let busy = busy(created(engine).await);
    assert_eq!(engine.replays.save(&busy).await.unwrap(), Saved::Done);
    let mut ended = Replay { revision: 1, ..busy };
    assert_eq!(kept(engine).await.as_ref(), Some(&ended));
    (ended.status, ended.finished_at) = (Status::Failed, Some(ended.updated_at));
    (ended.waiting, ended.failure) = (None, Some("bus: unreachable".to_owned()));
    ended.place.open.clear();
    ended.place.rest = Rest::Nothing;
    assert_eq!(engine.replays.save(&ended).await.unwrap(), Saved::Done);
    ended.revision = 2;
    assert_eq!(kept(engine).await, Some(ended), "what is gone is gone");
}

pub(crate) async fn the_order_never_changes(engine: &Engine) {
    let first = created(engine).await;
    let mut other = first.clone();
    other.order.consumer = Consumer::parse("another").unwrap();
    other.order.rate_per_s = 999;
    assert_eq!(engine.replays.save(&other).await.unwrap(), Saved::Done);
    assert_eq!(kept(engine).await, Some(Replay { revision: 1, ..first }));
}

pub(crate) async fn the_largest_replay_fits(engine: &Engine) {
    let codes = |count: usize| (0..count).map(|n| code(&format!("{n:064}")));
    let selection = Selection::BookingCodes(codes(MAX_REPLAY_BOOKINGS).collect());
    let replay = Replay::ordered(order(selection), Some(1000), id(1), given::now());
    assert_eq!(engine.replays.create(&replay).await.unwrap(), Created::New);
    let busy = busy(ordered(1));
    let mut largest = Replay { place: replay.place.clone(), order: replay.order, ..busy };
    let open = codes(MAX_REPLAY_OPEN + REPLAY_SCAN_PAGE).map(|booking_code| Open {
        next: Version::new(u64::MAX),
        up_to: Some(Version::new(u64::MAX)),
        accepted_at: Some(given::now()),
        attempts: u32::MAX,
        retry_at: Some(given::now()),
        ..Open::named(booking_code)
    });
    largest.place.open = open.collect();
    let failed = codes(REPLAY_LISTED_FAILURES).map(|booking_code| FailedBooking {
        booking_code,
        version: Version::new(u64::MAX),
        reason: "x".repeat(300),
    });
    largest.progress.failed = failed.collect();
    largest.progress.errors = 100;
    assert_eq!(engine.replays.save(&largest).await.unwrap(), Saved::Done);
    assert_eq!(kept(engine).await, Some(Replay { revision: 1, ..largest }));
}

/// Everything the list shows, page by page of `limit` items.
async fn listed(engine: &Engine, limit: usize) -> (Vec<Listed>, usize) {
    let (mut all, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = engine.bookings.page(after.as_ref(), limit).await.unwrap();
        assert!(page.bookings.len() <= limit, "{} of {limit}", page.bookings.len());
        all.extend(page.bookings);
        pages += 1;
        assert!(pages < 200, "it never ends");
        after = page.next;
        if after.is_none() {
            all.sort_by(|a: &Listed, b| a.booking_code.cmp(&b.booking_code));
            return (all, pages);
        }
    }
}

pub(crate) async fn a_scan_shows_every_booking_once_and_nothing_else(engine: &Engine) {
    let mut all = Vec::new();
    for n in 0..30 {
        let name = format!("A{n:02}");
        let creation =
            Decision { accepted_at: given::later(Duration::from_secs(n)), ..creation(&code(&name), vec![event(n)]) };
        let mut reservation = granted(engine, &creation, None).await;
        if n % 3 == 0 {
            let more = extension(&code(&name), vec![event(100 + n), event(200 + n)]);
            reservation = granted(engine, &more, Some(&reservation)).await;
            engine.reservations.keep_conflict(&conflict(&code(&name), event(99), n)).await.unwrap();
        }
        all.push(Listed {
            booking_code: reservation.booking_code,
            head: reservation.head,
            created_at: reservation.created_at,
        });
    }
    for limit in [1, 7, 1000] {
        assert_eq!(listed(engine, limit).await.0, all, "pages of {limit}");
    }
    let (_, pages) = listed(engine, 7).await;
    assert!(pages >= 5, "{pages} pages of 7 for 30 bookings");
    // An engine may count hours ago, and conflicts.
    assert!(engine.bookings.estimate().await.unwrap() <= 40);
}

pub(crate) async fn a_scan_above_1_mb_comes_whole(engine: &Engine) {
    for n in 0..9 {
        granted(engine, &creation(&code(&format!("A{n}")), vec![of_bytes(n, 180_000)]), None).await;
    }
    let (all, _) = listed(engine, 100).await;
    let codes: BTreeSet<_> = all.iter().map(|listed| listed.booking_code.to_string()).collect();
    assert_eq!((all.len(), codes.len()), (9, 9));
}

pub(crate) async fn a_scan_of_nothing_ends(engine: &Engine) {
    assert_eq!(listed(engine, 100).await, (vec![], 1));
}
