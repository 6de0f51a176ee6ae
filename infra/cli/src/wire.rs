//! The bodies of the HTTP contract. `data` and `metadata` stay the client's own JSON text.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use booking_store::{BookingCode, EventType};

/// An event on its way to the server.
#[derive(Debug, Serialize)]
pub struct NewEvent<'a> {
    /// The idempotency key.
    pub event_id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: &'a EventType,
    /// When it happened, by the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<&'a str>,
    /// What happened.
    pub data: &'a RawValue,
    /// About the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<&'a RawValue>,
}

/// The body of `POST /bookings/{code}/events`.
#[derive(Debug, Serialize)]
pub struct AppendRequest<'a> {
    /// 0 = a new booking, n = after n, absent = at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// 1 to 25 of them.
    pub events: &'a [NewEvent<'a>],
}

/// Where an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    /// In the events table.
    Recorded,
    /// Accepted and durable, not in the events table yet.
    Pending,
    /// Durable, but the booking code is not confirmed.
    Deferred,
    /// Acknowledged, but another booking has the code.
    Conflict,
}

/// An event as an append answers it.
#[derive(Debug, Deserialize)]
pub struct AppendedEvent {
    /// The idempotency key.
    pub event_id: Uuid,
    /// Its version, unless deferred.
    pub version: Option<u64>,
}

/// The answer of an append.
#[derive(Debug, Deserialize)]
pub struct Appended {
    /// The booking.
    pub booking_code: BookingCode,
    /// The version of the first event, unless deferred.
    pub first_version: Option<u64>,
    /// The version of the last event, unless deferred.
    pub version: Option<u64>,
    /// Where the events are.
    pub status: EventStatus,
    /// `confirmed` or `unconfirmed`.
    #[serde(default)]
    pub uniqueness: Option<String>,
    /// Every event.
    #[serde(default)]
    pub events: Vec<AppendedEvent>,
}

/// Only the status of `GET /bookings/{code}/events/{event_id}`.
#[derive(Debug, Deserialize)]
pub struct EventState {
    /// Where the event is.
    pub status: EventStatus,
}

/// An event as a read answers it.
#[derive(Debug, Deserialize)]
pub struct StoredEvent {
    /// Its place in the booking; a conflict has none.
    pub version: Option<u64>,
    /// The idempotency key.
    pub event_id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    #[serde(default)]
    pub occurred_at: Option<String>,
    /// When the server accepted it.
    #[serde(default)]
    pub accepted_at: Option<String>,
    /// Where the event is.
    pub status: EventStatus,
    /// What happened, byte for byte.
    pub data: Box<RawValue>,
    /// About the event.
    #[serde(default)]
    pub metadata: Option<Box<RawValue>>,
}

/// One page of `GET /bookings/{code}/events`.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// The booking.
    pub booking_code: BookingCode,
    /// The newest version, also of events beyond this page.
    pub version: Option<u64>,
    /// False when an eventual read could not prove that this is all.
    pub complete: bool,
    /// The events of this page.
    pub events: Vec<StoredEvent>,
    /// Events that lost this booking code to its owner.
    #[serde(default)]
    pub conflicts: Vec<Box<RawValue>>,
    /// Where the next page starts.
    pub next_from_version: Option<u64>,
}

/// How much a read must prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Consistency {
    /// Everything accepted before the read, or an error.
    Strong,
    /// What is known, marked incomplete where it is.
    Eventual,
}

/// The query of a read.
#[derive(Debug, Clone, Default)]
pub struct ReadQuery {
    /// The first version wanted.
    pub from_version: Option<u64>,
    /// The most events wanted.
    pub limit: Option<u32>,
    /// The version the reader knows of.
    pub min_version: Option<u64>,
    /// How much the read must prove.
    pub consistency: Option<Consistency>,
}

impl ReadQuery {
    /// The query as the end of a URL.
    pub fn to_query(&self) -> String {
        let consistency = self.consistency.map(|wanted| match wanted {
            Consistency::Strong => "strong".to_owned(),
            Consistency::Eventual => "eventual".to_owned(),
        });
        let fields = [
            ("from_version", self.from_version.map(|v| v.to_string())),
            ("limit", self.limit.map(|v| v.to_string())),
            ("min_version", self.min_version.map(|v| v.to_string())),
            ("consistency", consistency),
        ];
        let fields: Vec<String> =
            fields.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect();
        if fields.is_empty() { String::new() } else { format!("?{}", fields.join("&")) }
    }
}

