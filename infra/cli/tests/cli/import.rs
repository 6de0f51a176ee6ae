//! `import`: what arrives, what is rejected, and what verification finds.

use serde_json::Value;

use crate::bookings::{Folder, HEADER, hotel_file, row};
use crate::fake_server::Faults;
use crate::serving::Serving;

#[test]
fn imports_and_verifies_with_collisions_counted() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    let (text, events) = hotel_file(200);
    folder.file("hotel.csv", &text);
    let import = ["--json", "import", "hotel.csv", "--code-length", "2", "--verify"];
    let summary = folder.run(&server.url, &import).exits(0).json();
    assert_eq!((&summary["bookings"], &summary["events"]), (&Value::from(200), &Value::from(events)));
    assert!(summary["collisions"].as_u64().unwrap() > 5, "{summary}");
    assert_eq!(summary["verification"]["events"], events);
    let store = server.store();
    assert_eq!(store.bookings.len(), 200);
    assert_eq!(store.bookings.values().map(Vec::len).sum::<usize>(), events);
    let booking = store.bookings.values().find(|booking| booking.len() == 4).unwrap();
    let types: Vec<&str> = booking.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(types, ["BookingPriced", "BookingAmended", "BookingAmended", "BookingCheckedOut"]);
    let journal = folder.text("hotel.csv.journal");
    assert_eq!(journal.lines().count(), 201);
    drop(store);
    let summary = folder.run(&server.url, &import).exits(0).json();
    assert_eq!((&summary["bookings"], &summary["already_done"]), (&Value::from(0), &Value::from(200)));
}

#[test]
fn bad_rows_are_rejected_once_with_line_and_field() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    let text = format!("{HEADER}{}{}too,few\n{}", row("75", 0), row("-6.38", 0), row("80.5", 1));
    folder.file("hotel.csv", &text);
    let said = folder.run(&server.url, &["import", "hotel.csv"]).exits(0);
    assert!(said.out.contains("         2  bookings imported\n") && said.out.contains("         2  rows rejected\n"));
    let rejects = "{\"line\":3,\"field\":\"adr\",\"reason\":\"`-6.38` is negative\"}\n\
        {\"line\":4,\"reason\":\"has 2 cells where the first line has 22\"}\n";
    assert_eq!(folder.text("hotel.csv.rejects.ndjson"), rejects);
    folder.run(&server.url, &["import", "hotel.csv", "--verify"]).exits(0);
    assert_eq!(folder.text("hotel.csv.rejects.ndjson"), rejects);
}

#[test]
fn ndjson_keeps_given_codes_and_rejects_those_that_are_taken() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    let event = |data: &str| format!("{{\"type\":\"A\",\"data\":{data},\"metadata\":{{\"b\":1,\"a\":2}}}}");
    let text = format!(
        "{{\"booking_code\":\"MINE\",\"events\":[{},{}]}}\n{{\"booking_code\":\"MINE\",\"events\":[{}]}}\n{{\"events\":[{}]}}\n",
        event("{ \"n\" : 0.10 }"),
        event("{}"),
        event("{\"other\":1}"),
        event("{}")
    );
    folder.file("some.ndjson", &text);
    let import = ["--json", "import", "some.ndjson", "--concurrency", "1", "--verify", "--rejects", "no.ndjson"];
    let summary = folder.run(&server.url, &import).exits(0).json();
    assert_eq!(summary["bookings"], 2);
    assert_eq!((&summary["collisions"], &summary["rejected"]), (&Value::from(1), &Value::from(1)));
    assert!(folder.text("no.ndjson").contains("MINE belongs to another booking"));
    assert_eq!(server.store().bookings["MINE"][0].data, "{ \"n\" : 0.10 }");
}

#[test]
fn limit_takes_the_first_rows_and_a_later_run_the_others() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    folder.file("hotel.csv", &hotel_file(30).0);
    let summary = folder.run(&server.url, &["--json", "import", "hotel.csv", "--limit", "10"]).exits(0).json();
    assert_eq!(summary["bookings"], 10);
    let summary = folder.run(&server.url, &["--json", "import", "hotel.csv"]).exits(0).json();
    assert_eq!((&summary["bookings"], &summary["already_done"]), (&Value::from(20), &Value::from(10)));
    assert_eq!(server.store().bookings.len(), 30);
}

