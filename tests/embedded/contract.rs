//! The running system against `docs/openapi.yaml`, asked by schemathesis: every operation of the document, with what it
//! allows and with what it does not. No answer is outside the document, and none above 499 but 503 while a store is down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::system::System;
use crate::venv::programs;

/// Most requests to an operation in a phase.
const EXAMPLES: &str = "40";
/// The same requests on every run.
const SEED: &str = "20261121";

/// What may be answered to a request that the document allows. 404: no such booking. 409: its code is taken, or it is at
/// another version. 422: an event id that was used for another event; no schema can rule it out, so schemathesis sends
/// such requests, and `event-id-reused` is the contract's answer.
const HEALTHY: &str = r#"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 404, 409, 422]
"#;
/// While a store is down also 503, whatever is asked.
const OUTAGE: &str = r#"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 404, 409, 422, 503]
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
[checks.negative_data_rejection]
expected-statuses = [400, 404, 405, 413, 415, 503]
"#;

/// A text beside this file.
fn beside(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("embedded").join(name)).unwrap()
}

fn document() -> String {
    beside("../../docs/openapi.yaml")
}

/// The document's operations as schemathesis names them.
fn operations(document: &str) -> BTreeSet<String> {
    let document: Value = serde_norway::from_str(document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |key| (key, path)));
    let operations = methods.filter(|(method, _)| !["parameters", "summary", "description"].contains(&method.as_str()));
    operations.map(|(method, path)| format!("{} {path}", method.to_uppercase())).collect()
}

/// A system with the bookings that contract.toml names: one of three events, one with a conflict, one alone.
async fn system() -> System {
    let system = System::start().await;
    let id = |n: u8| format!("0193b7a4-5a52-7000-8000-{n:012}");
    let event =
        |n: u8| json!({"event_id": id(n), "type": "BookingPriced", "data": {"total": "99.90", "currency": "EUR"}});
    for (code, expected, n) in [("LH4711", 0, 1), ("LH4711", 1, 2), ("LH4711", 2, 3), ("MUC-7", 0, 4), ("CAR.1", 0, 5)]
    {
        let body = json!({"expected_version": expected, "events": [event(n)]});
        let accepted = || async { [200, 201].contains(&system.post(code, body.to_string()).await.status) };
        system.until("the bookings are there", accepted).await;
    }
    system.faults(json!({"reservations": "down"})).await;
    assert_eq!(system.append("MUC-7", json!(0), &id(9)).await.status, 202);
    system.heal().await;
    system.settled().await;
    system
}

/// What schemathesis says of a system and a document.
struct Verdict {
    is_good: bool,
    said: String,
    /// The statuses of each operation's answers.
    answered: BTreeMap<String, BTreeSet<u64>>,
}

async fn judge(system: &System, document: String, allowed: &'static str, phases: &'static str) -> Verdict {
    let url = system.url.clone();
    let judging = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        file("schemathesis.toml", &(beside("contract.toml") + allowed));
        file("requests_as_meant.py", &beside("requests_as_meant.py"));
        file("openapi.yaml", &document);
        let mut command = Command::new(programs().join("schemathesis"));
        command.current_dir(folder.path()).env("PYTHONPATH", folder.path()).arg("--no-color");
        command.args(["run", "openapi.yaml", "--url", &url, "--checks", "all", "--phases", phases]);
        command.args(["--seed", SEED, "--max-examples", EXAMPLES, "--continue-on-failure"]);
        command.args(["--report", "ndjson", "--report-ndjson-path", "report.ndjson"]);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        let report = std::fs::read_to_string(folder.path().join("report.ndjson"));
        let report = report.unwrap_or_else(|error| panic!("schemathesis did not run: {error}: {said}"));
        Verdict { is_good: output.status.success(), said, answered: answered(&report) }
    });
    judging.await.unwrap()
}

/// The members of a JSON object, unread: the report holds numbers that are none to serde_json.
fn members(json: &str) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The member at `path`, below a JSON object.
fn member(json: &str, path: &[&str]) -> Option<String> {
    path.iter().try_fold(json.to_owned(), |json, name| members(&json).get(*name).map(|value| value.get().to_owned()))
}

