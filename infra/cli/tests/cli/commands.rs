//! `append`, `read` and `status`.

use crate::bookings::Folder;
use crate::fake_server::Faults;
use crate::serving::Serving;

const ID: &str = "0198c0de-0000-7000-8000-000000000001";

#[test]
fn appends_and_reads_back_byte_for_byte() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    let data = r#"{ "total" : 100.10000000000000000001, "big":1E400 }"#;
    let new =
        ["append", "AB-1", "--type", "BookingPriced", "--data", data, "--expected-version", "new", "--event-id", ID];
    let said = folder.run(&server.url, &new).exits(0);
    assert_eq!(said.out, format!("AB-1 version 1: recorded\n  event {ID}\n"));
    let said = folder.run(&server.url, &new).exits(0);
    assert!(said.out.starts_with("AB-1 version 1: recorded (the server had it already)"), "{said:?}");
    let said = folder.run(&server.url, &["--json", "read", "AB-1"]).exits(0);
    assert!(said.out.contains(data), "{said:?}");
    let said = folder.run(&server.url, &["read", "AB-1", "--event-id", ID]).exits(0);
    assert!(said.out.contains(data), "{said:?}");
}

#[test]
fn a_batch_and_a_file_are_read_page_after_page() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    let batch: Vec<String> = (0..7).map(|n| format!("{{\"type\":\"E{n}\",\"data\":{{\"n\":{n}}}}}")).collect();
    folder.file("batch.json", &format!("[{}]", batch.join(",")));
    folder.run(&server.url, &["append", "X", "--events", "batch.json", "--expected-version", "new"]).exits(0);
    folder.file("data.json", "{\"n\":7}\n");
    let said = folder.run(&server.url, &["append", "X", "--type", "E7", "--data", "@data.json"]).exits(0);
    assert!(said.out.starts_with("X version 8: recorded"), "{said:?}");
    let said = folder.run(&server.url, &["read", "X"]).exits(0);
    let types: Vec<&str> = said.out.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(types[..8], ["E0", "E1", "E2", "E3", "E4", "E5", "E6", "E7"]);
    assert!(said.out.ends_with("X: version 8\n"), "{said:?}");
    let said = folder.run(&server.url, &["read", "X", "--from-version", "3", "--limit", "2"]).exits(0);
    assert!(said.out.ends_with("X: version 8, goes on with --from-version 5\n"), "{said:?}");
    let said = folder.run(&server.url, &["status", "X"]).exits(0);
    assert!(said.out.contains("8 (all recorded and published)"), "{said:?}");
}

#[test]
fn refusals_say_what_the_server_said_and_set_the_exit_code() {
    let (folder, server) = (Folder::new(), Serving::new(Faults::default()));
    let append = |code: &str, data: &str, expected: &str| {
        folder.run(&server.url, &["append", code, "--type", "A", "--data", data, "--expected-version", expected])
    };
    append("A", "{}", "new").exits(0);
    let said = append("A", "{}", "new").exits(4);
    assert!(said.err.contains("Title of booking-code-taken (booking-code-taken, HTTP 409)"), "{said:?}");
    let said = append("A", "{}", "5").exits(4);
    assert!(said.err.contains("[expected version 5, the booking has 1]"), "{said:?}");
    append("B", "{}", "any").exits(3);
    let said = append("B", "[]", "new").exits(1);
    assert!(said.err.contains("1 field is wrong\n  /events/0/data: must be an object"), "{said:?}");
    folder.run(&server.url, &["read", "B"]).exits(3);
    folder.run(&server.url, &["status", "B"]).exits(3);
    append("B", "{", "new").exits(2);
    append("no good", "{}", "new").exits(2);
}

#[test]
fn sends_the_same_event_again_after_a_lost_answer() {
    let faults = Faults { lose_every: 1, retry_after: 1, ..Faults::default() };
    let (folder, server) = (Folder::new(), Serving::new(faults));
    let started = std::time::Instant::now();
    let args = ["append", "A", "--type", "A", "--data", "{}", "--expected-version", "new", "--retries", "1"];
    let said = folder.run(&server.url, &args).exits(5);
    assert!(started.elapsed().as_secs() >= 1, "Retry-After was not honoured");
    assert!(said.err.contains("gave up after 2 tries") && said.err.contains("keep their ids"), "{said:?}");
    let id = {
        let store = server.store();
        assert_eq!((store.appends, store.bookings["A"].len()), (2, 1));
        store.bookings["A"][0].id.clone()
    };
    server.store().faults = Faults::default();
    let said = folder.run(&server.url, &[args.as_slice(), &["--event-id", &id]].concat()).exits(0);
    assert!(said.out.contains("had it already"), "{said:?}");
}

#[test]
fn nobody_there_is_told_at_once() {
    let folder = Folder::new();
    let said = folder.run("http://127.0.0.1:1", &["status", "A", "--retries", "1"]).exits(5);
    assert!(said.err.contains("gave up after 2 tries: http://127.0.0.1:1: "), "{said:?}");
    folder.file("x.ndjson", "{\"events\":[{\"type\":\"A\",\"data\":{}}]}\n");
    folder.run("http://127.0.0.1:1", &["import", "x.ndjson"]).exits(5);
    assert!(!folder.path().join("x.ndjson.journal").exists());
}

#[test]
fn headers_reach_the_server() {
    let authorization = Some("Bearer token".to_owned());
    let (folder, server) = (Folder::new(), Serving::new(Faults { authorization, ..Faults::default() }));
    let said = folder.run(&server.url, &["status", "A"]).exits(1);
    assert!(said.err.contains("no token"), "{said:?}");
    folder.run(&server.url, &["status", "A", "--header", "Authorization: Bearer token"]).exits(3);
    folder.file("x.ndjson", "{\"events\":[{\"type\":\"A\",\"data\":{}}]}\n");
    folder.run(&server.url, &["import", "x.ndjson"]).exits(1);
}
