//! A short torture of the embedded system: the process is killed, its calls of the tables fail on the wire, queue and
//! bus by their switches. The long one is the program `torture`.

use std::path::Path;
use std::time::Duration;

use booking_tests::torture::{Embedded, Settings, run};

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_is_kept_under_torture() {
    let system = Embedded::start(Path::new(env!("CARGO_BIN_EXE_torture"))).await;
    let settings = Settings {
        seed: 20_261_121,
        length: Duration::from_secs(12),
        clients: 8,
        prefix: "T".to_owned(),
        patience: Duration::from_secs(300),
    };
    let report = run(&system, &settings).await;
    println!("{report}");
    assert!(report.is_good(), "{report}");
    // A run in which nothing happened proves nothing. How much happens depends on what else the machine does.
    let wire: u64 = report.faults.iter().filter(|(name, _)| *name != "passed").map(|(_, count)| count).sum();
    assert!(wire > 10 && report.kills > 0 && report.switches > 0 && report.history.len() > 50, "{report}");
    let open = report.history.iter().filter(|operation| operation.is_open()).count();
    assert!(open > 0 && !report.end.outcomes.is_empty() && !report.end.deliveries.is_empty(), "{report}");
}
