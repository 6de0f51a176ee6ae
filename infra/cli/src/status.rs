//! `bookings status`: where a booking stands.

use booking_store::BookingCode;
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::client::Server;
use crate::error::Error;
use crate::exit::{EXIT_CODES, Exit};
use crate::read::asked;
use crate::table;

/// Arguments of `bookings status`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct StatusArgs {
    /// Booking code
    pub code: BookingCode,
    /// How often to ask again when the server cannot be reached or cannot know
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,
}

/// The answer of `GET /bookings/{code}`; a list and a count are both shown as a count.
#[derive(Debug, Deserialize)]
struct Standing {
    booking_code: String,
    version: u64,
    settled_version: Option<u64>,
    created_at: Option<String>,
    #[serde(default)]
    pending: Value,
    #[serde(default)]
    conflicts: Value,
}

/// Asks and prints.
pub async fn run(args: &StatusArgs, server: &Server, json: bool) -> Result<Exit, Error> {
    let answer = asked(args.retries, || server.status(&args.code)).await?;
    if json {
        println!("{}", String::from_utf8_lossy(&answer.body));
        return Ok(Exit::Done);
    }
    let standing: Standing = answer.read().map_err(|failure| Error::from_failure(failure, 1))?;
    print!("{}", describe(&standing));
    Ok(Exit::Done)
}

fn describe(standing: &Standing) -> String {
    let settled = match standing.settled_version {
        Some(settled) if settled == standing.version => format!("{settled} (all recorded and published)"),
        Some(settled) => settled.to_string(),
        None => "not known".to_owned(),
    };
    let rows = [
        ("booking code", table::cell(&standing.booking_code, 64)),
        ("version", standing.version.to_string()),
        ("settled", settled),
        ("created at", table::cell(standing.created_at.as_deref().unwrap_or("not known"), 40)),
        ("pending", counted(&standing.pending)),
        ("conflicts", counted(&standing.conflicts)),
    ];
    table::layout(&rows.map(|(name, value)| vec![name.to_owned(), value]))
}

fn counted(value: &Value) -> String {
    match value.as_array() {
        Some(list) if list.is_empty() => "0".to_owned(),
        Some(list) => format!("{}: {}", list.len(), table::cell(&Value::from(list.clone()).to_string(), 300)),
        None if value.is_null() => "not known".to_owned(),
        None => table::cell(&value.to_string(), 300),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_counts_and_lists() {
        let standing: Standing = serde_json::from_str(
            r#"{"booking_code":"A1","version":3,"settled_version":3,"created_at":"2026-11-21T09:00:00.000Z","pending":[],"conflicts":2}"#,
        )
        .unwrap();
        let shown = describe(&standing);
        assert!(shown.contains("settled       3 (all recorded and published)"), "{shown}");
        assert!(shown.contains("pending       0"), "{shown}");
        assert!(shown.contains("conflicts     2"), "{shown}");
        assert_eq!(counted(&Value::Null), "not known");
    }
}
