//! The price projection behind a bus that loses a tenth of its events, killed twice, replayed once.

use std::path::Path;
use std::time::Duration;

use booking_tests::convergence::{Convergence, converged};
use price_projection::CONSUMER;
use projection::dynamodb::DynamoRecords;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::children::Child;
use crate::{pause, settled};

/// From now on a tenth of what is for targets is lost, a tenth comes twice, and neighbours change places.
pub(crate) async fn lose_a_tenth(http: &reqwest::Client, url: &str) {
    deliver(http, url, json!({"delivery": "lossy", "delivery_seed": 2026})).await;
}

/// Kills the system while the projection is at work, twice, and waits for all that is left to come about.
pub(crate) async fn kill_twice(http: &reqwest::Client, mut server: Child, directory: &Path) -> (Child, Convergence) {
    for _ in 0..2 {
        let status = get(http, &format!("{}/local/status", server.url)).await;
        eprintln!("killed in the middle of: {} {}", status["rules"], status["queues"]);
        server = server.restart(directory);
        server.until_it_answers(http).await;
        lose_a_tenth(http, &server.url).await;
        pause(Duration::from_secs(1)).await;
    }
    settled(http, &server.url).await;
    let lost = check(http, &server.url).await;
    deliver(http, &server.url, json!({"delivery": "up"})).await;
    (server, lost)
}

/// Replays everything to the projection; what it came to.
pub(crate) async fn replay(http: &reqwest::Client, url: &str) -> Value {
    let order = json!({"all": true, "consumer": CONSUMER, "rate_per_s": 1000});
    let begun = Instant::now();
    let ordered = http.post(format!("{url}/replays")).json(&order).send().await.unwrap();
    assert_eq!(ordered.status(), 202);
    let path = ordered.headers()["location"].to_str().unwrap().to_owned();
    loop {
        let mut view = get(http, &format!("{url}{path}")).await;
        if view["status"] != "running" {
            view["seconds"] = json!(begun.elapsed().as_secs_f64().round());
            return view;
        }
        pause(Duration::from_secs(1)).await;
    }
}

/// The projection's records against the full fold of the source.
pub(crate) async fn check(http: &reqwest::Client, url: &str) -> Convergence {
    let status = get(http, &format!("{url}/local/status")).await;
    let client = local::engine::client(status["tables_url"].as_str().unwrap());
    let records = DynamoRecords::new(client, "PricesTable".to_owned(), CONSUMER);
    converged(http, url, &records).await
}

async fn deliver(http: &reqwest::Client, url: &str, how: Value) {
    http.put(format!("{url}/local/faults")).json(&how).send().await.unwrap().error_for_status().unwrap();
}

async fn get(http: &reqwest::Client, url: &str) -> Value {
    http.get(url).send().await.unwrap().json().await.unwrap()
}
