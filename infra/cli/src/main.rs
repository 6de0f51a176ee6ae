//! `bookings`: parses the arguments, runs the command, prints what went wrong and sets the exit code.

use std::process::ExitCode;

use bookings::args::Cli;
use bookings::error::report;
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match bookings::run(Cli::parse()).await {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {}", report(&error));
            error.exit().into()
        }
    }
}
