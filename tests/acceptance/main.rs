//! The whole promise on real input: imports a file of bookings into the embedded system with an outage of the events
//! table and one of the reservations table in the middle, reads everything back, and checks what the bus delivered. All
//! the while the bus loses a tenth of what it has for the price projection; the system is killed twice, everything is
//! replayed once while the last bookings come in, and the projection must end equal to the full fold of the source.
//!
//! `cargo build --release -p local -p bookings -p booking-tests`, then
//! `target/release/acceptance FILE.csv [rows]`. Exits with 1 and says why if anything is lost, out of order, owned
//! twice or folded otherwise. Prints the import's summary, the rate and the peak memory.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a program for its developers; it stops where it fails")]

mod bus;
mod children;
mod projection;

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
    let lines = std::fs::read_to_string(&file).unwrap().lines().count();
    let rows = arguments.next().map_or(lines - 1, |rows| rows.parse().unwrap());
    // The rest comes while the projection is replayed.
    let first = rows * 5 / 6;
    let directory = tempfile::tempdir().unwrap();
    let server = Child::server(directory.path());
    let http = reqwest::Client::new();
    server.until_it_answers(&http).await;
    projection::lose_a_tenth(&http, &server.url).await;
    let importer = Child::importer(&file, first, directory.path(), &server.url);
    let switches = tokio::spawn(switch(http.clone(), server.url.clone()));
    let memory = tokio::spawn(peak_memory(importer.pid));
    let (ended_well, summary) = importer.wait().await;
    switches.await.unwrap();
    println!("import: {summary}");
    let (server, lost) = projection::kill_twice(&http, server, directory.path()).await;
    let rest = Child::importer(&file, rows, directory.path(), &server.url);
    let (whole, end) = tokio::join!(rest.wait(), projection::replay(&http, &server.url));
    println!("import of the rest: {}", whole.1);
    settled(&http, &server.url).await;
    let report = bus::check(&http, &server.url).await;
    let converged = projection::check(&http, &server.url).await;
    let server_peak = children::high_water(server.pid);
    println!("bus: {}", report.line());
    println!("projection, a tenth of its events lost, killed twice: {}", lost.line());
    println!("replay: {end}");
    println!("projection, replayed once: {}", converged.line());
    println!("peak memory: server {server_peak} MB, importer {} MB", memory.await.unwrap());
    drop(server);
    let good = ended_well && whole.0 && report.faults.is_empty();
    // Losses that cost nothing would prove nothing.
    let proven = lost.behind > 0 && lost.faults.is_empty() && converged.is_whole();
    if good && proven { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

/// Waits until streams, queues and outboxes are empty.
async fn settled(http: &reqwest::Client, url: &str) {
    loop {
        let status: Value = http.get(format!("{url}/local/status")).send().await.unwrap().json().await.unwrap();
        let none = |list: &str, what: &str| status[list].as_array().unwrap().iter().all(|one| one[what] == 0);
        let arrived = none("streams", "lag") && none("rules", "waiting") && none("queues", "messages");
        if arrived && status["pending_bookings"] == 0 {
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
