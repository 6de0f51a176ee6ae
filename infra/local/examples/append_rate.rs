//! How the append rate holds up: measured when the store holds 1,000 events and again when it holds 100,000.
//!
//! `cargo run --release -p local --example append_rate [-- EVENTS]`. Appends go over HTTP, 16 at a time, four events to a
//! booking, with publishing going on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use local::{Options, start};
use serde_json::{Value, json};
use tokio::time::{Instant, interval, timeout};

/// Appends at a time.
const WRITERS: usize = 16;
/// Events of each booking.
const EVENTS_A_BOOKING: u64 = 4;
/// Events before the first measurement.
const FEW: u64 = 1_000;
/// Events before the last one, unless the command says otherwise.
const MANY: u64 = 100_000;
/// Events of a measurement.
const MEASURED: u64 = 8_000;
/// Longest wait for everything to be settled.
const PATIENCE: Duration = Duration::from_secs(600);

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: Arc<str>,
    next: Arc<AtomicU64>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let many = std::env::args().nth(1).map_or(Ok(MANY), |text| text.parse())?;
    let running = start(Options { port: 0, data_dir: None, deferred_accept: true }).await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let client = Client { http, url: running.url().into(), next: Arc::default() };
    client.append_until(FEW).await?;
    let early = client.measure().await?;
    println!("at {FEW} events: {early:.0} events/s");
    client.append_until(many).await?;
    let late = client.measure().await?;
    println!("at {many} events: {late:.0} events/s, {:.0} % of that", late / early * 100.0);
    println!("{}", client.settled().await?);
    running.shutdown().await;
    Ok(())
}

impl Client {
    /// Events a second over the next [`MEASURED`] ones, from a standing start.
    async fn measure(&self) -> Result<f64, Failure> {
        self.settled().await?;
        let (before, begun) = (self.next.load(Ordering::Relaxed), Instant::now());
        self.append_until(before + MEASURED).await?;
        let appended = self.next.load(Ordering::Relaxed) - before;
        Ok(f64::from(u32::try_from(appended)?) / begun.elapsed().as_secs_f64())
    }

    /// Appends until the store holds `events`.
    async fn append_until(&self, events: u64) -> Result<(), Failure> {
        let mut writers = tokio::task::JoinSet::<Result<(), Failure>>::new();
        for _ in 0..WRITERS {
            let client = self.clone();
            writers.spawn(async move {
                loop {
                    let first = client.next.fetch_add(EVENTS_A_BOOKING, Ordering::Relaxed);
                    if first >= events {
                        client.next.fetch_sub(EVENTS_A_BOOKING, Ordering::Relaxed);
                        return Ok(());
                    }
                    client.append_booking(first / EVENTS_A_BOOKING).await?;
                }
            });
        }
        while let Some(written) = writers.join_next().await {
            written??;
        }
        Ok(())
    }

    async fn append_booking(&self, n: u64) -> Result<(), Failure> {
        for version in 0..EVENTS_A_BOOKING {
            let data = json!({"total": "120.00", "currency": "EUR", "nights": 3, "adr": "40.00"});
            let body = json!({"expected_version": version, "events": [{"type": "BookingPriced", "data": data}]});
            let answer = self.http.post(format!("{}/bookings/B{n}/events", self.url)).json(&body).send().await?;
            let status = answer.status();
            if !status.is_success() {
                return Err(format!("{status}: {}", answer.text().await?).into());
            }
        }
        Ok(())
    }

    /// The status, once nothing is left to do.
    async fn settled(&self) -> Result<Value, Failure> {
        let settled = async {
            let mut every = interval(Duration::from_millis(200));
            loop {
                every.tick().await;
                let answer = self.http.get(format!("{}/local/status", self.url)).send().await?;
                let status: Value = answer.json().await?;
                if ["queue_depth", "stream_lag", "pending_bookings"].iter().all(|name| status[*name] == 0) {
                    return Ok(status);
                }
            }
        };
        timeout(PATIENCE, settled).await?
    }
}
