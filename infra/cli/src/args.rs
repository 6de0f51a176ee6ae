//! The command line as it is typed; each command's own arguments stand in its own file.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::exit::EXIT_CODES;
use crate::{append, import, read, replay, spans, status, tail};

/// Talk to a booking event store.
#[derive(Debug, Parser)]
#[command(name = "bookings", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
    /// Print JSON for programs: the server's own answers byte for byte, and an import's summary
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How to reach the server.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// Address of the server; a path (a deployment's stage) may follow the host
    #[arg(long, global = true, env = "BOOKINGS_URL", default_value = "http://127.0.0.1:9000")]
    pub url: String,
    /// Header for every request, as 'Name: value' (a JWT: 'Authorization: Bearer …'); repeatable, in the variable one a line
    #[arg(
        long = "header",
        value_name = "NAME: VALUE",
        global = true,
        env = "BOOKINGS_HEADER",
        hide_env_values = true,
        value_delimiter = '\n'
    )]
    pub headers: Vec<String>,
    /// Sign every request, as API Gateway asks with IAM authorization, with the credentials of the environment, of the
    /// profile or of the machine
    #[arg(long, global = true, env = "BOOKINGS_SIGN", conflicts_with = "headers")]
    pub sign: bool,
    /// How long one request may take before it counts as lost
    #[arg(long, global = true, value_name = "SPAN", default_value = "30s", value_parser = spans::parse)]
    pub timeout: Duration,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Append one event, or a batch of them, to a booking
    Append(append::AppendArgs),
    /// Read a booking's events
    Read(read::ReadArgs),
    /// Show where a booking stands
    Status(status::StatusArgs),
    /// Read the feed of all bookings, and follow it
    Tail(tail::TailArgs),
    /// Have recorded events published again for one consumer, or look at such a replay
    Replay(replay::ReplayArgs),
    /// Import bookings from a file, resumably, and verify them
    Import(Box<import::args::ImportArgs>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_tells_the_exit_codes() {
        assert!(Cli::command().render_help().to_string().contains("verification found a difference"));
    }
}