/// The query of `GET /feed`.
#[derive(Debug, Clone)]
pub struct FeedQuery {
    /// The position to go on after; absent from the beginning.
    pub after: Option<String>,
    /// Only this partition.
    pub partition: Option<u16>,
    /// The most events wanted.
    pub limit: u32,
}

impl FeedQuery {
    /// The query as the end of a URL.
    pub fn to_query(&self) -> String {
        let mut query = format!("?limit={}", self.limit);
        if let Some(partition) = self.partition {
            query.push_str(&format!("&partition={partition}"));
        }
        if let Some(after) = &self.after {
            // A position is letters, digits and hyphens; anything else is a mistake that the server should name.
            let after: String =
                percent_encoding::utf8_percent_encode(after, percent_encoding::NON_ALPHANUMERIC).to_string();
            query.push_str(&format!("&after={after}"));
        }
        query
    }
}

/// The answer of `GET /feed/partitions`.
#[derive(Debug, Deserialize)]
pub struct FeedHeads {
    /// The last position of each partition, from 0 on.
    pub positions: Vec<u64>,
    /// All of them as one position.
    pub next: String,
}

/// One page of `GET /feed`.
#[derive(Debug, Deserialize)]
pub struct FeedPage {
    /// The events, byte for byte.
    pub events: Vec<Box<RawValue>>,
    /// The position behind them.
    pub next: String,
    /// Whether nothing came after them when the page was made.
    pub end: bool,
}

/// The body of `POST /replays`.
#[derive(Debug, Serialize)]
pub struct ReplayRequest<'a> {
    /// The idempotency key.
    pub replay_id: Uuid,
    /// For whom.
    pub consumer: &'a str,
    /// Events a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<u32>,
    /// These bookings,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_codes: Option<&'a [BookingCode]>,
    /// or what was accepted from then on
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_from: Option<&'a str>,
    /// and before then,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_to: Option<&'a str>,
    /// or all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
}

/// Where a replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayStatus {
    /// Being worked on.
    Running,
    /// All of it was sent, but for what `errors` counts.
    Done,
    /// Ended on request.
    Cancelled,
    /// Ended by itself; `failure` says why.
    Failed,
}

/// A booking a replay gave up.
#[derive(Debug, Deserialize)]
pub struct FailedBooking {
    /// The booking.
    pub booking_code: String,
    /// The first version that was not sent.
    pub version: u64,
    /// Why.
    pub reason: String,
}

/// A replay as the server shows it.
#[derive(Debug, Deserialize)]
pub struct ReplayView {
    /// Its id.
    pub replay_id: Uuid,
    /// For whom.
    pub consumer: String,
    /// Where it stands.
    pub status: ReplayStatus,
    /// Bookings looked at, those given up among them.
    pub bookings_done: u64,
    /// About how many there are.
    pub bookings_total_estimate: Option<u64>,
    /// Events the bus has taken.
    pub events_sent: u64,
    /// Bookings given up.
    pub errors: u64,
    /// The first of them.
    #[serde(default)]
    pub failed_bookings: Vec<FailedBooking>,
    /// Events a second.
    pub rate: Option<f64>,
    /// What it waits for, if it does.
    #[serde(default)]
    pub waiting_for: Option<String>,
    /// Why it failed, if it did.
    #[serde(default)]
    pub failure: Option<String>,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    #[serde(default)]
    pub finished_at: Option<String>,
}

impl ReplayView {
    /// About how many bookings there are; those done, if nobody knows.
    pub fn total(&self) -> u64 {
        self.bookings_total_estimate.unwrap_or(0).max(self.bookings_done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_sent_as_written() {
        let data: Box<RawValue> = serde_json::from_str(r#"{"total": 100.10000000000000000001,  "n":1E400}"#).unwrap();
        let event_type = "A".parse().unwrap();
        let event =
            NewEvent { event_id: Uuid::nil(), event_type: &event_type, occurred_at: None, data: &data, metadata: None };
        let body = serde_json::to_string(&AppendRequest { expected_version: Some(0), events: &[event] }).unwrap();
        assert_eq!(
            body,
            "{\"expected_version\":0,\"events\":[{\"event_id\":\"00000000-0000-0000-0000-000000000000\",\"type\":\"A\",\
             \"data\":{\"total\": 100.10000000000000000001,  \"n\":1E400}}]}"
        );
    }

    #[test]
    fn queries() {
        assert_eq!(ReadQuery::default().to_query(), "");
        let query =
            ReadQuery { from_version: Some(3), consistency: Some(Consistency::Eventual), ..ReadQuery::default() };
        assert_eq!(query.to_query(), "?from_version=3&consistency=eventual");
    }
}
