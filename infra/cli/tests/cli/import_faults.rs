//! `import` while the server fails, hangs and defers, and while the importer itself is killed.

use serde_json::Value;

use crate::bookings::{Folder, hotel_file};
use crate::fake_server::Faults;
use crate::serving::Serving;

/// Every booking once, every event once, one owner a code.
#[track_caller]
fn holds_exactly(server: &Serving, bookings: usize, events: usize) {
    let store = server.store();
    let ours = |id: &str| !id.starts_with("rival");
    let owned: Vec<_> = store.bookings.values().filter(|booking| ours(&booking[0].id)).collect();
    let rows: std::collections::HashSet<_> = owned.iter().map(|booking| booking[0].metadata.clone()).collect();
    assert_eq!((owned.len(), rows.len()), (bookings, bookings));
    assert_eq!(owned.iter().map(|booking| booking.len()).sum::<usize>(), events);
}

#[test]
fn refused_lost_and_late_answers_write_nothing_twice() {
    let faults = Faults { refuse_every: 7, lose_every: 11, hang_every: 97, ..Faults::default() };
    let (folder, server) = (Folder::new(), Serving::new(faults));
    let (text, events) = hotel_file(100);
    folder.file("hotel.csv", &text);
    let import = ["--json", "--timeout", "500ms", "import", "hotel.csv", "--code-length", "3", "--verify"];
    let summary = folder.run(&server.url, &import).exits(0).json();
    assert_eq!((&summary["bookings"], &summary["events"]), (&Value::from(100), &Value::from(events)));
    assert!(summary["retries"].as_u64().unwrap() > 40, "{summary}");
    holds_exactly(&server, 100, events);
}

#[test]
fn killed_it_goes_on_without_duplicates_with_and_without_its_journal() {
    let (folder, server) = (Folder::new(), Serving::new(Faults { append_millis: 10, ..Faults::default() }));
    let (text, events) = hotel_file(150);
    folder.file("hotel.csv", &text);
    let import = ["--json", "import", "hotel.csv", "--code-length", "2", "--verify"];
    for wanted in [30, 70] {
        let running = folder.start(&server.url, &import);
        server.wait_for_bookings(wanted);
        running.kill();
    }
    let journal = folder.text("hotel.csv.journal");
    folder.file("hotel.csv.journal", &format!("{journal}{{\"line\":14"));
    let summary = folder.run(&server.url, &import).exits(0).json();
    assert!(summary["already_done"].as_u64().unwrap() >= 20, "{summary}");
    let all = summary["already_done"].as_u64().unwrap() + summary["bookings"].as_u64().unwrap();
    assert_eq!((all, &summary["verification"]["bookings"]), (150, &Value::from(150)));
    holds_exactly(&server, 150, events);
    server.store().faults = Faults::default();
    let again = folder.run(&server.url, &[&import[..], &["--restart"]].concat()).exits(0).json();
    assert_eq!(again["bookings"], 150);
    holds_exactly(&server, 150, events);
}

#[test]
fn interrupted_it_finishes_what_is_in_flight_and_says_how_to_go_on() {
    let (folder, server) = (Folder::new(), Serving::new(Faults { append_millis: 10, ..Faults::default() }));
    let (text, events) = hotel_file(200);
    folder.file("hotel.csv", &text);
    let running = folder.start(&server.url, &["--json", "import", "hotel.csv"]);
    server.wait_for_bookings(40);
    let said = running.interrupt().exits(130);
    assert!(said.err.contains("to go on, run the same command again"), "{said:?}");
    let first = said.json();
    assert_eq!(first["interrupted"], true);
    let whole = first["bookings"].as_u64().unwrap();
    assert_eq!(server.store().bookings.len() as u64, whole, "a booking was left half done");
    let summary = folder.run(&server.url, &["--json", "import", "hotel.csv", "--verify"]).exits(0).json();
    assert_eq!(summary["already_done"].as_u64(), Some(whole));
    holds_exactly(&server, 200, events);
}

#[test]
fn deferred_bookings_win_their_code_or_take_the_next() {
    let (folder, server) = (Folder::new(), Serving::new(Faults { defer: 20, ..Faults::default() }));
    let (text, events) = hotel_file(60);
    folder.file("hotel.csv", &text);
    let summary = folder.run(&server.url, &["--json", "import", "hotel.csv", "--verify"]).exits(0).json();
    assert_eq!((&summary["deferred"], &summary["collisions"]), (&Value::from(20), &Value::from(10)), "{summary}");
    assert_eq!(server.store().conflicts.values().map(Vec::len).sum::<usize>(), 10);
    holds_exactly(&server, 60, events);
}

#[test]
fn an_unconfirmed_booking_fails_and_is_taken_up_again() {
    let (folder, server) = (Folder::new(), Serving::new(Faults { defer: 3, ..Faults::default() }));
    let (text, events) = hotel_file(10);
    folder.file("hotel.csv", &text);
    let import = ["--json", "import", "hotel.csv", "--confirm-timeout", "0s", "--verify"];
    let said = folder.run(&server.url, &import).exits(6);
    assert_eq!((&said.json()["failed"], &said.json()["bookings"]), (&Value::from(3), &Value::from(7)));
    assert!(said.err.contains("is deferred and was not confirmed in time"), "{said:?}");
    let summary = folder.run(&server.url, &import).exits(0).json();
    assert_eq!(summary["bookings"], 3);
    holds_exactly(&server, 10, events);
}

#[test]
fn it_gives_up_in_time_and_goes_on_after_the_outage() {
    let (folder, server) = (Folder::new(), Serving::new(Faults { refuse_every: 1, ..Faults::default() }));
    let (text, events) = hotel_file(12);
    folder.file("hotel.csv", &text);
    let import = ["--json", "import", "hotel.csv", "--give-up-after", "300ms"];
    let said = folder.run(&server.url, &import).exits(6);
    assert_eq!(said.json()["failed"], 12);
    assert!(said.err.contains("further failures are only counted"), "{said:?}");
    server.store().faults = Faults { pending: true, ..Faults::default() };
    let summary = folder.run(&server.url, &[&import[..], &["--verify"]].concat()).exits(0).json();
    assert_eq!(summary["pending"], events);
    assert_eq!(summary["verification"]["pending"], events);
    holds_exactly(&server, 12, events);
}
