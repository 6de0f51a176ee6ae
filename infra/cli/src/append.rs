//! `bookings append`: one event or a batch, with event ids that stay the same however often it is sent.

use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use booking_store::{BookingCode, EventType};
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::backoff::{Patience, patiently};
use crate::client::Server;
use crate::error::Error;
use crate::exit::{EXIT_CODES, Exit};
use crate::wire::{AppendRequest, Appended, EventStatus, NewEvent};
use crate::{spans, timestamp};

/// Where in the booking the events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// The booking is new.
    New,
    /// After this version.
    Exact(u64),
    /// At the end, wherever that is; creates no booking.
    Any,
}

impl FromStr for ExpectedVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "new" | "0" => Ok(Self::New),
            "any" => Ok(Self::Any),
            number => number.parse().map(Self::Exact).map_err(|_| "write new, any or a version".to_owned()),
        }
    }
}

impl ExpectedVersion {
    /// As the contract writes it.
    pub fn on_the_wire(self) -> Option<u64> {
        match self {
            Self::New => Some(0),
            Self::Exact(version) => Some(version),
            Self::Any => None,
        }
    }
}

/// Arguments of `bookings append`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct AppendArgs {
    /// Booking code
    pub code: BookingCode,
    /// Type of the event
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "events")]
    pub event_type: Option<EventType>,
    /// Data of the event, a JSON object: as text, @FILE, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-", required_unless_present = "events")]
    pub data: Option<String>,
    /// A batch instead: FILE (- for standard input) holds a JSON array of {type, data, event_id?, occurred_at?, metadata?}
    #[arg(long, value_name = "FILE", conflicts_with_all = ["event_type", "data", "event_id", "occurred_at", "metadata"])]
    pub events: Option<String>,
    /// new = the booking must not exist, N = it must stand at version N, any = at the end of an existing booking
    #[arg(long, value_name = "new|N|any", default_value = "any")]
    pub expected_version: ExpectedVersion,
    /// Idempotency key of the event; made here if absent
    #[arg(long, value_name = "UUID")]
    pub event_id: Option<Uuid>,
    /// When it happened, like 2026-11-21T09:00:00.000Z; the server's time if absent
    #[arg(long, value_name = "TIME", value_parser = timestamp::checked)]
    pub occurred_at: Option<String>,
    /// About the event, a JSON object: as text, @FILE, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub metadata: Option<String>,
    /// How often to send again, with the same event ids, when the server cannot be reached or cannot know
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,
}

/// An event as the user wrote it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    event_id: Option<Uuid>,
    #[serde(rename = "type")]
    event_type: EventType,
    occurred_at: Option<String>,
    data: Box<RawValue>,
    metadata: Option<Box<RawValue>>,
}

/// Appends, and says what became of it.
pub async fn run(args: &AppendArgs, server: &Server, json: bool) -> Result<Exit, Error> {
    let mut written = written(args)?;
    for event in &mut written {
        event.event_id.get_or_insert_with(Uuid::now_v7);
    }
    let events: Vec<NewEvent<'_>> = written.iter().filter_map(to_wire).collect();
    let request = AppendRequest { expected_version: args.expected_version.on_the_wire(), events: &events };
    let patient = patiently(
        Patience::Retries(args.retries),
        &|transient, pause| eprintln!("{}; sending again in {}", transient.reason, spans::show(pause)),
        || server.append(&args.code, &request),
    )
    .await;
    let answer = patient.outcome.map_err(|failure| {
        let error = Error::from_failure(failure, patient.retries + 1);
        if matches!(error, Error::Unavailable { .. }) {
            let ids: Vec<String> = events.iter().map(|event| event.event_id.to_string()).collect();
            eprintln!(
                "the events may have been accepted; to send them again safely, keep their ids: {}",
                ids.join(" ")
            );
        }
        error
    })?;
    if json {
        println!("{}", String::from_utf8_lossy(&answer.body));
    } else {
        let appended: Appended = answer.read().map_err(|failure| Error::from_failure(failure, 1))?;
        print!("{}", describe(&appended, answer.replayed));
    }
    Ok(Exit::Done)
}

