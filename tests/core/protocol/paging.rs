//! Pages by count and by bytes, over what is recorded and what is pending.

use booking_store::failure::Store;
use booking_store::limits::{DEFAULT_PAGE_EVENTS, MAX_DATA_BYTES, MAX_PAGE_BYTES, MAX_PAGE_EVENTS};
use booking_tests::{Answer, World, draft};

/// `recorded` settled events of one batch size, then `pending` ones.
async fn booking(recorded: u64, pending: u64) -> World {
    let world = World::new();
    let mut head = 0;
    while head < recorded {
        let count = 25.min(recorded - head);
        let events: Vec<_> = (head + 1..=head + count).map(draft).collect();
        let _ = world.append("B", Some(head), &events).await.is(201);
        head += count;
        world.pump_stream().await;
    }
    world.faults.down(Store::Events);
    for n in head + 1..=head + pending {
        let _ = world.append("B", Some(n - 1), &[draft(n)]).await.is(202);
    }
    world.faults.all_up();
    world
}

async fn pages(world: &World, query: &str) -> Vec<Answer> {
    let mut pages = Vec::new();
    let mut from = 1;
    loop {
        let page = world.get(&format!("/bookings/B/events?from_version={from}{query}")).await.is(200);
        let next = page.json["next_from_version"].as_u64();
        pages.push(page);
        match next {
            Some(next) => from = next,
            None => return pages,
        }
    }
}

#[tokio::test]
async fn pages_join_without_gap_or_overlap_wherever_they_are_cut() {
    for (recorded, pending) in [(7, 0), (4, 3), (0, 7), (6, 1)] {
        let world = booking(recorded, pending).await;
        for limit in 1..=8usize {
            let pages = pages(&world, &format!("&limit={limit}")).await;
            let versions: Vec<_> = pages.iter().flat_map(Answer::versions).collect();
            assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7], "{recorded} {pending} {limit}");
            assert_eq!(pages.len(), 7usize.div_ceil(limit), "no empty page at the end");
            assert!(pages.iter().all(|page| page.json["version"] == 7 && page.json["complete"] == true));
            let mut tags = pages.iter().filter(|page| page.statuses().iter().all(|status| *status == "recorded"));
            assert!(tags.all(|page| page.header("etag") == Some("\"7\"")));
        }
        world.heal().await;
    }
}

#[tokio::test]
async fn without_a_limit_a_page_has_a_hundred_events() {
    let world = booking(130, 5).await;
    let pages = pages(&world, "").await;
    let sizes: Vec<_> = pages.iter().map(|page| page.versions().len()).collect();
    assert_eq!(sizes, [DEFAULT_PAGE_EVENTS, 35]);
    let all = world.get(&format!("/bookings/B/events?limit={MAX_PAGE_EVENTS}")).await.is(200);
    assert_eq!(all.versions().len(), 135);
    world.heal().await;
}

#[tokio::test]
async fn a_page_beyond_the_end_is_empty_and_says_where_the_end_is() {
    let world = booking(2, 1).await;
    for from in [4, 1000, u64::MAX] {
        let page = world.get(&format!("/bookings/B/events?from_version={from}")).await.is(200);
        assert_eq!((page.versions(), &page.json["version"]), (vec![], &3.into()));
        assert!(page.json["next_from_version"].is_null());
    }
    world.heal().await;
}

/// Seventy events of 64 KiB: more than one answer may carry.
#[tokio::test]
async fn pages_are_cut_by_bytes_too() {
    let world = World::new();
    for n in (1..=68).step_by(2) {
        let events = [n, n + 1].map(|n| draft(n).of_bytes(MAX_DATA_BYTES));
        let _ = world.append("B", Some(n - 1), &events).await.is(201);
        world.pump_stream().await;
    }
    world.faults.down(Store::Events);
    let _ = world.append("B", Some(68), &[69, 70].map(|n| draft(n).of_bytes(MAX_DATA_BYTES))).await.is(202);
    world.faults.all_up();
    let pages = pages(&world, &format!("&limit={MAX_PAGE_EVENTS}")).await;
    let versions: Vec<_> = pages.iter().flat_map(Answer::versions).collect();
    assert_eq!(versions, (1..=70).collect::<Vec<_>>());
    assert_eq!(pages.len(), 2);
    let most = 6 * 1024 * 1024;
    assert!(pages.iter().all(|page| page.text.len() < most), "an answer of Lambda has at most 6 MB");
    assert!(pages[0].text.len() > MAX_PAGE_BYTES - MAX_DATA_BYTES);
    world.heal().await;
}

/// An answer travels as one JSON string: texts dense in quotes take nearly twice their bytes.
#[tokio::test]
async fn pages_of_nothing_but_quotes_fit_into_an_answer() {
    let world = World::new();
    let dense = format!(r#"{{"a":[{}""]}}"#, r#""","#.repeat(20_000));
    for n in (1..=80).step_by(4) {
        let events: Vec<_> = (n..n + 4).map(|n| draft(n).with_data(&dense)).collect();
        let _ = world.append("B", Some(n - 1), &events).await.is(201);
        world.pump_stream().await;
    }
    let pages = pages(&world, &format!("&limit={MAX_PAGE_EVENTS}")).await;
    let versions: Vec<_> = pages.iter().flat_map(Answer::versions).collect();
    assert_eq!(versions, (1..=80).collect::<Vec<_>>());
    for page in pages {
        let payload = serde_json::to_string(&page.text).unwrap().len();
        assert!(payload < 6 * 1024 * 1024 - 100_000, "{payload}");
    }
    world.heal().await;
}

/// Without the arbiter a page cut short says so, up to the highest recorded version.
#[tokio::test]
async fn pages_go_on_without_the_arbiter() {
    let world = booking(5, 1).await;
    world.faults.down(Store::Reservations);
    let pages = pages(&world, "&limit=2&min_version=5").await;
    let versions: Vec<_> = pages.iter().map(Answer::versions).collect();
    assert_eq!(versions, [vec![1, 2], vec![3, 4], vec![5]]);
    assert!(pages.iter().all(|page| page.json["version"] == 5));
    world.heal().await;
}
