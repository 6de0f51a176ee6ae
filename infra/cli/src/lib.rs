//! The command line of the booking event store.
//!
//! It speaks the HTTP contract and nothing else, so it works the same against the embedded stack and a deployment.
//! Invariant: a request that is sent again is sent with the same event ids, so nothing is ever written twice.
//! What it does not do: it knows no store, and it never turns a price into a floating point number.
#![allow(
    clippy::disallowed_methods,
    reason = "a command line runs on the machine's own clock; what must be reproducible (codes, event ids) is derived"
)]

pub mod append;
pub mod args;
pub mod backoff;
pub mod client;
pub mod error;
pub mod exit;
pub mod import;
pub mod problem;
pub mod progress;
pub mod read;
pub mod replay;
pub mod signing;
pub mod spans;
pub mod status;
pub mod table;
pub mod tail;
pub mod timestamp;
pub mod wire;

use args::{Cli, Command};
use client::Server;
use error::Error;
use exit::Exit;

/// Carries out one command line and says how it ended.
pub async fn run(cli: Cli) -> Result<Exit, Error> {
    let server = Server::new(&cli.connection)?.authorized(signing::authorize(&cli.connection).await?);
    match cli.command {
        Command::Append(args) => append::run(&args, &server, cli.json).await,
        Command::Read(args) => read::run(&args, &server, cli.json).await,
        Command::Status(args) => status::run(&args, &server, cli.json).await,
        Command::Tail(args) => tail::run(&args, &server, cli.json).await,
        Command::Replay(args) => replay::run(&args, &server, cli.json).await,
        Command::Import(args) => import::run(*args, server, cli.json).await,
    }
}
