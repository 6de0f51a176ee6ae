//! The simulation in CI: many seeds, every fault at every step, and planted bugs that must be caught.

use std::{env, thread};

use simulation::fault::Coverage;
use simulation::planted::Bug;
use simulation::{Options, run, shrink};

/// Schedules, unless the environment's `SIMULATION_SEEDS` names a number: fewer, and they are too few for every fault to
/// hit every step.
const SEEDS: u64 = 20_000;
/// Seeds within which a planted bug must be caught.
const ENOUGH: u64 = 5_000;

/// The coverage of every second seed. A violation is shrunk and told.
fn run_half(seeds: u64, rest: u64) -> Coverage {
    let mut coverage = Coverage::default();
    for seed in (0..seeds).filter(|seed| seed % 2 == rest) {
        let report = run(seed, Options::default());
        coverage.add(&report.coverage);
        if let Some(violation) = report.violation {
            panic!("seed {seed} breaks: {}\n{}", violation.0, shrunk(seed));
        }
    }
    coverage
}

fn shrunk(seed: u64) -> String {
    let Some((kept, report)) = shrink(seed, &Options::default()) else { return String::new() };
    let parts: Vec<_> = kept.iter().map(ToString::to_string).collect();
    let (history, parts) = (report.trace.lines().join("\n"), parts.join(","));
    format!("{history}\ncargo run -p simulation --release -- --seed {seed} --trace --only {parts}")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how many schedules is not the simulation's to know")]
fn no_schedule_breaks_an_invariant_and_every_fault_hits_every_step() {
    let seeds = env::var("SIMULATION_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let coverage = thread::scope(|scope| {
        let other = scope.spawn(|| run_half(seeds, 1));
        let mut coverage = run_half(seeds, 0);
        coverage.add(&other.join().unwrap());
        coverage
    });
    println!("{coverage}");
    if seeds >= SEEDS {
        assert_eq!(coverage.missing(), Vec::<String>::new(), "a fault never hit a step");
    }
}

#[test]
fn the_same_seed_is_the_same_schedule() {
    for seed in 0..500 {
        let options = Options { keep_trace: seed % 20 == 0, ..Options::default() };
        let (first, second) = (run(seed, options.clone()), run(seed, options));
        assert_eq!(first.trace.hash(), second.trace.hash(), "seed {seed}");
        assert_eq!(first.trace.lines(), second.trace.lines(), "seed {seed}");
    }
    let hashes: std::collections::BTreeSet<_> =
        (0..500).map(|seed| run(seed, Options::default()).trace.hash()).collect();
    assert_eq!(hashes.len(), 500, "different seeds are different schedules");
}

#[test]
fn every_planted_bug_is_caught() {
    for bug in Bug::ALL {
        let options = Options { planted: Some(bug), ..Options::default() };
        let caught = (0..ENOUGH).find(|seed| run(*seed, options.clone()).violation.is_some());
        let seed = caught.unwrap_or_else(|| panic!("{bug} is not caught within {ENOUGH} seeds"));
        assert_eq!(run(seed, Options::default()).violation, None, "seed {seed} breaks without {bug} too");
        let (kept, shrunk) = shrink(seed, &options).unwrap();
        println!("{bug:26} caught by seed {seed:4}, {:2} parts: {}", kept.len(), shrunk.violation.unwrap().0);
    }
}
