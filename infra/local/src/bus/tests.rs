//! The bus in the ledger: the log, the rules, the outbox.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use booking_store::clock::System;
use booking_store::{BookingCode, EventId, EventType, JsonObject, NewEvent, Timestamp, Version};
use serde_json::{Value, json};

use super::*;
use crate::faults::{Change, Delivery};

const START: i64 = 1_795_000_000_000;

/// A clock set by hand.
#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_milliseconds(START + self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct Bench {
    bus: LocalBus,
    queues: Queues,
    faults: Faults,
    hand: Arc<Hand>,
    directory: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let (hand, directory) = (Arc::new(Hand::default()), tempfile::tempdir().unwrap());
        let (bus, queues, faults) = open(&directory, &hand).await;
        Self { bus, queues, faults, hand, directory }
    }

    async fn restart(self) -> Self {
        let Self { hand, directory, .. } = self;
        let (bus, queues, faults) = open(&directory, &hand).await;
        Self { bus, queues, faults, hand, directory }
    }

    fn pass(&self, time: Duration) {
        self.hand.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    async fn publish(&self, code: &str, event_type: &str) {
        let event = NewEvent {
            event_id: EventId::from_bytes([7; 16]),
            event_type: EventType::parse(event_type).unwrap(),
            occurred_at: None,
            data: JsonObject::parse(r#"{ "total" : 1.10 }"#).unwrap(),
            metadata: None,
        };
        let event = event.accept(Version::FIRST, Timestamp::parse("2026-11-21T09:00:00.123Z").unwrap());
        self.bus.publish(BusEvent::Event(&BookingCode::parse(code).unwrap(), &event)).await.unwrap();
    }

    async fn rule(&self, name: &str, target: Option<Target>, retry: Retry) -> Rule {
        let pattern = json!({"source": ["booking.events"]});
        self.bus.put_rule(name, &pattern, target, retry).await.unwrap()
    }

    async fn status(&self, name: &str) -> RuleStatus {
        self.bus.standing().await.unwrap().into_iter().find(|status| status.rule == name).unwrap()
    }
}

async fn open(directory: &tempfile::TempDir, hand: &Arc<Hand>) -> (LocalBus, Queues, Faults) {
    let ledger = Ledger::open(&directory.path().join("ledger.sqlite")).unwrap();
    let ids = Arc::new(System);
    let queues = Queues::open(ledger.clone(), Vec::new(), hand.clone(), ids.clone()).await.unwrap();
    let faults = Faults::default();
    let fixed = Rule {
        name: "Fixed".to_owned(),
        pattern: json!({"detail-type": ["OnlyForTheTemplate"]}),
        target: None,
        retry: Retry::default(),
        dead_letters: None,
        fixed: true,
    };
    let bus = LocalBus::open(ledger, vec![fixed], queues.clone(), faults.clone(), (hand.clone(), ids)).await.unwrap();
    (bus, queues, faults)
}

use std::time::Duration;

fn queue(name: &str) -> Option<Target> {
    Some(Target::Queue(name.to_owned()))
}

#[tokio::test]
async fn delivers_eventbridges_envelope_with_the_clients_bytes() {
    let bench = Bench::new().await;
    bench.publish("X1", "BookingPriced").await;
    let page = bench.bus.deliveries(0, 10, None).await.unwrap();
    let text = page.deliveries[0].entry.get();
    assert!(text.contains(r#""data":{ "total" : 1.10 }"#), "{text}");
    let entry: Value = serde_json::from_str(text).unwrap();
    assert_eq!(entry["source"], "booking.events");
    assert_eq!(entry["detail-type"], "BookingPriced");
    assert_eq!(entry["version"], "0");
    assert_eq!(entry["time"], "2026-11-21T09:00:00Z");
    assert_eq!(entry["detail"]["version"], 1);
    assert_eq!(entry["resources"], json!([]));
}

#[tokio::test]
async fn pages_in_order_and_by_rule_and_keeps_rules() {
    let bench = Bench::new().await;
    let (prices, all) = (json!({"detail-type": ["BookingPriced"]}), json!({"source": ["booking.events"]}));
    bench.bus.put_rule("prices", &prices, None, Retry::default()).await.unwrap();
    bench.bus.put_rule("all", &all, None, Retry::default()).await.unwrap();
    assert!(bench.bus.put_rule("bad", &json!({"source": "x"}), None, Retry::default()).await.is_err());
    bench.publish("X1", "BookingPriced").await;
    bench.publish("X1", "BookingCancelled").await;
    let bench = bench.restart().await;
    bench.publish("X2", "BookingPriced").await;
    assert_eq!(bench.bus.delivered().await.unwrap(), 3);
    let first = bench.bus.deliveries(0, 2, None).await.unwrap();
    assert_eq!(first.deliveries.iter().map(|d| d.rules.len()).collect::<Vec<_>>(), [2, 1]);
    let rest = bench.bus.deliveries(first.next, 2, None).await.unwrap();
    assert_eq!((rest.deliveries.len(), rest.next), (1, 3));
    assert_eq!(bench.bus.deliveries(rest.next, 2, None).await.unwrap().next, 3);
    let prices = bench.bus.deliveries(0, 10, Some("prices")).await.unwrap();
    assert_eq!(prices.deliveries.iter().map(|d| d.n).collect::<Vec<_>>(), [1, 3]);
    assert!(bench.bus.delete_rule("all").await.unwrap());
    assert!(!bench.bus.delete_rule("all").await.unwrap());
    let names: Vec<String> = bench.bus.all_rules().into_iter().map(|rule| rule.name).collect();
    assert_eq!(names, ["Fixed", "prices"]);
}

#[tokio::test]
async fn the_templates_rules_cannot_be_changed_and_bad_targets_are_refused() {
    let bench = Bench::new().await;
    let pattern = json!({"source": ["booking.events"]});
    let put = |name, target| bench.bus.put_rule(name, &pattern, target, Retry::default());
    assert!(matches!(put("Fixed", None).await, Err(InvalidRule::Fixed(_))));
    assert!(matches!(bench.bus.delete_rule("Fixed").await, Err(InvalidRule::Fixed(_))));
    for url in ["", "127.0.0.1:9", "ftp://x/", "file:///etc/passwd"] {
        assert!(matches!(put("w", Some(Target::Webhook(url.to_owned()))).await, Err(InvalidRule::Webhook)), "{url}");
    }
    assert!(matches!(put("q", queue("a b")).await, Err(InvalidRule::Queue(_))));
    assert!(put("w", Some(Target::Webhook("http://127.0.0.1:9/hook".to_owned()))).await.is_ok());
}

#[tokio::test]
async fn what_waits_survives_a_restart_and_is_handed_over_once() {
    let bench = Bench::new().await;
    bench.rule("prices", queue("prices"), Retry::default()).await;
    bench.publish("X1", "BookingPriced").await;
    bench.publish("X2", "BookingPriced").await;
    let bench = bench.restart().await;
    bench.pass(Duration::from_secs(3));
    let status = bench.status("prices").await;
    assert_eq!((status.waiting, status.lag_s, status.target), (2, 3, queue("prices")));
    let rule = bench.bus.targeted().remove(0);
    let receiver = bench.queues.get("prices").unwrap();
    let due = bench.bus.due("prices", 10).await.unwrap();
    // The same parcels twice, as after a crash that could not happen: it is one transaction.
    for _ in 0..2 {
        bench.bus.hand_over(&rule, &receiver, due.clone()).await.unwrap();
    }
    let received = receiver.receive(10).await.unwrap();
    let codes: Vec<String> = received
        .iter()
        .map(|message| serde_json::from_str::<Value>(&message.body).unwrap()["detail"]["booking_code"].to_string())
        .collect();
    assert_eq!(codes, ["\"X1\"", "\"X2\""]);
    let status = bench.status("prices").await;
    assert_eq!((status.waiting, status.delivered), (0, 2));
}

#[tokio::test]
async fn retries_back_off_and_end_in_a_dead_letter_that_can_be_sent_again() {
    let bench = Bench::new().await;
    let rule = bench.rule("prices", queue("prices"), Retry { max_retries: 2, max_age_s: 3600 }).await;
    bench.publish("X1", "BookingPriced").await;
    let mut waited = Vec::new();
    loop {
        let Some(parcel) = bench.bus.due("prices", 10).await.unwrap().pop() else {
            match bench.bus.next_due_in().await.unwrap() {
                Some(pause) => bench.pass(pause),
                None => break,
            }
            waited.push(bench.bus.now() - START);
            continue;
        };
        bench.bus.settle(&rule, parcel, Outcome::Failed("closed".to_owned())).await.unwrap();
    }
    assert_eq!(waited, [200, 600]);
    let status = bench.status("prices").await;
    assert_eq!((status.waiting, status.failed_attempts, status.dead_letters), (0, 3, 1));
    assert_eq!(status.last_error.as_deref(), Some("closed"));
    let letters = crate::queue::dead_letters(&bench.bus.ledger, 0, 10, Some("rule prices".to_owned())).await.unwrap();
    assert_eq!((letters[0].receives, letters[0].reason.as_str()), (3, "closed"));

    assert_eq!(bench.bus.redrive("nobody").await.unwrap(), None);
    assert_eq!(bench.bus.redrive("prices").await.unwrap(), Some(1));
    let again = bench.bus.due("prices", 10).await.unwrap().remove(0);
    assert_eq!(again.entry, letters[0].body);
    bench.bus.settle(&rule, again, Outcome::Delivered).await.unwrap();
    let status = bench.status("prices").await;
    assert_eq!((status.waiting, status.delivered, status.dead_letters), (0, 1, 0));
}

#[tokio::test]
async fn what_is_refused_for_good_or_too_old_is_given_up_at_once() {
    let bench = Bench::new().await;
    let rule = bench.rule("prices", queue("prices"), Retry { max_retries: 99, max_age_s: 60 }).await;
    bench.publish("X1", "BookingPriced").await;
    let parcel = bench.bus.due("prices", 1).await.unwrap().remove(0);
    bench.bus.settle(&rule, parcel, Outcome::Refused("400".to_owned())).await.unwrap();
    assert_eq!(bench.status("prices").await.dead_letters, 1);
    bench.publish("X2", "BookingPriced").await;
    bench.pass(Duration::from_secs(60));
    let parcel = bench.bus.due("prices", 1).await.unwrap().remove(0);
    bench.bus.settle(&rule, parcel, Outcome::Failed("503".to_owned())).await.unwrap();
    assert_eq!(bench.status("prices").await.dead_letters, 2);
}

/// Entries are what the log says they are, whatever the lossy bus did: the log is the bus's own, not a target's.
#[tokio::test]
async fn a_lossy_bus_loses_doubles_and_shuffles_what_goes_to_targets_and_counts_it() {
    let bench = Bench::new().await;
    bench.rule("prices", queue("prices"), Retry::default()).await;
    let lossy = Change { stores: BTreeMap::new(), delivery: Some(Delivery::Lossy), delivery_seed: Some(7) };
    bench.faults.switch(lossy);
    for n in 0..300 {
        bench.publish(&format!("X{n}"), "BookingPriced").await;
    }
    bench.pass(Duration::from_secs(1));
    let due = bench.bus.due("prices", 1000).await.unwrap();
    let status = bench.status("prices").await;
    assert!((15..=50).contains(&status.dropped) && (15..=50).contains(&status.duplicated), "{status:?}");
    assert_eq!(due.len() as i64, 300 - status.dropped + status.duplicated);
    assert!(!due.iter().map(|parcel| parcel.n).is_sorted());
    assert_eq!(bench.bus.delivered().await.unwrap(), 300);
    bench.faults.switch(Change { delivery: Some(Delivery::Up), ..Change::default() });
    bench.publish("Y", "BookingPriced").await;
    assert_eq!(bench.status("prices").await.waiting, due.len() as i64 + 1);
}

#[tokio::test]
async fn a_rule_that_goes_takes_its_outbox_along() {
    let bench = Bench::new().await;
    bench.rule("prices", queue("prices"), Retry::default()).await;
    bench.publish("X1", "BookingPriced").await;
    assert!(bench.bus.delete_rule("prices").await.unwrap());
    bench.rule("prices", queue("prices"), Retry::default()).await;
    assert_eq!(bench.bus.due("prices", 10).await.unwrap(), []);
    bench.publish("X1", "BookingPriced").await;
    bench.rule("prices", None, Retry::default()).await;
    assert_eq!(bench.status("prices").await.waiting, 0);
}
