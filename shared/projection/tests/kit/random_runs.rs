//! Many seeds of many kinds of runs.

use projection::Mode;

use crate::faulty::Odds;
use crate::random::{Ends, Plan, Run};

/// Runs of each kind.
const SEEDS: u64 = 60;

/// Nothing goes wrong but the bus: it loses 10 %, doubles 10 %, and keeps no order.
pub(crate) const BAD_BUS: Plan = Plan {
    seed: 0,
    bookings: 4,
    events: 40,
    odds: Odds { fail: 0, crash: 0 },
    lost: 100,
    doubled: 100,
    poison: 0,
    unknown: 50,
    failing: 0,
    replays: 0,
    ends: Ends::WithAnEvent,
    mode: Mode::EachEvent,
    reacts: true,
    planted: None,
};

/// Everything goes wrong.
pub(crate) const BAD_DAY: Plan =
    Plan { odds: Odds { fail: 80, crash: 40 }, failing: 100, replays: 2, poison: 40, ..BAD_BUS };

fn runs(name: &str, seeds: u64, plan: Plan) {
    for seed in 0..seeds {
        let shown = Shown(format!("{name}, seed {seed}"));
        run(Plan { seed, ..plan });
        drop(shown);
    }
}

pub(crate) fn run(plan: Plan) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(Run::new(plan).run());
}

/// Names the run that panics.
struct Shown(String);

impl Drop for Shown {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed: {}", self.0);
        }
    }
}

/// Runs of every kind, `seeds` of each.
fn all_kinds(name: &str, seeds: u64, plan: Plan) {
    runs(&format!("{name}, each event"), seeds, plan);
    runs(&format!("{name}, latest only"), seeds, Plan { mode: Mode::LatestOnly, ..plan });
    runs(&format!("{name}, no reactions"), seeds, Plan { reacts: false, ..plan });
    runs(&format!("{name}, ends with a replay"), seeds, Plan { ends: Ends::WithAReplay, ..plan });
    let replayed = Plan { ends: Ends::WithAReplay, reacts: false, ..plan };
    runs(&format!("{name}, no reactions, ends with a replay"), seeds, replayed);
}

#[test]
fn a_bus_that_loses_doubles_and_shuffles() {
    all_kinds("bad bus", SEEDS, BAD_BUS);
}

#[test]
fn stores_that_fail_and_processes_that_die() {
    all_kinds("crashes", SEEDS, Plan { odds: Odds { fail: 120, crash: 60 }, ..BAD_BUS });
}

#[test]
fn two_workers_at_one_booking() {
    runs("one booking", SEEDS, Plan { bookings: 1, ..BAD_BUS });
    all_kinds("one booking, bad day", SEEDS, Plan { bookings: 1, ..BAD_DAY });
}

#[test]
fn replays_while_events_arrive() {
    all_kinds("replays", SEEDS, Plan { replays: 4, ..BAD_BUS });
}

#[test]
fn everything_at_once() {
    all_kinds("bad day", SEEDS, BAD_DAY);
}

/// `cargo test --release -p projection --test kit -- --ignored`
#[test]
#[ignore = "minutes"]
fn everything_at_once_for_long() {
    all_kinds("bad day", SEEDS * 200, BAD_DAY);
    all_kinds("one booking, bad day", SEEDS * 200, Plan { bookings: 1, ..BAD_DAY });
}
