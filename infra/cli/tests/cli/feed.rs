//! `tail` and `replay`.

use serde_json::json;

use crate::bookings::Folder;
use crate::fake_feed::{FakeFeed, Told, event};

const ID: &str = "0198c0de-0000-7000-8000-000000000001";

#[test]
fn tails_page_after_page_byte_for_byte() {
    let (folder, server) = (Folder::new(), FakeFeed::new(Told { events: 7, ..Told::default() }));
    let said = folder.run(&server.url, &["--json", "tail", "--limit", "3"]).exits(0);
    let expected: String = (1..=7).map(|n| event(n) + "\n").collect();
    assert_eq!(said.out, expected);
    assert_eq!(said.err, "position: v1-7\n");
    let said = folder.run(&server.url, &["tail", "--after", "v1-5", "--partition", "0"]).exits(0);
    assert_eq!(said.out.lines().count(), 2);
    assert!(said.out.starts_with("0:6  B-6  1  BookingPriced  2026-11-21T09:00:00.000Z  {\"total\": 6.1"), "{said:?}");
    let told = server.told.lock().unwrap();
    let last = told.queries.last().unwrap();
    assert_eq!((last["after"].as_str(), last["partition"].as_str()), ("v1-5", "0"));
}

#[test]
fn the_checkpoint_goes_on_where_it_stopped() {
    let (folder, server) = (Folder::new(), FakeFeed::new(Told { events: 4, ..Told::default() }));
    let tail = ["--json", "tail", "--checkpoint", "position", "--limit", "3"];
    assert_eq!(folder.run(&server.url, &tail).exits(0).out.lines().count(), 4);
    assert_eq!(folder.text("position"), "v1-4\n");
    assert_eq!(folder.run(&server.url, &tail).exits(0).out, "");
    server.told.lock().unwrap().events = 6;
    assert_eq!(folder.run(&server.url, &tail).exits(0).out, format!("{}\n{}\n", event(5), event(6)));
    assert_eq!(folder.text("position"), "v1-6\n");
}

#[test]
fn from_now_leaves_the_past_out_once() {
    let (folder, server) = (Folder::new(), FakeFeed::new(Told { events: 4, ..Told::default() }));
    let tail = ["--json", "tail", "--from-now"];
    let said = folder.run(&server.url, &tail).exits(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "position: v1-4\n"));
    folder.run(&server.url, &[&tail[..], &["--partition", "0"]].concat()).exits(0);
    assert_eq!(server.told.lock().unwrap().queries.last().unwrap()["after"], "4");
    folder.run(&server.url, &[&tail[..], &["--partition", "1"]].concat()).exits(2);
    folder.file("position", "v1-1\n");
    let said = folder.run(&server.url, &[&tail[..], &["--checkpoint", "position"]].concat()).exits(0);
    assert_eq!(said.out.lines().count(), 3);
}

/// The past is what was there at the first run, not at a later one.
#[test]
fn what_comes_between_two_runs_from_now_is_not_left_out() {
    let (folder, server) = (Folder::new(), FakeFeed::new(Told { events: 4, ..Told::default() }));
    let tail = ["--json", "tail", "--from-now", "--checkpoint", "position"];
    assert_eq!(folder.run(&server.url, &tail).exits(0).out, "");
    server.told.lock().unwrap().events = 6;
    let said = folder.run(&server.url, &tail).exits(0);
    assert_eq!(said.out, format!("{}\n{}\n", event(5), event(6)));
}

#[test]
fn following_waits_for_what_comes_and_outlasts_an_outage() {
    let (folder, server) = (Folder::new(), FakeFeed::new(Told { events: 2, ..Told::default() }));
    let running = folder.start(&server.url, &["--json", "tail", "--follow", "--poll", "10ms", "--retries", "0"]);
    let asked = |times: usize| {
        let begun = std::time::Instant::now();
        while server.told.lock().unwrap().queries.len() < times {
            assert!(begun.elapsed().as_secs() < 30, "it stopped asking");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    asked(3);
    let before = {
        let mut told = server.told.lock().unwrap();
        (told.silent, told.events) = (1, 3);
        told.queries.len()
    };
    asked(before + 4);
    let said = running.interrupt();
    let expected: String = (1..=3).map(|n| event(n) + "\n").collect();
    assert_eq!(said.out, expected);
    assert!(said.err.contains("store-unavailable"), "{said:?}");
}

#[test]
fn a_tail_that_cannot_know_says_so() {
    let (folder, server) = (Folder::new(), FakeFeed::new(Told { events: 2, silent: 9, ..Told::default() }));
    folder.run(&server.url, &["tail", "--retries", "1"]).exits(5);
    assert_eq!(server.told.lock().unwrap().queries.len(), 2);
}

#[test]
fn a_replay_is_followed_to_its_end() {
    let (folder, server) = (Folder::new(), FakeFeed::new(Told { end: "done", ..Told::default() }));
    let start = ["replay", "A", "B", "--consumer", "c", "--rate", "50", "--replay-id", ID];
    let said = folder.run(&server.url, &start).exits(0);
    assert!(said.out.contains("status      running"), "{said:?}");
    let request = server.told.lock().unwrap().replays[ID].0.clone();
    let wanted = json!({"replay_id": ID, "consumer": "c", "rate_per_s": 50, "booking_codes": ["A", "B"]});
    assert_eq!(request, wanted);
    let said = folder.run(&server.url, &["replay", "--all", "--consumer", "c", "--follow"]).exits(0);
    assert!(said.out.contains("status      done") && said.out.contains("bookings    2 of 2"), "{said:?}");
    let range = ["--accepted-from", "2026-11-21T09:00:00Z", "--accepted-to", "2026-11-22T09:00:00Z"];
    folder.run(&server.url, &[&["replay", "--consumer", "c"], &range[..]].concat()).exits(0);
    server.told.lock().unwrap().errors = 1;
    folder.run(&server.url, &["replay", "--show", ID, "--follow"]).exits(6);
    folder.run(&server.url, &["replay", "--cancel", ID]).exits(0);
    folder.run(&server.url, &["replay", "--show", "0198c0de-0000-7000-8000-00000000000f"]).exits(3);
}

#[test]
fn a_replay_needs_one_selection_and_a_consumer() {
    let folder = Folder::new();
    for wrong in [
        &["replay"][..],
        &["replay", "A"],
        &["replay", "--all"],
        &["replay", "A", "--all", "--consumer", "c"],
        &["replay", "--all", "--accepted-from", "2026-11-21T09:00:00Z", "--consumer", "c"],
        &["replay", "--show", "no uuid"],
    ] {
        folder.run("http://127.0.0.1:1", wrong).exits(2);
    }
}
