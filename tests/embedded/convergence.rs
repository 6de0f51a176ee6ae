//! A projection left without a tenth of its events, restarted twice and replayed once over the importer's bookings, with
//! new events coming in meanwhile, ends byte for byte as the full fold of the source.
//!
//! `BOOKINGS_CSV` names the hotel file for the same over the real bookings.

use booking_tests::convergence::{Convergence, converged};
use price_projection::CONSUMER;
use projection::dynamodb::DynamoRecords;
use serde_json::json;

use crate::hotel;
use crate::system::System;

async fn check(system: &System) -> Convergence {
    let records = DynamoRecords::new(system.tables().await, "PricesTable".to_owned(), CONSUMER);
    converged(&reqwest::Client::new(), &system.url, &records).await
}

/// Nothing is on its way any more: stream, queues, outboxes.
async fn quiet(system: &System) {
    system.settled().await;
    let quiet = || async {
        let status = system.get("/local/status").await.json();
        let none = |list: &str, what: &str| status[list].as_array().unwrap().iter().all(|one| one[what] == 0);
        none("streams", "lag") && none("rules", "waiting") && none("queues", "messages")
    };
    // Bookings whose last event waits behind a gap are backed off for seconds.
    system.until_within("all is quiet", 300, quiet).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_tenth_of_its_events_and_replayed_once_it_ends_equal_to_the_full_fold() {
    let directory = tempfile::tempdir().unwrap();
    let start = || System::start_in(Some(directory.path().to_owned()));
    let bookings = hotel::bookings();
    let (before, during) = bookings.split_at(bookings.len() * 4 / 5);
    let mut system = start().await;
    for (part, seed) in before.chunks(before.len().div_ceil(3)).zip([11, 12, 13]) {
        // The switches are not kept, and a stop in the middle of everything is what is asked for.
        system.faults(json!({"delivery": "lossy", "delivery_seed": seed})).await;
        hotel::append(&system, part).await;
        if seed < 13 {
            system.stop().await;
            system = start().await;
        }
    }
    quiet(&system).await;
    let rule = system.rule_status("PriceRule").await;
    let lost = check(&system).await;
    println!("after the losses: {}; {rule}", lost.line());
    assert!(lost.faults.is_empty(), "{}", lost.line());
    let dropped = usize::try_from(rule["dropped"].as_u64().unwrap()).unwrap();
    assert!((lost.events / 20..lost.events / 5).contains(&dropped), "{dropped} dropped of {}", lost.events);
    assert!(lost.behind > lost.bookings / 50, "losing them cost nothing: {}", lost.line());

    system.faults(json!({"delivery": "up"})).await;
    // Slow enough for new events to come in meanwhile.
    let rate = (lost.events / 10).clamp(1, 1000);
    let order = json!({"all": true, "consumer": CONSUMER, "rate_per_s": rate});
    let ordered = system.ask("POST", "/replays", Some(order)).await;
    assert_eq!(ordered.status, 202, "{ordered:?}");
    let path = ordered.header("location").to_owned();
    let (first, rest) = during.split_at(during.len() / 10);
    hotel::append(&system, first).await;
    assert_eq!(system.get(&path).await.json()["status"], "running", "the new events came after it");
    hotel::append(&system, rest).await;
    system.until_within("replayed", 600, || async { system.get(&path).await.json()["status"] == "done" }).await;
    quiet(&system).await;
    let replay = system.get(&path).await.json();
    let end = check(&system).await;
    println!("after the replay: {}; {replay}", end.line());
    assert_eq!(replay["errors"], 0);
    assert_eq!(end.bookings, bookings.len());
    assert!(end.is_whole(), "{}", end.line());
    system.stop().await;
}
