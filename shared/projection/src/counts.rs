//! What the kit did, counted, and the line that makes metrics of it.

use std::ops::AddAssign;

use booking_store::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The namespace of the metrics.
pub const NAMESPACE: &str = "BookingProjections";

/// Counters of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Counts {
    /// Events taken into a stored state.
    pub applied: u64,
    /// Deliveries of what was known already.
    pub duplicates: u64,
    /// Times a version was missing between the state and what was delivered.
    pub gaps: u64,
    /// Events taken from the source because they had not been delivered.
    pub repaired: u64,
    /// Events of a type the projection does not know.
    pub unknown: u64,
    /// Failed tries of an event or a reaction.
    pub parked: u64,
    /// Bookings given up until somebody resumes them, and messages that are no events.
    pub dead_lettered: u64,
    /// Reactions that succeeded.
    pub reactions: u64,
    /// Bookings made again from the source.
    pub rebuilt: u64,
    /// Deliveries sent back.
    pub again: u64,
    /// Messages that concern somebody else.
    pub ignored: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.applied += more.applied;
        self.duplicates += more.duplicates;
        self.gaps += more.gaps;
        self.repaired += more.repaired;
        self.unknown += more.unknown;
        self.parked += more.parked;
        self.dead_lettered += more.dead_lettered;
        self.reactions += more.reactions;
        self.rebuilt += more.rebuilt;
        self.again += more.again;
        self.ignored += more.ignored;
    }
}

impl Counts {
    /// CloudWatch's embedded metric format: one line of JSON for standard output. Metrics in [`NAMESPACE`], one
    /// dimension `Projection`; only what is not 0. `None` if nothing was done.
    pub fn metrics(&self, projection: &str, now: Timestamp) -> Option<String> {
        let Ok(Value::Object(all)) = serde_json::to_value(self) else { return None };
        let counted: Map<_, _> = all.into_iter().filter(|(_, count)| count.as_u64() != Some(0)).collect();
        let metrics: Vec<_> = counted.keys().map(|name| json!({"Name": name, "Unit": "Count"})).collect();
        let directive = json!([{"Namespace": NAMESPACE, "Dimensions": [["Projection"]], "Metrics": metrics}]);
        let mut line = Map::new();
        line.insert("_aws".into(), json!({"Timestamp": now.unix_milliseconds(), "CloudWatchMetrics": directive}));
        line.insert("Projection".into(), projection.into());
        let empty = counted.is_empty();
        line.extend(counted);
        (!empty).then(|| Value::Object(line).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_was_counted_and_nothing_else() {
        let now = Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
        assert_eq!(Counts::default().metrics("prices", now), None);
        let mut counts = Counts { applied: 3, ..Counts::default() };
        counts += Counts { dead_lettered: 1, ..Counts::default() };
        let line: Value = serde_json::from_str(&counts.metrics("prices", now).unwrap()).unwrap();
        assert_eq!(line["_aws"]["Timestamp"], 1_795_251_600_000_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Projection"]]));
        let named: Vec<_> = directive["Metrics"].as_array().unwrap().iter().map(|metric| &metric["Name"]).collect();
        assert_eq!(named, ["Applied", "DeadLettered"]);
        assert_eq!(
            (&line["Projection"], &line["Applied"], &line["DeadLettered"]),
            (&json!("prices"), &json!(3), &json!(1))
        );
        assert_eq!(line.as_object().unwrap().len(), 4);
    }

    #[test]
    fn sums_leave_no_counter_out() {
        let ones: Counts = Counts {
            applied: 1,
            duplicates: 1,
            gaps: 1,
            repaired: 1,
            unknown: 1,
            parked: 1,
            dead_lettered: 1,
            reactions: 1,
            rebuilt: 1,
            again: 1,
            ignored: 1,
        };
        let mut sum = ones;
        sum += ones;
        let Value::Object(all) = serde_json::to_value(sum).unwrap() else { panic!() };
        assert!(all.values().all(|count| count == 2), "{all:?}");
    }
}