/// The answers in a report: one JSON line an event, the answers of an operation in those of its finished scenarios.
fn answered(report: &str) -> BTreeMap<String, BTreeSet<u64>> {
    let mut answered: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for line in report.lines() {
        let Some(recorder) = member(line, &["ScenarioFinished", "recorder"]) else { continue };
        let label = member(&recorder, &["label"]).and_then(|label| serde_json::from_str(&label).ok());
        let interactions = members(&member(&recorder, &["interactions"]).unwrap_or_default());
        let status =
            |interaction: &RawValue| member(interaction.get(), &["response", "status_code"])?.parse::<u64>().ok();
        let statuses = interactions.values().filter_map(|interaction| status(interaction));
        answered.entry(label.unwrap_or_default()).or_default().extend(statuses);
    }
    answered
}

impl Verdict {
    /// Nothing is wrong, and there was something to judge.
    #[track_caller]
    fn is_good_of(&self, document: &str, expected: &[(&str, &[u64])]) {
        assert!(self.is_good, "{}", self.said);
        for operation in operations(document) {
            let answers = self.answered.get(&operation).is_some_and(|statuses| !statuses.is_empty());
            assert!(answers, "{operation} was not asked: {}", self.said);
        }
        for (operation, expected) in expected {
            let statuses = &self.answered[*operation];
            let seen = expected.iter().all(|status| statuses.contains(status));
            assert!(seen, "{operation} answered only {statuses:?}: contract.toml no longer leads there");
        }
    }
}

const APPEND: &str = "POST /bookings/{booking_code}/events";
const READ: &str = "GET /bookings/{booking_code}/events";
const SUMMARY: &str = "GET /bookings/{booking_code}";
const EVENT: &str = "GET /bookings/{booking_code}/events/{event_id}";
const HEALTH: &str = "GET /health";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_in_the_document() {
    let system = system().await;
    let verdict = judge(&system, document(), HEALTHY, "examples,coverage,fuzzing,stateful").await;
    let expected: [(&str, &[u64]); 5] = [
        (APPEND, &[201, 400, 404, 409, 415]),
        (READ, &[200, 304, 400, 404]),
        (SUMMARY, &[200, 400, 404]),
        (EVENT, &[200, 400, 404]),
        (HEALTH, &[200]),
    ];
    verdict.is_good_of(&document(), &expected);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_while_the_record_is_down_is_in_the_document() {
    let system = system().await;
    system.faults(json!({"events": "down"})).await;
    let verdict = judge(&system, document(), OUTAGE, "coverage,fuzzing").await;
    verdict.is_good_of(&document(), &[(APPEND, &[202, 400]), (READ, &[400, 503]), (HEALTH, &[200])]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_while_the_arbiter_is_down_is_in_the_document() {
    let system = system().await;
    system.faults(json!({"reservations": "down"})).await;
    let verdict = judge(&system, document(), OUTAGE, "coverage,fuzzing").await;
    verdict.is_good_of(&document(), &[(APPEND, &[202, 400, 503]), (READ, &[400, 503]), (SUMMARY, &[503])]);
    system.stop().await;
}

/// A document with three mistakes: a status it does not have, a member nobody sends, a bound that is too high.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_document_is_found_out() {
    let mistakes = [
        ("\"404\": { $ref", "\"410\": { $ref"),
        ("required: [booking_code, version, complete,", "required: [booking_code, version, completeness,"),
        ("maximum: 1000, default: 100", "maximum: 5000, default: 100"),
    ];
    let wrong = mistakes.into_iter().fold(document(), |text, (right, wrong)| {
        assert!(text.contains(right), "the document says {right} no more");
        text.replace(right, wrong)
    });
    let system = system().await;
    let verdict = judge(&system, wrong, HEALTHY, "coverage,fuzzing").await;
    assert!(!verdict.is_good, "{}", verdict.said);
    for found in
        ["Undocumented HTTP status code", "'completeness' is a required property", "API rejected schema-compliant"]
    {
        assert!(
            verdict.said.contains(found) || verdict.said.contains(&found.replace('\'', "\"")),
            "{found}: {}",
            verdict.said
        );
    }
    system.stop().await;
}
