//! The whole promise on real input: imports a file of bookings into the embedded system with an outage of the events
//! table and one of the reservations table in the middle, reads everything back, and checks what the bus delivered.
//!
//! `cargo build --release -p local -p bookings -p booking-tests`, then
//! `target/release/acceptance FILE.csv [rows]`. Exits with 1 and says why if anything is lost, out of order or owned
//! twice. Prints the import's summary, the rate and the peak memory.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a program for its developers; it stops where it fails")]

mod bus;
mod children;

use std::process::ExitCode;
use std::time::Duration;

use children::{Child, peak_memory};
use serde_json::{Value, json};

/// When each fault begins and ends, in seconds from the start of the import.
const FAULTS: [(u64, &str, &str); 4] =
    [(5, "events", "down"), (15, "events", "up"), (20, "reservations", "down"), (25, "reservations", "up")];

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: acceptance FILE.csv [rows]");
        return ExitCode::FAILURE;
    };
    let rows = arguments.next();
    let directory = tempfile::tempdir().unwrap();
    let server = Child::server(directory.path());
    let http = reqwest::Client::new();
    server.until_it_answers(&http).await;
    let importer = Child::importer(&file, rows.as_deref(), directory.path(), &server.url);
    let switches = tokio::spawn(switch(http.clone(), server.url.clone()));
    let memory = tokio::spawn(peak_memory(importer.pid));
    let (ended_well, summary) = importer.wait().await;
    switches.await.unwrap();
    settled(&http, &server.url).await;
    let report = bus::check(&http, &server.url).await;
    let server_peak = children::high_water(server.pid);
    println!("import: {summary}");
    println!("bus: {}", report.line());
    println!("peak memory: server {server_peak} MB, importer {} MB", memory.await.unwrap());
    drop(server);
    if ended_well && report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Breaks and mends the stores at their times.
async fn switch(http: reqwest::Client, url: String) {
    let mut now = 0;
    for (at, store, mode) in FAULTS {
        pause(Duration::from_secs(at - now)).await;
        now = at;
        let body: Value = json!({ store: mode });
        http.put(format!("{url}/local/faults")).json(&body).send().await.unwrap().error_for_status().unwrap();
        eprintln!("{at} s: {store} {mode}");
    }
}

/// Waits until stream and queue are empty.
async fn settled(http: &reqwest::Client, url: &str) {
    loop {
        let status: Value = http.get(format!("{url}/local/status")).send().await.unwrap().json().await.unwrap();
        let open = ["pending_bookings", "queue_depth", "queue_in_flight"].map(|name| status[name].as_u64().unwrap());
        if open == [0, 0, 0] {
            eprintln!("settled: {status}");
            return;
        }
        pause(Duration::from_millis(500)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "real time passes")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
