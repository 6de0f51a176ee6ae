//! What the kit takes: events a second, with and without gaps, and whether its memory grows with the bookings.
//!
//! `cargo run --release -p projection --example throughput [-- EVENTS BOOKINGS]`. One thread. The first part has its
//! records in memory and is the kit's own time: no network, no disk. The second part has them in a SQLite file, so that the
//! process holds none of them; each number of bookings runs in a process of its own, whose peak is read when it ends (Linux).

use std::fmt::Display;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use booking_store::clock::System;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::{BookingCode, EventId, EventType, JsonObject, Timestamp, Version};
use projection::memory::{MemoryDeadLetters, MemoryRecords};
use projection::ports::{Ports, Records, Saved, Source, SourceFailure, SourcePage};
use projection::record::Record;
use projection::{Applied, ApplyError, Counts, Delivery, Projection, Projector, RecordedEvent, Settings};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// Events of a measurement, unless the command says otherwise.
const EVENTS: u64 = 1_000_000;
/// Bookings of the memory measurement, few and many.
const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
/// Events of a booking, of which the bus loses one in ten (`lost`).
const EVENTS_A_BOOKING: u64 = 10;
/// Deliveries of a call, as of a Lambda batch with a window.
const BATCH: usize = 100;
/// Bookings whose events arrive mixed.
const MIXED: u64 = 50;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Default, Clone, Serialize, Deserialize)]
struct Price {
    total: String,
    changes: u64,
}

#[derive(Deserialize)]
struct Priced {
    total: String,
}

struct Prices;

impl Projection for Prices {
    type State = Price;

    fn name(&self) -> &str {
        "prices"
    }

    fn apply(&self, price: &mut Price, event: &RecordedEvent) -> Result<Applied, ApplyError> {
        let priced: Priced = event.decode()?;
        (price.total, price.changes) = (priced.total, price.changes + 1);
        Ok(Applied::Known)
    }
}

/// The truth, made when it is asked for.
struct Generated {
    data: JsonObject,
    event_type: EventType,
    at: Timestamp,
}

impl Generated {
    fn new() -> Result<Self, Failure> {
        let data = JsonObject::parse(r#"{"currency":"EUR","total":"1234.56","reason":"rate changed","rooms":[1,2]}"#)?;
        let at = Timestamp::parse("2026-11-21T09:00:00Z")?;
        Ok(Self { data, event_type: EventType::parse("BookingPriced")?, at })
    }

    fn event(&self, booking_code: BookingCode, version: u64) -> RecordedEvent {
        RecordedEvent {
            booking_code,
            version: Version::new(version),
            event_id: EventId::from_bytes(u128::from(version).to_be_bytes()),
            event_type: self.event_type.clone(),
            occurred_at: self.at,
            accepted_at: self.at,
            data: self.data.clone(),
            metadata: None,
        }
    }
}

#[async_trait]
impl Source for Generated {
    async fn page(&self, code: &BookingCode, from: Version, _known: Version) -> Result<SourcePage, SourceFailure> {
        let versions = from.get()..=EVENTS_A_BOOKING;
        Ok(SourcePage { events: versions.map(|version| self.event(code.clone(), version)).collect(), next: None })
    }
}

/// Records in a file.
struct SqliteRecords(Mutex<Connection>);

fn broken(error: impl Display) -> StoreFailure {
    StoreFailure::new(Store::Projection, FailureKind::Refused).because(error.to_string())
}

impl SqliteRecords {
    fn open(path: &std::path::Path) -> Result<Self, Failure> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
             CREATE TABLE records (code TEXT PRIMARY KEY, revision INTEGER, record TEXT) WITHOUT ROWID;",
        )?;
        Ok(Self(Mutex::new(connection)))
    }
}

#[async_trait]
impl Records for SqliteRecords {
    async fn load(&self, code: &BookingCode) -> Result<Option<Record>, StoreFailure> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut select = connection.prepare_cached("SELECT record FROM records WHERE code = ?1").map_err(broken)?;
        let text = select.query_row([code.as_str()], |row| row.get::<_, String>(0)).optional().map_err(broken)?;
        text.map(|text| serde_json::from_str(&text).map_err(broken)).transpose()
    }

    async fn save(&self, record: &Record) -> Result<Saved, StoreFailure> {
        let text = serde_json::to_string(record).map_err(broken)?;
        let revision = i64::try_from(record.revision).map_err(broken)?;
        let stored = {
            let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let put = "INSERT INTO records VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET revision = ?2, record = ?3
                       WHERE revision = ?2 - 1";
            let mut put = connection.prepare_cached(put).map_err(broken)?;
            put.execute(params![record.booking_code.as_str(), revision, text]).map_err(broken)?
        };
        match stored {
            1 => Ok(Saved::Done),
            _ => Ok(Saved::Moved(self.load(&record.booking_code).await?.map(Box::new))),
        }
    }
}

