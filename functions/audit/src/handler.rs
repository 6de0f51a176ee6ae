//! The daily audit: anything it finds is an alarm. The figures go to CloudWatch as an embedded metric.

use std::time::Duration;

use booking_store::failure::StoreFailure;
use booking_store::metrics;
use booking_store::ports::Stores;
use booking_store::protocol::audit::audit;
use booking_store::{BookingCode, Timestamp};
use serde::Serialize;
use serde_json::json;

/// What is left of the function's time when the scan stops, for the report.
pub const TIME_TO_REPORT: Duration = Duration::from_secs(15);
/// How long an audit without a deadline may take.
const LONGEST_AUDIT: i64 = 14 * 60 * 1000;

/// What the audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Bookings with an event pending for longer than an hour.
    pub stale: u64,
    /// Those that were handed to the queue again.
    pub requeued: u64,
    /// Some of their codes.
    pub booking_codes: Vec<BookingCode>,
    /// Whether the whole table was looked at and every finding queued.
    pub complete: bool,
    /// Why not.
    pub failures: Vec<String>,
}

/// Audits until `deadline`.
pub async fn handle(stores: &Stores, deadline: Option<Timestamp>) -> Report {
    let now = stores.clock.now();
    let latest = Timestamp::from_unix_milliseconds(now.unix_milliseconds().saturating_add(LONGEST_AUDIT));
    let found = audit(stores, deadline.or(latest).unwrap_or(now)).await;
    let report = Report {
        stale: found.stale,
        requeued: found.requeued,
        booking_codes: found.booking_codes,
        complete: found.complete,
        failures: found.failures.iter().map(StoreFailure::chain).collect(),
    };
    if report.stale > 0 || !report.complete {
        let codes: Vec<_> = report.booking_codes.iter().map(BookingCode::as_str).collect();
        tracing::error!(
            outcome = "findings",
            stale = report.stale,
            complete = report.complete,
            codes = codes.join(","),
            "audit"
        );
    } else {
        tracing::info!(outcome = "clean", "audit");
    }
    emit(&report, now);
    report
}

/// CloudWatch's embedded metric format: one line of JSON on standard output. `AuditStaleBookings` in template.yaml is
/// the alarm.
fn emit(report: &Report, now: Timestamp) {
    let counted = json!([{"Name": "StaleBookings", "Unit": "Count"}, {"Name": "IncompleteAudits", "Unit": "Count"}]);
    let line = json!({
        "_aws": {
            "Timestamp": now.unix_milliseconds(),
            "CloudWatchMetrics": [{"Namespace": "BookingStore", "Dimensions": [[]], "Metrics": counted}],
        },
        "StaleBookings": report.stale,
        "IncompleteAudits": u8::from(!report.complete),
    });
    metrics::emit(&line);
}