fn to_wire(event: &Written) -> Option<NewEvent<'_>> {
    Some(NewEvent {
        event_id: event.event_id?,
        event_type: &event.event_type,
        occurred_at: event.occurred_at.as_deref(),
        data: &event.data,
        metadata: event.metadata.as_deref(),
    })
}

fn describe(appended: &Appended, replayed: bool) -> String {
    let again = if replayed { " (the server had it already)" } else { "" };
    let code = &appended.booking_code;
    let mut out = match (appended.first_version, appended.version) {
        (Some(first), Some(last)) if first != last => format!("{code} versions {first}–{last}"),
        (_, Some(last)) => format!("{code} version {last}"),
        _ => code.to_string(),
    };
    out.push_str(match appended.status {
        EventStatus::Recorded => ": recorded",
        EventStatus::Pending => ": accepted and readable, recording is pending",
        EventStatus::Deferred => ": accepted, but the booking code is not confirmed yet",
        EventStatus::Conflict => ": kept as a conflict, the booking code belongs to another",
    });
    out.push_str(&format!("{again}\n"));
    for event in &appended.events {
        out.push_str(&format!("  event {}\n", event.event_id));
    }
    if let (EventStatus::Deferred, Some(event)) = (appended.status, appended.events.first()) {
        out.push_str(&format!("look again with: bookings read {code} --event-id {}\n", event.event_id));
    }
    out
}

fn written(args: &AppendArgs) -> Result<Vec<Written>, Error> {
    if let Some(file) = &args.events {
        let text = if file == "-" { standard_input()? } else { file_text(file)? };
        let events: Vec<Written> = serde_json::from_str(&text)
            .map_err(|error| Error::Usage(format!("--events is no JSON array of events: {error}")))?;
        return if events.is_empty() { Err(Error::Usage("--events holds no event".to_owned())) } else { Ok(events) };
    }
    let (Some(event_type), Some(data)) = (args.event_type.clone(), args.data.as_deref()) else {
        return Err(Error::Usage("give --type and --data, or --events".to_owned()));
    };
    Ok(vec![Written {
        event_id: args.event_id,
        event_type,
        occurred_at: args.occurred_at.clone(),
        data: json_text("--data", data)?,
        metadata: args.metadata.as_deref().map(|text| json_text("--metadata", text)).transpose()?,
    }])
}

/// The JSON an argument names, kept exactly as it was written.
fn json_text(argument: &str, given: &str) -> Result<Box<RawValue>, Error> {
    let text = match given.strip_prefix('@') {
        Some(file) => file_text(file)?,
        None if given == "-" => standard_input()?,
        None => given.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| Error::Usage(format!("{argument} is no JSON: {error}")))
}

fn file_text(file: &str) -> Result<String, Error> {
    let path = Path::new(file);
    std::fs::read_to_string(path).map_err(|source| Error::file("read", path, source))
}

fn standard_input() -> Result<String, Error> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_versions() {
        assert_eq!("new".parse::<ExpectedVersion>().unwrap().on_the_wire(), Some(0));
        assert_eq!("0".parse::<ExpectedVersion>().unwrap().on_the_wire(), Some(0));
        assert_eq!("7".parse::<ExpectedVersion>().unwrap().on_the_wire(), Some(7));
        assert_eq!("any".parse::<ExpectedVersion>().unwrap().on_the_wire(), None);
        assert!("-1".parse::<ExpectedVersion>().is_err());
    }

    #[test]
    fn json_is_kept_as_written() {
        assert_eq!(json_text("--data", " {\"a\" : 0.10} ").unwrap().get(), "{\"a\" : 0.10}");
        assert!(json_text("--data", "{").is_err());
        assert!(json_text("--data", "{} {}").is_err());
    }
}
