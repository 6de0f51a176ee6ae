//! Torture: the whole system under many clients while wires, stores and processes fail, and a check of everything that
//! anybody was told.
//!
//! `cargo run --release -p booking-tests --bin torture -- embedded --seed 1`. Exits with 1 and says why if a promise was
//! broken, with the histories of the bookings concerned and the command that does it again. `--help` says the rest.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a program for its developers; it stops where it fails")]

#[path = "../stack/aws.rs"]
#[allow(dead_code, reason = "the tests of the stack use the rest")]
mod aws;
#[path = "../stack/binaries.rs"]
mod binaries;
#[path = "../python/mod.rs"]
mod python;
#[path = "../stack/stack.rs"]
#[allow(dead_code, reason = "the tests of the stack use the rest")]
mod stack;
#[path = "../stack/system.rs"]
#[allow(dead_code, reason = "the tests of the stack use the rest")]
mod system;
#[path = "../stack/tortured.rs"]
mod tortured;
#[path = "../stack/transform.rs"]
mod transform;

use std::process::ExitCode;
use std::time::Duration;

use booking_tests::torture::{Embedded, Report, Serve, Settings, run, serve};
use clap::{Args, Parser};
use system::System;
use tortured::Tortured;

#[derive(Debug, Parser)]
#[command(name = "torture", about = "Tortures a whole system, then checks what everybody was told")]
enum Command {
    /// The embedded system: calls of its tables fail on the wire, queue and bus by switches, the process is killed
    Embedded(Run),
    /// The functions' release binaries, deployed from template.yaml on ministack: calls of all their stores fail on the
    /// wire, their processes are killed
    Stack(Run),
    /// What is under torture in `embedded`; started by it
    #[command(hide = true)]
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Run {
    /// Draws what is asked and what goes wrong
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long things go wrong
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Clients at a time
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// How many seconds everything may take to settle afterwards: a message that failed often waits for minutes
    #[arg(long, default_value_t = 600)]
    patience: u64,
}

impl Run {
    fn settings(&self) -> Settings {
        let (length, patience) = (Duration::from_secs(self.seconds), Duration::from_secs(self.patience));
        Settings { seed: self.seed, length, clients: self.clients, prefix: "T".to_owned(), patience }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match Command::parse() {
        Command::Serve(how) => {
            serve(how).await;
            ExitCode::SUCCESS
        }
        Command::Embedded(how) => {
            let program = std::env::current_exe().unwrap();
            let mut system = Embedded::start(&program).await;
            let report = run(&system, &how.settings()).await;
            if !report.is_good() {
                eprintln!("files and log are kept in {}", system.keep().display());
            }
            tell(&report)
        }
        Command::Stack(how) => tell(&stack(&how).await),
    }
}

async fn stack(how: &Run) -> Report {
    let system = Tortured::new(System::take().await).await;
    let report = run(&system, &how.settings()).await;
    system.release().await;
    report
}

fn tell(report: &Report) -> ExitCode {
    print!("{report}");
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
