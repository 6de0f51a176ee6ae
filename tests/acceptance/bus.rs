//! What the bus delivered: for each booking its first deliveries must be versions 1, 2, 3 … up to what a read shows, of
//! one owner.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What was found.
#[derive(Default)]
pub(crate) struct Report {
    bookings: usize,
    events: usize,
    duplicates: usize,
    conflicts: usize,
    pub(crate) faults: Vec<String>,
}

impl Report {
    pub(crate) fn line(&self) -> String {
        let verdict = if self.faults.is_empty() { "no fault".to_owned() } else { format!("{:#?}", self.faults) };
        format!(
            "{} bookings, {} events in version order, {} delivered again, {} conflicts; {verdict}",
            self.bookings, self.events, self.duplicates, self.conflicts
        )
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < 20 {
            self.faults.push(what);
        }
    }
}

/// Goes through all deliveries, then reads every booking.
pub(crate) async fn check(http: &reqwest::Client, url: &str) -> Report {
    let mut report = Report::default();
    let mut heads: BTreeMap<String, u64> = BTreeMap::new();
    let mut ids: BTreeSet<(String, String)> = BTreeSet::new();
    let mut after = 0;
    loop {
        let page = http.get(format!("{url}/local/bus?after={after}&limit=1000"));
        let page: Value = page.send().await.unwrap().json().await.unwrap();
        let deliveries = page["deliveries"].as_array().unwrap();
        if deliveries.is_empty() {
            break;
        }
        deliveries.iter().for_each(|delivery| deliver(&delivery["entry"], &mut heads, &mut ids, &mut report));
        after = page["next"].as_i64().unwrap();
    }
    report.bookings = heads.len();
    for (code, published) in heads {
        let booking: Value = http.get(format!("{url}/bookings/{code}")).send().await.unwrap().json().await.unwrap();
        if booking["version"] != published || booking["settled_version"] != published {
            report.fault(format!("{code}: published up to {published}, but it says {booking}"));
        }
    }
    report
}

fn deliver(
    entry: &Value,
    heads: &mut BTreeMap<String, u64>,
    ids: &mut BTreeSet<(String, String)>,
    report: &mut Report,
) {
    if entry["source"] != "booking.events" {
        // A replay's: not an event's first publication, nor its second.
        return;
    }
    let detail = &entry["detail"];
    let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    if entry["detail-type"] == "BookingCodeConflict" {
        report.conflicts += 1;
        return;
    }
    let (code, id) = (text("booking_code"), text("event_id"));
    let (version, head) = (detail["version"].as_u64().unwrap_or_default(), heads.entry(code.clone()).or_default());
    let first_time = ids.insert((code.clone(), id.clone()));
    if !first_time {
        report.duplicates += 1;
    } else if version == *head + 1 {
        *head = version;
        report.events += 1;
    } else {
        report.fault(format!("{code}: version {version} (event {id}) delivered after version {head}"));
    }
}