/// Delivers every event of `bookings` bookings, mixed, but those `lost`; the last one of a booking always arrives. Returns
/// what was counted and how long it took.
async fn deliver(
    records: Arc<dyn Records>,
    bookings: u64,
    lost: impl Fn(u64) -> bool,
) -> Result<(Counts, f64), Failure> {
    let ports = Ports {
        source: Arc::new(Generated::new()?),
        records,
        dead_letters: Arc::new(MemoryDeadLetters::default()),
        clock: Arc::new(System),
        ids: Arc::new(System),
    };
    let kit = Projector::new(Prices, ports, Settings::default());
    let truth = Generated::new()?;
    let (mut counts, mut seconds, mut batch) = (Counts::default(), 0.0, Vec::with_capacity(BATCH));
    let mut n = 0;
    for first in (0..bookings).step_by(usize::try_from(MIXED)?) {
        let codes = (first..bookings.min(first + MIXED)).map(|n| BookingCode::parse(&format!("B{n:09}")));
        let codes = codes.collect::<Result<Vec<_>, _>>()?;
        for version in 1..=EVENTS_A_BOOKING {
            for code in &codes {
                n += 1;
                if version == EVENTS_A_BOOKING || !lost(n) {
                    batch.push(Delivery::of(truth.event(code.clone(), version)));
                }
                if batch.len() >= BATCH {
                    seconds += run(&kit, &mut batch, &mut counts).await;
                }
            }
        }
    }
    seconds += run(&kit, &mut batch, &mut counts).await;
    if counts.applied != bookings * EVENTS_A_BOOKING {
        return Err(format!("{} events applied of {}", counts.applied, bookings * EVENTS_A_BOOKING).into());
    }
    Ok((counts, seconds))
}

/// Loses one in ten, spread over bookings and versions.
fn one_in_ten(n: u64) -> bool {
    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).is_multiple_of(10)
}

/// Only the kit's time counts, not that of making the batch.
async fn run(kit: &Projector<Prices>, batch: &mut Vec<Delivery>, counts: &mut Counts) -> f64 {
    let batch = std::mem::take(batch);
    let start = Instant::now();
    *counts += kit.deliver(batch).await.counts;
    start.elapsed().as_secs_f64()
}

/// The most memory this process has held, in KB.
fn peak() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak on this system")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, or: u64| arguments.get(at).map_or(Ok(or), |text| text.parse());
    if arguments.first().is_some_and(|first| first == "memory") {
        return memory_of(number(1, FEW)?).await;
    }
    let bookings = number(0, EVENTS)? / EVENTS_A_BOOKING;
    let mut rates = Vec::new();
    let never: fn(u64) -> bool = |_| false;
    for (name, lost) in [("nothing lost", never), ("one in ten lost", one_in_ten)] {
        let (counts, seconds) = deliver(Arc::new(MemoryRecords::default()), bookings, lost).await?;
        let rate = counts.applied as f64 / seconds;
        let (applied, gaps, repaired) = (counts.applied, counts.gaps, counts.repaired);
        println!("{name:>16}: {rate:>9.0} events/s ({applied} in {seconds:.2} s, {gaps} gaps, {repaired} repaired)");
        rates.push(rate);
    }
    println!("     with losses: {:.0} %", 100.0 * rates[1] / rates[0]);
    let many = number(1, MANY)?;
    for bookings in [FEW.min(many), many] {
        let child = Command::new(std::env::current_exe()?).args(["memory", &bookings.to_string()]).output()?;
        if !child.status.success() {
            return Err(String::from_utf8_lossy(&child.stderr).into_owned().into());
        }
        print!("{}", String::from_utf8_lossy(&child.stdout));
    }
    Ok(())
}

async fn memory_of(bookings: u64) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let records = Arc::new(SqliteRecords::open(&folder.path().join("records.sqlite"))?);
    let (counts, seconds) = deliver(records, bookings, one_in_ten).await?;
    let rate = counts.applied as f64 / seconds;
    let megabytes = peak()? as f64 / 1024.0;
    println!("{bookings:>9} bookings: peak {megabytes:.1} MB ({rate:.0} events/s into a file, one in ten lost)");
    Ok(())
}
