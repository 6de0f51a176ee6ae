//! The real binary: what it accepted survives `kill -9` in the middle of an outage and is settled after a restart, in
//! order; what stands in its way it says in one line.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running process, killed with this value.
struct Process {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data_dir: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_booking-store-local"));
    command.arg("--data-dir").arg(data_dir).arg("--port").arg(port.to_string());
    // Nothing of the developer's own account or proxy may matter.
    command.env("AWS_ACCESS_KEY_ID", "").env("AWS_PROFILE", "absent").env("HTTP_PROXY", "http://127.0.0.1:1");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(data_dir: &Path) -> Process {
    let mut child = command(data_dir, 0).stderr(Stdio::inherit()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    let url = first.split(' ').find(|word| word.starts_with("http://")).unwrap().to_owned();
    Process { child, url, http: reqwest::Client::builder().no_proxy().build().unwrap() }
}

impl Process {
    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn append(&self, code: &str, expected_version: u64, kind: &str) -> (StatusCode, Value) {
        let body =
            json!({"expected_version": expected_version, "events": [{"type": kind, "data": {"total": "120.00"}}]});
        let url = format!("{}/bookings/{code}/events", self.url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn faults(&self, modes: Value) -> (StatusCode, Value) {
        let answer = self.http.put(format!("{}/local/faults", self.url)).json(&modes).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// The status, once nothing is left to do.
    async fn settled(&self) -> Value {
        let settled = async {
            let mut every = tokio::time::interval(Duration::from_millis(100));
            loop {
                every.tick().await;
                let (_, status) = self.get("/local/status").await;
                if ["pending_bookings", "queue_depth", "stream_lag"].iter().all(|name| status[*name] == 0) {
                    return status;
                }
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("not settled in time")
    }

    /// The versions of a booking's events as the bus delivered them for the first time.
    async fn first_deliveries(&self, code: &str) -> Vec<u64> {
        let (_, page) = self.get("/local/bus?limit=1000").await;
        let details = page["deliveries"].as_array().unwrap().iter().map(|delivery| &delivery["entry"]["detail"]);
        let mut versions = Vec::new();
        for detail in details.filter(|detail| detail["booking_code"] == code) {
            let version = detail["version"].as_u64().unwrap();
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        versions
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut process = start(&data);
    assert_eq!(process.append("KEPT", 0, "BookingPriced").await.0, StatusCode::CREATED);

    process.faults(json!({"events": "down"})).await;
    for (version, kind) in [(0, "BookingPriced"), (1, "BookingAmended")] {
        let (status, answer) = process.append("PENDING", version, kind).await;
        assert_eq!((status, &answer["status"]), (StatusCode::ACCEPTED, &json!("pending")));
    }
    process.faults(json!({"reservations": "down"})).await;
    let (status, answer) = process.append("DEFERRED", 0, "BookingPriced").await;
    assert_eq!((status, &answer["status"]), (StatusCode::ACCEPTED, &json!("deferred")));
    assert_eq!(process.append("PENDING", 2, "BookingAmended").await.0, StatusCode::SERVICE_UNAVAILABLE);
    process.child.kill().unwrap();
    process.child.wait().unwrap();

    // The switches are not kept: after the restart every store is up.
    let process = start(&data);
    let status = process.settled().await;
    assert_eq!((&status["dead_letters"], &status["failed_records"]), (&json!(0), &json!(0)));
    for (code, versions) in [("KEPT", vec![1]), ("PENDING", vec![1, 2]), ("DEFERRED", vec![1])] {
        let (found, page) = process.get(&format!("/bookings/{code}/events")).await;
        assert_eq!(found, StatusCode::OK, "{page}");
        let events = page["events"].as_array().unwrap();
        assert_eq!(
            events.iter().map(|event| event["version"].as_u64().unwrap()).collect::<Vec<_>>(),
            versions,
            "{code}"
        );
        assert!(events.iter().all(|event| event["status"] == "recorded"), "{page}");
        assert_eq!(process.first_deliveries(code).await, versions, "{code}");
    }
}

/// What a rule has on its way is delivered after the next start, and prices and feed go on where they were.
#[tokio::test]
async fn a_killed_process_delivers_what_was_on_its_way() {
    let directory = tempfile::tempdir().unwrap();
    let mut process = start(directory.path());
    let rule = json!({"pattern": {"source": ["booking.events"]}, "target": {"queue": "mine"}});
    let put = process.http.put(format!("{}/local/rules/mine", process.url)).json(&rule).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::OK);
    process.faults(json!({"delivery": "down"})).await;
    for code in ["A", "B", "C"] {
        assert_eq!(process.append(code, 0, "BookingPriced").await.0, StatusCode::CREATED);
    }
    let published = process.settled().await["published"].clone();
    assert_eq!(published, 3);
    process.child.kill().unwrap();
    process.child.wait().unwrap();

    let process = start(directory.path());
    process.settled().await;
    let mut codes = Vec::new();
    while codes.len() < 3 {
        let (status, page) = process.get("/local/queues/mine/messages?max=10&wait_s=20").await;
        assert_eq!(status, StatusCode::OK);
        let received = page["messages"].as_array().unwrap();
        assert!(!received.is_empty(), "lost: only {codes:?} came");
        for message in received {
            let entry: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
            codes.push(entry["detail"]["booking_code"].as_str().unwrap().to_owned());
        }
    }
    codes.sort();
    assert_eq!(codes, ["A", "B", "C"]);
    assert_eq!(process.get("/feed").await.1["events"].as_array().unwrap().len(), 3);
    let priced = async {
        let mut every = tokio::time::interval(Duration::from_millis(100));
        while process.get("/prices/C").await.0 != StatusCode::OK {
            every.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, priced).await.expect("no price in time");
}

#[tokio::test]
async fn stops_cleanly_when_asked_and_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let mut process = start(directory.path());
    assert_eq!(process.append("A", 0, "BookingPriced").await.0, StatusCode::CREATED);
    let asked = Command::new("kill").args(["-TERM", &process.child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert!(process.child.wait().unwrap().success());
    let process = start(directory.path());
    assert_eq!(process.get("/bookings/A").await.1["version"], 1);
    process.settled().await;
    assert_eq!(process.first_deliveries("A").await, [1]);
}

#[tokio::test]
async fn says_in_one_line_what_is_in_its_way() {
    let directory = tempfile::tempdir().unwrap();
    let process = start(directory.path());
    let port = process.url.rsplit(':').next().unwrap().parse().unwrap();
    let other = tempfile::tempdir().unwrap();
    for (mut command, reason) in
        [(command(directory.path(), 0), "is in use by another"), (command(other.path(), port), "--port")]
    {
        let mut child = command.spawn().unwrap();
        assert!(!child.wait().unwrap().success());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(said.contains(reason) && said.trim().lines().count() == 1, "{said}");
    }
}

#[tokio::test]
async fn wrong_switches_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let process = start(directory.path());
    let (status, problem) = process.faults(json!({"events": "down", "cable": "cut"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["errors"][0]["pointer"], "/cable");
    assert_eq!(process.get("/local/faults").await.1["events"], "up");
    assert_eq!(process.get("/nowhere").await.0, StatusCode::NOT_FOUND);
    let deleted = process.http.delete(format!("{}/local/status", process.url)).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(deleted.headers()["allow"].to_str().unwrap().contains("GET"));
}

#[tokio::test]
async fn an_answer_lost_is_no_event_lost_or_doubled() {
    let options = local::Options { port: 0, data_dir: None, deferred_accept: true };
    let running = local::start(options).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let faults = |modes: Value| http.put(format!("{}/local/faults", running.url())).json(&modes).send();
    let id = "0193b7a4-5a52-7cc0-8b26-33f0a1d9a3a5";
    let body = json!({"expected_version": 0, "events": [{"event_id": id, "type": "BookingPriced", "data": {}}]});
    let append = || http.post(format!("{}/bookings/LOST/events", running.url())).json(&body).send();
    faults(json!({"reservations": "unknown", "queue": "down"})).await.unwrap();
    let answer = append().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json::<Value>().await.unwrap()["outcome"], "unknown");
    faults(json!({"reservations": "up", "queue": "up"})).await.unwrap();
    // The circuit may need a moment to close.
    let mut every = tokio::time::interval(Duration::from_millis(200));
    let answer = loop {
        every.tick().await;
        let answer = append().await.unwrap();
        if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
            break answer;
        }
    };
    assert!(answer.status().is_success(), "{}", answer.status());
    let page = http.get(format!("{}/bookings/LOST/events", running.url())).send().await.unwrap();
    assert_eq!(page.json::<Value>().await.unwrap()["version"], 1);
    running.shutdown().await;
}
