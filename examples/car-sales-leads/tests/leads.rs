//! Events in every order, more than once, or not at all: the same leads, and no call about a withdrawn acceptance.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use booking_store::clock::System;
use booking_store::{BookingCode, EventId, EventType, JsonObject, Timestamp, Version};
use car_sales_leads::{CallDesk, Dealer, LeadsByBuyer, Priority};
use projection::memory::{MemoryDeadLetters, MemoryRecords, MemorySource};
use projection::{Current, Delivery, Outcome, Ports, Projector, ReactTo, ReactionError, RecordedEvent, ReplayId};
use projection::{Settings, current};
use serde_json::{Value, json};

const BUYER: &str = "buyer-7";

/// Calls by idempotency key, as a desk that heeds it makes them.
#[derive(Default)]
struct Desk(Mutex<BTreeMap<String, String>>);

#[async_trait]
impl CallDesk for Desk {
    async fn call(&self, key: &str, buyer: &str, offer: &str) -> Result<(), ReactionError> {
        assert_eq!(buyer, BUYER);
        self.0.lock().unwrap().insert(key.to_owned(), offer.to_owned());
        Ok(())
    }
}

impl Desk {
    fn offers(&self) -> Vec<String> {
        self.0.lock().unwrap().values().cloned().collect()
    }
}

/// A dealer's projection over in-memory stores, and the buyer's stream.
struct Dealership {
    source: Arc<MemorySource>,
    records: Arc<MemoryRecords>,
    desk: Arc<Desk>,
    projector: Projector<LeadsByBuyer>,
}

impl Dealership {
    fn new() -> Self {
        let (source, records, desk) =
            (Arc::<MemorySource>::default(), Arc::<MemoryRecords>::default(), Arc::<Desk>::default());
        let ports = Ports {
            source: source.clone(),
            records: records.clone(),
            dead_letters: Arc::new(MemoryDeadLetters::default()),
            clock: Arc::new(System),
            ids: Arc::new(System),
        };
        let dealer = Dealer { source: source.clone(), desk: desk.clone() };
        let projector = Projector::new(LeadsByBuyer, ports, Settings::default());
        let projector = projector.reacting(Arc::new(dealer), ReactTo::Everything);
        Self { source, records, desk, projector }
    }

    /// The buyer's stream gets an event.
    fn happens(&self, kind: &str, data: &Value) -> RecordedEvent {
        let now = Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
        self.source.append(RecordedEvent {
            booking_code: buyer(),
            version: Version::FIRST,
            event_id: EventId::from_bytes(*uuid(self.source.of(&buyer()).len())),
            event_type: EventType::parse(kind).unwrap(),
            occurred_at: now,
            accepted_at: now,
            data: JsonObject::parse(&data.to_string()).unwrap(),
            metadata: None,
        })
    }

    async fn delivered(&self, event: &RecordedEvent) {
        let report = self.projector.deliver(vec![Delivery::of(event.clone())]).await;
        assert!(matches!(report.outcomes[..], [Outcome::Done(_)]), "{report:?}");
    }

    async fn leads(&self) -> Vec<(String, Priority)> {
        match current(&LeadsByBuyer, self.records.as_ref(), &buyer()).await.unwrap() {
            Current::State(leads, _) => leads.0.into_iter().map(|(offer, lead)| (offer, lead.priority)).collect(),
            Current::Absent => Vec::new(),
            Current::Outdated(record) => panic!("{record:?}"),
        }
    }
}

fn buyer() -> BookingCode {
    BookingCode::parse(BUYER).unwrap()
}

fn uuid(n: usize) -> Box<[u8; 16]> {
    Box::new([u8::try_from(n).unwrap() + 1; 16])
}

fn offer(name: &str) -> Value {
    json!({"offer": name, "car": "A small red one", "price": "8999.00"})
}

/// Every order of `0..n`.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(n - 1);
    let inserted = |order: &Vec<usize>, place: usize| [&order[..place], &[n - 1], &order[place..]].concat();
    shorter.iter().flat_map(|order| (0..n).map(move |place| inserted(order, place))).collect()
}

#[tokio::test]
async fn every_order_gives_the_same_leads_and_calls() {
    for order in orders(6) {
        let dealership = Dealership::new();
        let events = [
            dealership.happens("OfferMade", &offer("a")),
            dealership.happens("OfferMade", &offer("b")),
            dealership.happens("OfferAccepted", &json!({"offer": "a"})),
            dealership.happens("OfferAccepted", &json!({"offer": "b"})),
            dealership.happens("OfferWithdrawn", &json!({"offer": "a"})),
            dealership.happens("OfferMade", &offer("c")),
        ];
        for place in order.iter().chain(&order[..2]) {
            dealership.delivered(&events[*place]).await;
        }
        assert_eq!(
            dealership.leads().await,
            [("b".to_owned(), Priority::High), ("c".to_owned(), Priority::Low)],
            "{order:?}"
        );
        assert_eq!(dealership.desk.offers(), ["b"], "{order:?}");
    }
}

#[tokio::test]
async fn events_that_never_come_are_fetched_by_the_next_one() {
    let dealership = Dealership::new();
    dealership.happens("OfferMade", &offer("a"));
    dealership.happens("OfferAccepted", &json!({"offer": "a"}));
    let last = dealership.happens("OfferMade", &offer("b"));
    dealership.delivered(&last).await;
    assert_eq!(dealership.leads().await, [("a".to_owned(), Priority::High), ("b".to_owned(), Priority::Low)]);
    assert_eq!(dealership.desk.offers(), ["a"]);
}

#[tokio::test]
async fn a_buyer_is_called_while_the_acceptance_holds_and_not_again_in_a_replay() {
    let dealership = Dealership::new();
    let made = dealership.happens("OfferMade", &offer("a"));
    let accepted = dealership.happens("OfferAccepted", &json!({"offer": "a"}));
    dealership.delivered(&made).await;
    dealership.delivered(&accepted).await;
    assert_eq!(dealership.desk.offers(), ["a"]);
    let withdrawn = dealership.happens("OfferWithdrawn", &json!({"offer": "a"}));
    dealership.delivered(&withdrawn).await;
    assert_eq!(dealership.leads().await, []);

    dealership.desk.0.lock().unwrap().clear();
    let replay = ReplayId::parse("monday").unwrap();
    for event in [made, accepted, withdrawn] {
        dealership.projector.deliver(vec![Delivery::replayed(event, replay.clone())]).await;
    }
    assert_eq!(dealership.leads().await, []);
    assert_eq!(dealership.desk.offers(), Vec::<String>::new());
}
