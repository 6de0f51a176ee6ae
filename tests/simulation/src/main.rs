//! Runs schedules: many seeds with figures and coverage, or one seed with its history.

use std::collections::BTreeSet;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulation::fault::Coverage;
use simulation::place::Part;
use simulation::planted::Bug;
use simulation::{Options, Report, run, shrink};

/// Deterministic simulation of the booking event store's protocol.
#[derive(Parser)]
struct Arguments {
    /// Run this seed only.
    #[arg(long)]
    seed: Option<u64>,
    /// Run this many seeds.
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Show everything that happens, not only what is left of a shrunk failure.
    #[arg(long)]
    trace: bool,
    /// Keep only these parts of the schedule, as a shrunk failure names them.
    #[arg(long, value_delimiter = ',')]
    only: Option<Vec<Part>>,
    /// Plant a bug.
    #[arg(long, value_enum)]
    planted: Option<Bug>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let only: Option<BTreeSet<_>> = arguments.only.map(|parts| parts.into_iter().collect());
    let options = Options { only, keep_trace: arguments.trace, planted: arguments.planted };
    match arguments.seed {
        Some(seed) => one(seed, &options),
        None => many(arguments.from..arguments.from.saturating_add(arguments.seeds), &options),
    }
}

/// Replays one seed; a failure is shrunk.
fn one(seed: u64, options: &Options) -> ExitCode {
    let report = run(seed, options.clone());
    for line in report.trace.lines() {
        println!("{line}");
    }
    println!("seed {seed}: {} steps, trace {:016x}", report.steps, report.trace.hash());
    conclude(&report, options)
}

/// Runs seeds until one fails.
#[expect(clippy::disallowed_methods, reason = "schedules a second, of the machine's time")]
fn many(seeds: Range<u64>, options: &Options) -> ExitCode {
    let (started, count) = (Instant::now(), seeds.end - seeds.start);
    let mut coverage = Coverage::default();
    let (mut steps, mut outrun) = (0, 0_u64);
    for seed in seeds {
        let report = run(seed, options.clone());
        if report.violation.is_some() {
            return conclude(&report, options);
        }
        coverage.add(&report.coverage);
        steps += report.steps;
        outrun += u64::from(report.outrun);
    }
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let (a_second, a_schedule) = (count as f64 / seconds, steps as f64 / count as f64);
    println!("{coverage}");
    for pair in coverage.missing() {
        println!("never came about: {pair}");
    }
    println!(
        "{count} schedules without a violation in {seconds:.1} s: {a_second:.0} a second, {a_schedule:.0} steps each"
    );
    println!(
        "{outrun} of them ended early: an append at the end was repeated after more events than a reservation remembers"
    );
    ExitCode::SUCCESS
}

/// Says what is broken, how little it takes, and how to see it again.
fn conclude(report: &Report, options: &Options) -> ExitCode {
    let Some(violation) = &report.violation else { return ExitCode::SUCCESS };
    let seed = report.seed;
    println!("seed {seed} breaks: {}", violation.0);
    if let Some((kept, shrunk)) = shrink(seed, options) {
        let parts: Vec<_> = kept.iter().map(ToString::to_string).collect();
        println!("\nshrunk to {} parts, {} steps:", kept.len(), shrunk.steps);
        for line in shrunk.trace.lines() {
            println!("{line}");
        }
        let broken = shrunk.violation.map_or_else(String::new, |violation| violation.0);
        println!("breaks: {broken}\n");
        let planted = options.planted.map_or_else(String::new, |bug| format!(" --planted {bug}"));
        println!("replay: cargo run -p simulation --release -- --seed {seed} --trace{planted}");
        println!(
            "shrunk: cargo run -p simulation --release -- --seed {seed} --trace{planted} --only {}",
            parts.join(",")
        );
    }
    ExitCode::FAILURE
}