#[test]
fn verification_finds_every_kind_of_difference() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    folder.file("hotel.csv", &hotel_file(10).0);
    folder.run(&server.url, &["import", "hotel.csv", "--concurrency", "1"]).exits(0);
    let code_of = |line: u64| {
        let journal = folder.text("hotel.csv.journal");
        let entries = journal.lines().map(|text| serde_json::from_str::<Value>(text).unwrap());
        entries.into_iter().find(|entry| entry["line"] == line).unwrap()["booking_code"].as_str().unwrap().to_owned()
    };
    let verify = ["--json", "import", "hotel.csv", "--verify-only"];
    assert_eq!(folder.run(&server.url, &verify).exits(0).json()["bookings"], 10);
    {
        let mut store = server.store();
        store.bookings.get_mut(&code_of(2)).unwrap()[0].data.push(' ');
        store.bookings.get_mut(&code_of(3)).unwrap()[0].data = "{}".to_owned();
        store.bookings.get_mut(&code_of(4)).unwrap().swap(1, 2);
        store.bookings.get_mut(&code_of(5)).unwrap().pop();
        let booking = store.bookings.get_mut(&code_of(6)).unwrap();
        let twice = booking[0].clone();
        booking.push(twice);
        store.bookings.remove(&code_of(7));
        store.bookings.get_mut(&code_of(8)).unwrap()[1].occurred_at = "2015-07-03T00:00:00.001Z".to_owned();
        store.bookings.get_mut(&code_of(9)).unwrap()[1].metadata = None;
    }
    let found = folder.run(&server.url, &verify).exits(7).json();
    let mut shown: Vec<&str> =
        found["mismatches"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    shown.sort_unstable();
    let expected = [
        "has the data {}",
        "has the id",
        "has 1 of 2 events",
        "is not in the file",
        "is not there",
        "occurred at",
        "metadata",
    ];
    assert_eq!((found["mismatched"].as_u64(), shown.len()), (Some(7), 7), "{shown:#?}");
    for (text, expected) in shown.iter().zip(expected) {
        assert!(text.contains(expected), "{text}: not {expected}");
    }
}

#[test]
fn a_journal_of_another_import_is_refused() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    folder.file("hotel.csv", &hotel_file(3).0);
    folder.run(&server.url, &["import", "hotel.csv"]).exits(0);
    let said = folder.run(&server.url, &["import", "hotel.csv", "--code-length", "9"]).exits(2);
    assert!(said.err.contains("--code-length is 9 now and was 8"), "{said:?}");
    folder.file("hotel.csv", &hotel_file(4).0);
    let said = folder.run(&server.url, &["import", "hotel.csv"]).exits(2);
    assert!(said.err.contains("SHA-256"), "{said:?}");
    folder.run(&server.url, &["import", "hotel.csv", "--restart", "--verify"]).exits(0);
    let said = folder.run(&server.url, &["import", "hotel.csv", "--verify-only", "--journal", "none"]).exits(1);
    assert!(said.err.contains("cannot open the journal none"), "{said:?}");
}

#[test]
fn codes_that_run_out_reject_the_booking() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    folder.file("hotel.csv", &hotel_file(60).0);
    let import = ["--json", "import", "hotel.csv", "--code-length", "1", "--max-claims", "5", "--verify"];
    let summary = folder.run(&server.url, &import).exits(0).json();
    let (bookings, rejected) = (summary["bookings"].as_u64().unwrap(), summary["rejected"].as_u64().unwrap());
    assert!(bookings <= 32 && bookings + rejected == 60, "{summary}");
    assert!(folder.text("hotel.csv.rejects.ndjson").contains("no free booking code in 5 claims"));
    assert_eq!(server.store().bookings.len() as u64, bookings);
}
