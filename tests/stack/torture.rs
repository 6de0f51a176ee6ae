//! A short torture of the deployed functions. The long one is the program `torture`.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use booking_tests::torture::{Settings, run};
use futures::FutureExt;

use crate::system::System;
use crate::tortured::Tortured;

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_is_kept_under_torture() {
    let system = Tortured::new(System::take().await).await;
    let settings = Settings {
        seed: 20_261_121,
        length: Duration::from_secs(12),
        clients: 6,
        prefix: "TORTURE".to_owned(),
        patience: Duration::from_secs(300),
    };
    let report = AssertUnwindSafe(run(&system, &settings)).catch_unwind().await;
    // The other tests want their stores back, however this one ends.
    system.release().await;
    let report = report.unwrap_or_else(|panic| resume_unwind(panic));
    println!("{report}");
    assert!(report.is_good(), "{report}");
    // A run in which nothing happened proves nothing. How much happens depends on what else the machine does.
    let wire: u64 = report.faults.iter().filter(|(name, _)| *name != "passed").map(|(_, count)| count).sum();
    assert!(wire > 10 && report.kills > 0 && report.history.len() > 30, "{report}");
    assert!(!report.end.outcomes.is_empty() && !report.end.deliveries.is_empty(), "{report}");
}
