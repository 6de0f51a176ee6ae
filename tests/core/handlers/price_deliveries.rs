//! A recorded batch of the price projection's queue: disorder, twins, a replay, another team's event, one without a
//! total, one that is none.

use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use booking_store::failure::Store;
use booking_tests::{Answer, CountedIds, World, code, draft};
use lambda_http::Body;
use lambda_http::http::Request;
use price_projection::deliveries::{Context, handle};
use price_projection::http;
use projection::memory::{MemoryDeadLetters, MemoryMessages, MemoryRecords};
use projection::tables::TablesSource;
use projection::{Ports, Settings};
use serde_json::{Value, json};

use super::payloads::PRICE_BATCH;

/// The store with the bookings of the batch, and the projection behind it.
struct Prices {
    world: World,
    records: Arc<MemoryRecords>,
    dead_letters: Arc<MemoryDeadLetters>,
    messages: Arc<MemoryMessages>,
    context: Context,
}

impl Prices {
    async fn new() -> Self {
        let world = World::new();
        let priced = draft(1).with_data(r#"{"total":"120.00","currency":"EUR"}"#);
        let _ = world.append("LH4711", Some(0), &[priced]).await.is(201);
        let amended = draft(2).of_type("BookingAmended").with_data(r#"{ "total" : 99.90 }"#);
        let _ = world.append("LH4711", Some(1), &[amended]).await.is(201);
        let priced = draft(3).with_data(r#"{"total":"1.10","currency":"CHF"}"#);
        let _ = world.append("MUC-7", Some(0), &[priced]).await.is(201);
        let _ = world.append("car.99", Some(0), &[draft(4).with_data(r#"{"currency":"EUR"}"#)]).await.is(201);
        let other = draft(5).of_type("RoomChanged").with_data(r#"{"room":7}"#);
        let _ = world.append("MUC-7", Some(1), &[other]).await.is(201);
        let _ = world.append("car.98", Some(0), &[draft(6).with_data(r#"{"total":"7.00"}"#)]).await.is(201);
        let (records, dead_letters) = (Arc::<MemoryRecords>::default(), Arc::<MemoryDeadLetters>::default());
        let messages = Arc::<MemoryMessages>::default();
        let ports = Ports {
            source: Arc::new(TablesSource::new(world.stores.clone())),
            records: records.clone(),
            dead_letters: dead_letters.clone(),
            clock: world.clock.clone(),
            ids: Arc::new(CountedIds::default()),
        };
        let context = Context::new(ports, messages.clone());
        Self { world, records, dead_letters, messages, context }
    }

    /// Delivers the recorded messages at `places` of the batch; the places of those to keep.
    async fn deliver(&self, places: &[usize]) -> Vec<usize> {
        let batch: Value = serde_json::from_str(PRICE_BATCH).unwrap();
        let records: Vec<_> = places.iter().map(|place| batch["Records"][place].clone()).collect();
        let event: SqsEvent = serde_json::from_value(json!({"Records": records})).expect("the runtime parses it");
        let response = serde_json::to_value(handle(&self.context, event).await).unwrap();
        let failures = response["batchItemFailures"].as_array().expect("the member Lambda looks for");
        let all = batch["Records"].as_array().unwrap();
        let place = |id: &Value| all.iter().position(|record| record["messageId"] == *id).unwrap();
        let mut kept: Vec<_> = failures.iter().map(|failure| place(&failure["itemIdentifier"])).collect();
        kept.sort_unstable();
        kept
    }

    /// What the function behind the API says.
    async fn shown(&self, booking_code: &str) -> Answer {
        let request = Request::get(format!("https://api.example/prices/{booking_code}")).body(Body::Empty).unwrap();
        Answer::of(http::handle(&http::Context { records: self.records.clone() }, request).await)
    }

    async fn price(&self, booking_code: &str) -> [Value; 4] {
        let shown = self.shown(booking_code).await.is(200);
        ["version", "total", "currency", "state"].map(|name| shown.json[name].clone())
    }
}

const ALL: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

#[tokio::test]
async fn a_whole_batch() {
    let prices = Prices::new().await;
    assert_eq!(prices.deliver(&ALL).await, [3], "only the event without a total comes again");
    assert_eq!(prices.price("LH4711").await, [json!(2), json!("99.90"), json!("EUR"), json!("amended")]);
    assert_eq!(prices.price("MUC-7").await, [json!(2), json!("1.10"), json!("CHF"), json!("priced")]);
    assert_eq!(prices.price("car.98").await, [json!(1), json!("7.00"), json!(null), json!("priced")]);
    let letters = prices.dead_letters.letters();
    assert_eq!(letters.iter().map(|letter| letter.body.as_str()).collect::<Vec<_>>(), ["not JSON at all"]);
    let pauses = prices.messages.pauses();
    let receipt = serde_json::from_str::<Value>(PRICE_BATCH).unwrap()["Records"][3]["receiptHandle"].clone();
    assert_eq!(pauses, [(receipt.as_str().unwrap().to_owned(), Settings::default().first_pause)]);
    prices.world.heal().await;
}

/// Message by message in any order, some twice, one never: the same prices, byte for byte.
#[tokio::test]
async fn order_twins_and_losses_change_nothing() {
    let whole = Prices::new().await;
    whole.deliver(&ALL).await;
    // The last one lacks the first event of LH4711, which is fetched.
    for places in [&[7, 6, 5, 4, 2, 1, 0][..], &[4, 0, 4, 6, 1, 5, 1], &[5, 0, 6, 0]] {
        let prices = Prices::new().await;
        for place in places {
            assert_eq!(prices.deliver(&[*place]).await, [0; 0], "{place}");
        }
        for booking_code in ["LH4711", "MUC-7", "car.98"] {
            let stored = |prices: &Prices| prices.records.get(&code(booking_code)).map(|it| (it.position, it.state));
            assert_eq!(stored(&prices), stored(&whole), "{booking_code} {places:?}");
        }
    }
}

/// The booking whose event can't be applied stands still, is given up with its reason in the end, and says so.
#[tokio::test]
async fn an_event_without_a_total_is_tried_and_given_up() {
    let prices = Prices::new().await;
    let attempts = Settings::default().max_attempts;
    for _ in 1..attempts {
        assert_eq!(prices.deliver(&[3]).await, [3]);
        prices.world.wait(Settings::default().longest_pause);
    }
    assert!(prices.dead_letters.letters().is_empty());
    assert_eq!(prices.deliver(&[3]).await, [0; 0], "it has its dead letter");
    let letters = prices.dead_letters.letters();
    assert_eq!((letters.len(), letters[0].reason.as_str()), (1, "data.total is missing"));
    assert_eq!(letters[0].booking_code, Some(code("car.99")));
    let shown = prices.shown("car.99").await.is_problem(404, "price-not-found");
    assert_eq!(
        (&shown.json["parked"]["attempts"], &shown.json["parked"]["retry_at"]),
        (&json!(attempts), &json!(null))
    );
}

/// A gap can't be filled while the source is silent: the message comes again, nothing is parked, nothing is wrong.
#[tokio::test]
async fn a_silent_source_keeps_the_message_and_parks_nothing() {
    let prices = Prices::new().await;
    prices.world.settle().await;
    prices.world.faults.down(Store::Reservations);
    prices.world.faults.down(Store::Events);
    assert_eq!(prices.deliver(&[0, 1]).await, [0], "MUC-7 needs no source");
    assert_eq!(prices.shown("LH4711").await.status, 404);
    assert!(prices.records.get(&code("LH4711")).is_none_or(|record| record.parked.is_none()));
    prices.world.faults.all_up();
    assert_eq!(prices.deliver(&[0]).await, [0; 0]);
    assert_eq!(prices.price("LH4711").await[1], "99.90");
    prices.world.heal().await;
}
