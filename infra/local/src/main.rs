//! `cargo run`: the embedded system on 127.0.0.1.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use local::{DEFAULT_PORT, Options, Running, chain};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The booking event store in one process: tables, queue, bus, functions and HTTP API.
#[derive(Debug, Parser)]
#[command(name = "booking-store-local", version)]
struct Arguments {
    /// Port on 127.0.0.1; 0 for any that is free
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Directory of the files; one process at a time
    #[arg(long, value_name = "DIR", default_value = ".local")]
    data_dir: PathBuf,
    /// Keep everything in memory and drop it at the end
    #[arg(long, conflicts_with = "data_dir")]
    ephemeral: bool,
    /// Whether a new booking is accepted as "deferred" while the reservations table is unreachable
    #[arg(long, value_name = "true|false", default_value_t = true, action = clap::ArgAction::Set)]
    deferred_accept: bool,
    /// What to log: a level, or levels by module such as "warn,publish=info"
    #[arg(long, value_name = "FILTER", default_value = "warn,local=info,dynoxide=error")]
    log: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = match EnvFilter::try_new(&arguments.log) {
        Ok(filter) => filter,
        Err(error) => return fail(&format!("--log: {error}")),
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    runtime.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> ExitCode {
    let data_dir = (!arguments.ephemeral).then_some(arguments.data_dir);
    let shown = data_dir.as_ref().map_or_else(|| "memory only".to_owned(), |path| path.display().to_string());
    let options = Options { port: arguments.port, data_dir, deferred_accept: arguments.deferred_accept };
    let running = match local::start(options).await {
        Ok(running) => running,
        Err(error) => return fail(&chain(&error)),
    };
    greet(&running, &shown);
    if let Err(error) = asked_to_stop().await {
        tracing::error!(%error, "cannot wait for signals; stopping");
    }
    eprintln!("stopping");
    running.shutdown().await;
    ExitCode::SUCCESS
}

/// One line for whoever typed the command.
fn fail(reason: &str) -> ExitCode {
    eprintln!("booking-store-local: {reason}");
    ExitCode::FAILURE
}

async fn asked_to_stop() -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn greet(running: &Running, data: &str) {
    let url = running.url();
    println!("booking-store-local listens on {url} (data: {data}; Ctrl-C stops)");
    println!();
    println!("append   curl -i {url}/bookings/HOTEL-1/events -H 'Content-Type: application/json' \\");
    println!(
        "           -d '{{\"expected_version\":0,\"events\":[{{\"type\":\"BookingPriced\",\"data\":{{\"total\":\"120.00\"}}}}]}}'"
    );
    println!("read     curl -s {url}/bookings/HOTEL-1/events");
    println!(
        "break    curl -s -X PUT {url}/local/faults -d '{{\"events\":\"down\"}}'   # then append again; \"up\" heals"
    );
}
