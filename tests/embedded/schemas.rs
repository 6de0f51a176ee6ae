//! What the bus is given is what `docs/schemas` promises to projection teams, and the example's rule selects of it what it says.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::hotel;
use crate::system::{System, event_id};

/// A file of the project.
fn text(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// A schema, and the members it requires.
struct Schema {
    validator: jsonschema::Validator,
    required: Vec<String>,
}

impl Schema {
    fn named(name: &str) -> Self {
        let schema: Value = serde_json::from_str(&text(&format!("docs/schemas/{name}.json"))).unwrap();
        let required = schema["required"].as_array().into_iter().flatten();
        let required = required.map(|name| name.as_str().unwrap().to_owned()).collect();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        Self { validator, required }
    }

    /// It allows `value`, and not without any member it requires.
    fn holds(&self, value: &Value) {
        let errors: Vec<_> = self.validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {value}");
        for member in &self.required {
            let mut less = value.clone();
            less.as_object_mut().unwrap().remove(member).unwrap();
            assert!(!self.validator.is_valid(&less), "{member} is not asked for");
        }
    }
}

/// Which schema an entry's detail is promised to follow.
fn promised(entry: &Value) -> &'static str {
    match (entry["source"].as_str().unwrap(), entry["detail-type"].as_str().unwrap()) {
        ("booking.events", "BookingCodeConflict") => "booking-code-conflict",
        ("booking.events", _) => "event",
        ("booking.events.replay", _) => "replayed-event",
        other => panic!("nobody promised {other:?}"),
    }
}

/// Makes the rules of the example, as its template has them.
async fn finance_rules(system: &System) {
    let template: serde_norway::Value =
        serde_norway::from_str(&text("examples/cancelled-bookings/template.yaml")).unwrap();
    for rule in ["CancelledBookingsRule", "ReplayedCancelledBookingsRule"] {
        let pattern = &template["Resources"][rule]["Properties"]["EventPattern"];
        let body = json!({"pattern": serde_json::to_value(pattern).unwrap(), "target": {"queue": "finance"}});
        assert_eq!(system.ask("PUT", &format!("/local/rules/{rule}"), Some(body)).await.status, 200);
    }
}

/// A deferred booking that loses its code, to have a conflict on the bus.
async fn lose_a_code(system: &System) {
    system.create("X").await;
    system.settled().await;
    system.faults(json!({"reservations": "down"})).await;
    assert_eq!(system.append("X", json!(0), &event_id()).await.outcome(), (202, "deferred".to_owned()));
    system.heal().await;
    system.settled().await;
}

/// Orders a replay of everything and waits for its end.
async fn replay(system: &System, consumer: &str) {
    let order = json!({"all": true, "consumer": consumer, "rate_per_s": 1000});
    let ordered = system.ask("POST", "/replays", Some(order)).await.json();
    let path = format!("/replays/{}", ordered["replay_id"].as_str().unwrap());
    system.until("replayed", || async { system.get(&path).await.json()["status"] == "done" }).await;
}

/// What is in the queue `finance`: event ids, and as what they came.
async fn finance(system: &System) -> BTreeSet<(String, String)> {
    let mut got = BTreeSet::new();
    loop {
        let page = system.get("/local/queues/finance/messages?max=10&visibility_timeout_s=600").await.json();
        let messages = page["messages"].as_array().unwrap().clone();
        if messages.is_empty() {
            return got;
        }
        for message in messages {
            let entry: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
            let told = format!("{} {}", entry["source"].as_str().unwrap(), entry["detail-type"].as_str().unwrap());
            got.insert((entry["detail"]["event_id"].as_str().unwrap().to_owned(), told));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_what_their_schemas_promise_and_finance_gets_the_cancelled_ones() {
    let system = System::start().await;
    finance_rules(&system).await;
    hotel::append(&system, &hotel::bookings()[..40]).await;
    lose_a_code(&system).await;
    replay(&system, "finance").await;
    replay(&system, "somebody-else").await;

    let (mut seen, mut cancelled) = (BTreeSet::new(), BTreeSet::new());
    for entry in system.bus().await {
        let (schema, kind) = (promised(&entry), entry["detail-type"].as_str().unwrap().to_owned());
        Schema::named(schema).holds(&entry["detail"]);
        // The system's own test events are no hotel's.
        if kind != "BookingCodeConflict" && entry["detail"]["booking_code"] != "X" {
            Schema::named(&kind).holds(&entry["detail"]["data"]);
        }
        if kind == "BookingCancelled" && entry["detail"]["consumer"] != "somebody-else" {
            let id = entry["detail"]["event_id"].as_str().unwrap().to_owned();
            cancelled.insert((id, format!("{} {kind}", entry["source"].as_str().unwrap())));
        }
        seen.insert((schema, kind));
    }
    let kinds = ["BookingPriced", "BookingAmended", "BookingCancelled", "BookingCheckedOut", "BookingNoShow"];
    let mut wanted: BTreeSet<_> = ["event", "replayed-event"]
        .into_iter()
        .flat_map(|schema| kinds.map(|kind| (schema, kind.to_owned())))
        .collect();
    wanted.insert(("booking-code-conflict", "BookingCodeConflict".to_owned()));
    assert_eq!(seen, wanted);

    for rule in ["CancelledBookingsRule", "ReplayedCancelledBookingsRule"] {
        system.until("all delivered", || async { system.rule_status(rule).await["waiting"] == 0 }).await;
    }
    assert!(cancelled.len() > 10, "{cancelled:?}");
    assert_eq!(finance(&system).await, cancelled);
    system.stop().await;
}
