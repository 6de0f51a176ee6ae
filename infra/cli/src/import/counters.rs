//! What an import counts while it runs, and the summary it ends with.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::spans;

/// Counts shared by all bookings in flight.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bookings imported by this run.
    pub bookings: AtomicU64,
    /// Events accepted in this run.
    pub events: AtomicU64,
    /// Codes that belonged to another.
    pub collisions: AtomicU64,
    /// Requests sent again.
    pub retries: AtomicU64,
    /// Events answered `pending`.
    pub pending: AtomicU64,
    /// Events answered `deferred`.
    pub deferred: AtomicU64,
    /// Rows rejected.
    pub rejected: AtomicU64,
    /// Bookings given up for now.
    pub failed: AtomicU64,
    /// Requests that wait before they are sent again, now.
    pub waiting: AtomicU64,
    trouble: Mutex<String>,
}

/// Adds one.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    /// Remembers what the last wait is for.
    pub fn trouble(&self, reason: &str) {
        reason.clone_into(&mut self.trouble.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The counts that matter on the way, in a few words.
    pub fn glance(&self) -> String {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let named = [
            ("collisions", &self.collisions),
            ("retries", &self.retries),
            ("pending", &self.pending),
            ("deferred", &self.deferred),
            ("rejected", &self.rejected),
            ("failed", &self.failed),
        ];
        let mut parts: Vec<String> = named
            .iter()
            .filter(|(_, counter)| get(counter) > 0)
            .map(|(name, counter)| format!("{} {name}", get(counter)))
            .collect();
        if get(&self.waiting) > 0 {
            let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            let short: String = trouble.lines().next().unwrap_or_default().chars().take(60).collect();
            parts.push(format!("{} waiting ({short})", get(&self.waiting)));
        }
        parts.join(", ")
    }

    /// The summary of a run that took `elapsed`, after `already_done` rows of earlier runs.
    pub fn summary(&self, elapsed: Duration, already_done: u64, interrupted: bool) -> Summary {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let seconds = elapsed.as_secs_f64();
        let rate = |count: u64| if seconds > 0.0 { (count as f64 / seconds * 10.0).round() / 10.0 } else { 0.0 };
        let (bookings, events) = (get(&self.bookings), get(&self.events));
        Summary {
            bookings,
            events,
            collisions: get(&self.collisions),
            retries: get(&self.retries),
            pending: get(&self.pending),
            deferred: get(&self.deferred),
            rejected: get(&self.rejected),
            failed: get(&self.failed),
            already_done,
            interrupted,
            elapsed_seconds: (seconds * 1000.0).round() / 1000.0,
            bookings_per_second: rate(bookings),
            events_per_second: rate(events),
            verification: None,
        }
    }
}

/// How an import ended.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Bookings imported by this run.
    pub bookings: u64,
    /// Events accepted in this run.
    pub events: u64,
    /// Codes that belonged to another.
    pub collisions: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Events answered `pending`.
    pub pending: u64,
    /// Events answered `deferred`.
    pub deferred: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Bookings given up for now.
    pub failed: u64,
    /// Rows that earlier runs had finished.
    pub already_done: u64,
    /// Whether rows are left because of an interruption.
    pub interrupted: bool,
    /// How long the run took.
    pub elapsed_seconds: f64,
    /// Bookings a second.
    pub bookings_per_second: f64,
    /// Events a second.
    pub events_per_second: f64,
    /// What reading back found, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

/// What reading back found.
#[derive(Debug, Default, Serialize)]
pub struct Verification {
    /// Bookings read back.
    pub bookings: u64,
    /// Events compared.
    pub events: u64,
    /// Of these, events not recorded yet.
    pub pending: u64,
    /// Bookings with a difference.
    pub mismatched: u64,
    /// The first of the differences.
    pub mismatches: Vec<String>,
    /// Whether it was cut short by an interruption.
    pub interrupted: bool,
    /// How long it took.
    pub elapsed_seconds: f64,
}

impl Summary {
    /// For people.
    pub fn describe(&self) -> String {
        let mut out = String::new();
        if self.already_done > 0 {
            out.push_str(&format!("{:>10}  rows done by earlier runs\n", self.already_done));
        }
        let lines = [
            (self.bookings, "bookings imported"),
            (self.events, "events accepted"),
            (self.collisions, "booking codes taken by another (the next code was claimed)"),
            (self.retries, "requests sent again"),
            (self.pending, "events answered pending"),
            (self.deferred, "events answered deferred"),
            (self.rejected, "rows rejected"),
            (self.failed, "bookings failed"),
        ];
        for (count, what) in lines {
            out.push_str(&format!("{count:>10}  {what}\n"));
        }
        let elapsed = spans::show(Duration::from_secs_f64(self.elapsed_seconds));
        let (bookings, events) = (self.bookings_per_second, self.events_per_second);
        out.push_str(&format!("in {elapsed}: {bookings:.1} bookings/s, {events:.1} events/s\n"));
        out
    }
}

impl Verification {
    /// For people.
    pub fn describe(&self) -> String {
        let verdict = match (self.mismatched, self.interrupted) {
            (0, false) => "all as in the file".to_owned(),
            (0, true) => "interrupted, as in the file so far".to_owned(),
            (n, _) => format!("{n} BOOKINGS DIFFER"),
        };
        let elapsed = spans::show(Duration::from_secs_f64(self.elapsed_seconds));
        format!(
            "verified {} bookings with {} events ({} not recorded yet) in {elapsed}: {verdict}\n",
            self.bookings, self.events, self.pending
        )
    }
}
