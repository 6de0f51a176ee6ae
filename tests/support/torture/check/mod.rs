//! Whether a history keeps the promises, given what it has come to.
//!
//! Event ids are unique and versions are the order, so no search for a linearization is needed: the final order of a
//! booking is the only candidate, and every request and answer either fits it or does not. Each rule names what it finds.

mod answers;
mod bookings;
mod order;
mod publications;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::history::{Asked, Delivery, Operation, Outcome, Sent, Told};

/// What everything has come to.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// The bookings that there are, and conflicts of codes that have none.
    pub outcomes: BTreeMap<String, Outcome>,
    /// What the bus delivered, in order.
    pub deliveries: Vec<Delivery>,
    /// What nobody could work on.
    pub dead_letters: Vec<String>,
}

/// A promise broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Which, in a word or two.
    pub kind: &'static str,
    /// The booking.
    pub code: String,
    /// How.
    pub detail: String,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.kind, self.code, self.detail)
    }
}

/// All that is wrong with a history.
pub fn check(history: &[Operation], end: &End) -> Vec<Anomaly> {
    let nothing = Outcome::default();
    let mut operations: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    let mut deliveries: BTreeMap<&str, Vec<&Delivery>> = BTreeMap::new();
    history.iter().for_each(|operation| operations.entry(&operation.code).or_default().push(operation));
    end.deliveries.iter().for_each(|delivery| deliveries.entry(&delivery.code).or_default().push(delivery));
    let mut anomalies = Vec::new();
    let codes: BTreeSet<&str> = operations.keys().chain(deliveries.keys()).copied().collect();
    for code in codes.into_iter().chain(end.outcomes.keys().map(String::as_str)).collect::<BTreeSet<_>>() {
        let operations = operations.remove(code).unwrap_or_default();
        let deliveries = deliveries.remove(code).unwrap_or_default();
        let mut case = Case::new(code, operations, end.outcomes.get(code).unwrap_or(&nothing), deliveries);
        bookings::check(&mut case);
        answers::check(&mut case);
        order::check(&mut case);
        reads::check(&mut case);
        publications::check(&mut case);
        anomalies.append(&mut case.anomalies);
    }
    let letter = |letter: &String| Anomaly { kind: "dead letter", code: String::new(), detail: letter.clone() };
    anomalies.extend(end.dead_letters.iter().map(letter));
    anomalies
}

/// One booking code: what was asked and told of it, and what it has come to.
struct Case<'a> {
    code: &'a str,
    operations: Vec<&'a Operation>,
    outcome: &'a Outcome,
    deliveries: Vec<&'a Delivery>,
    /// Every event that any client sent, with the requests that carried it.
    sent: BTreeMap<&'a str, Vec<(&'a Sent, &'a Operation)>>,
    /// The final version of each event.
    versions: BTreeMap<&'a str, u64>,
    /// The final conflicts.
    conflicts: BTreeSet<&'a str>,
    anomalies: Vec<Anomaly>,
}

impl<'a> Case<'a> {
    fn new(code: &'a str, operations: Vec<&'a Operation>, outcome: &'a Outcome, deliveries: Vec<&'a Delivery>) -> Self {
        let mut sent: BTreeMap<&str, Vec<(&Sent, &Operation)>> = BTreeMap::new();
        for operation in &operations {
            for event in operation.sent() {
                sent.entry(&event.id).or_default().push((event, operation));
            }
        }
        let mut versions = BTreeMap::new();
        for event in &outcome.events {
            versions.entry(event.id.as_str()).or_insert(event.version.unwrap_or_default());
        }
        let conflicts = outcome.conflicts.iter().map(|conflict| conflict.id.as_str()).collect();
        Self { code, operations, outcome, deliveries, sent, versions, conflicts, anomalies: Vec::new() }
    }

    fn found(&mut self, kind: &'static str, detail: impl Into<String>) {
        self.anomalies.push(Anomaly { kind, code: self.code.to_owned(), detail: detail.into() });
    }

    /// The appends that were told a confirmed yes.
    fn confirmed(&self) -> impl Iterator<Item = &'a Operation> + '_ {
        self.operations.iter().copied().filter(|operation| matches!(operation.told, Told::Accepted(_)))
    }

    /// The requests that carried `id`.
    fn requests(&self, id: &str) -> impl Iterator<Item = &'a Operation> + '_ {
        self.sent.get(id).into_iter().flatten().map(|(_, operation)| *operation)
    }

    /// The last versions of what was accepted together: the versions a booking can be at.
    fn boundaries(&self) -> BTreeSet<u64> {
        let appends = self.operations.iter().filter(|operation| matches!(operation.asked, Asked::Append(..)));
        appends.filter_map(|append| self.versions.get(append.sent().last()?.id.as_str()).copied()).collect()
    }
}
