//! Explores the model at a chosen size.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use model::{Bug, Expectation, First, Protocol};

/// The protocol's model, explored exhaustively.
#[derive(Parser)]
struct Arguments {
    /// What each writer expects: n for a new booking, a for any version.
    #[arg(long, default_value = "nna")]
    writers: String,
    /// Requests that clients may repeat.
    #[arg(long, default_value_t = 0)]
    retries: u8,
    /// Drainers, 1 or 2.
    #[arg(long, default_value_t = 1)]
    drainers: usize,
    /// Reads.
    #[arg(long, default_value_t = 1)]
    reads: u8,
    /// Faults.
    #[arg(long, default_value_t = 1)]
    faults: u8,
    /// Plant a bug and stop at the first invariant it breaks.
    #[arg(long, value_enum)]
    planted: Option<Bug>,
    /// The order of the search.
    #[arg(long, value_enum, default_value = "breadth")]
    first: First,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

#[expect(clippy::disallowed_methods, reason = "states a second, of the machine's time")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let expectation = |letter| if letter == 'n' { Expectation::New } else { Expectation::Any };
    let protocol = Protocol {
        expectations: arguments.writers.chars().map(expectation).collect(),
        retries: arguments.retries,
        drainers: arguments.drainers,
        reads: arguments.reads,
        faults: arguments.faults,
        bug: arguments.planted,
    };
    let started = Instant::now();
    let found = protocol.explore(arguments.first, arguments.threads);
    let seconds = started.elapsed().as_secs_f64();
    println!("{} states, up to {} steps deep, in {seconds:.1} s", found.states, found.depth);
    for name in &found.unreached {
        println!("not reached: {name}");
    }
    for (name, history) in &found.broken {
        println!("broken: {name}");
        for action in history {
            println!("    {action:?}");
        }
    }
    if found.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
