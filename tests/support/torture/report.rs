//! What came of a run, for people: the figures, and of every booking with an anomaly its whole history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::time::Duration;

use super::Settings;
use super::check::{Anomaly, End};
use super::history::{Asked, Operation, Told, list};

/// Anomalies listed.
const LISTED: usize = 30;
/// Bookings shown in full.
const SHOWN: usize = 5;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// Of what.
    pub target: &'static str,
    /// How.
    pub settings: Settings,
    /// What the proxy did to calls, and how often.
    pub faults: BTreeMap<String, u64>,
    /// Processes killed.
    pub kills: u64,
    /// Fault switches set.
    pub switches: u64,
    /// How long it took to settle, if it has.
    pub settled_after: Option<Duration>,
    /// Promises broken.
    pub anomalies: Vec<Anomaly>,
    /// All that was asked and told.
    pub history: Vec<Operation>,
    /// All that has come of it.
    pub end: End,
}

impl Report {
    /// Whether everything was kept, and settled in time.
    pub fn is_good(&self) -> bool {
        self.anomalies.is_empty() && self.settled_after.is_some()
    }

    /// The command that tortures the same system in the same way again.
    pub fn command(&self) -> String {
        let Settings { seed, length, clients, .. } = &self.settings;
        let (target, seconds) = (self.target, length.as_secs());
        format!(
            "cargo run --release -p booking-tests --bin torture -- {target} --seed {seed} --seconds {seconds} --clients {clients}"
        )
    }

    fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for operation in &self.history {
            let append = matches!(operation.asked, Asked::Append(..));
            *counts.entry(if append { "appends" } else { "reads" }).or_default() += 1;
            if let Some(word) = word(&operation.told, append) {
                *counts.entry(word).or_default() += 1;
            }
        }
        counts
    }

    fn story(&self, code: &str) -> String {
        let mut story = format!("\n{code}:\n");
        let mut operations: Vec<_> = self.history.iter().filter(|operation| operation.code == code).collect();
        operations.sort_by_key(|operation| operation.begun);
        operations.into_iter().for_each(|operation| writeln!(story, "  {operation}").unwrap());
        if let Some(outcome) = self.end.outcomes.get(code) {
            let (events, conflicts) = (list(&outcome.events), list(&outcome.conflicts));
            writeln!(story, "  in the end: {events}; conflicts: {conflicts}; {:?}", outcome.summary).unwrap();
        }
        for delivery in self.end.deliveries.iter().filter(|delivery| delivery.code == code) {
            writeln!(story, "  delivered: {delivery:?}").unwrap();
        }
        story
    }
}

/// What an answer counts as, if it is worth counting.
fn word(told: &Told, append: bool) -> Option<&'static str> {
    match told {
        Told::Accepted(receipt) if receipt.replayed => Some("replayed"),
        Told::Accepted(receipt) if receipt.status == "pending" => Some("pending"),
        Told::Accepted(_) => Some("recorded"),
        Told::Deferred => Some("deferred"),
        Told::Unknown(_) => Some("unknown"),
        Told::NotAccepted => Some("not accepted"),
        Told::Taken | Told::AtVersion(_) | Told::Reused => Some("refused"),
        Told::NoBooking => append.then_some("refused"),
        Told::Unavailable(_) => Some("reads not answered"),
        Told::Page(_) | Told::Summary(_) | Told::Event(_) | Told::NoEvent | Told::NotReached(_) | Told::Strange(_) => {
            None
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { seed, length, clients, .. } = &self.settings;
        writeln!(f, "{}: seed {seed}, {clients} clients, {} s of faults", self.target, length.as_secs())?;
        let events: usize = self.end.outcomes.values().map(|outcome| outcome.events.len()).sum();
        let conflicts: usize = self.end.outcomes.values().map(|outcome| outcome.conflicts.len()).sum();
        writeln!(f, "  {} operations: {:?}", self.history.len(), self.counts())?;
        let (bookings, delivered) = (self.end.outcomes.len(), self.end.deliveries.len());
        writeln!(
            f,
            "  in the end: {bookings} bookings, {events} events, {conflicts} conflicts, {delivered} deliveries"
        )?;
        let done: u64 = self.faults.iter().filter(|(name, _)| *name != "passed").map(|(_, count)| count).sum();
        writeln!(f, "  {done} faults on the wire: {:?}", self.faults)?;
        writeln!(f, "  {} fault switches set, {} processes killed", self.switches, self.kills)?;
        match self.settled_after {
            Some(after) => writeln!(f, "  settled {:.1} s after healing", after.as_secs_f64())?,
            None => writeln!(f, "  NOT SETTLED in {:?}", self.settings.patience)?,
        }
        writeln!(f, "  {} anomalies", self.anomalies.len())?;
        if self.is_good() {
            return Ok(());
        }
        self.anomalies.iter().take(LISTED).try_for_each(|anomaly| writeln!(f, "  {anomaly}"))?;
        let codes: BTreeSet<&str> = self.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect();
        codes.into_iter().take(SHOWN).try_for_each(|code| f.write_str(&self.story(code)))?;
        writeln!(f, "\nagain: {}", self.command())
    }
}
