//! NDJSON: one booking a line, `{"booking_code"?, "events":[{"type","data","occurred_at"?,"metadata"?,"event_id"?}]}`.
//!
//! Everything the contract would refuse is rejected here, before the first event of the booking is sent.
//! `data` stays the line's own text, byte for byte.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use booking_store::{BookingCode, EventType};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::Error;
use crate::import::booking::{Booking, Identity, PlannedEvent, Rejection, Row};
use crate::timestamp;

/// A longer line is rejected without being held.
const LONGEST_LINE: usize = 8 * 1024 * 1024;
/// The contract's bound on `data`.
const LONGEST_DATA: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    booking_code: Option<String>,
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    event_id: Option<String>,
    #[serde(rename = "type")]
    event_type: String,
    occurred_at: Option<String>,
    data: Box<RawValue>,
    metadata: Option<Box<RawValue>>,
}

/// Reads the bookings of an NDJSON file; a line that cannot be read is rejected, and reading goes on.
pub struct NdjsonRows<R, D> {
    path: PathBuf,
    input: R,
    line: u64,
    done: D,
}

impl<D: Fn(u64) -> bool> NdjsonRows<BufReader<File>, D> {
    /// Opens a file; `done` says which lines are not wanted any more.
    pub fn open(path: &Path, done: D) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::file("open", path, source))?;
        Ok(Self::new(path, BufReader::new(file), done))
    }
}

impl<R: BufRead, D: Fn(u64) -> bool> NdjsonRows<R, D> {
    /// Reads from the first line on.
    pub fn new(path: &Path, input: R, done: D) -> Self {
        Self { path: path.to_owned(), input, line: 0, done }
    }

    /// The next line without its end; `None` at the end of the file. One over the limit is cut, and read to its end.
    fn next_line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut text = Vec::new();
        let most = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX) + 2;
        if self.input.by_ref().take(most).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if text.last() != Some(&b'\n') && text.len() > LONGEST_LINE {
            self.input.skip_until(b'\n')?;
        }
        while matches!(text.last(), Some(b'\n' | b'\r')) {
            text.pop();
        }
        Ok(Some(text))
    }
}

impl<R: BufRead, D: Fn(u64) -> bool> Iterator for NdjsonRows<R, D> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let text = match self.next_line() {
                Ok(text) => text?,
                Err(source) => return Some(Err(Error::file("read", &self.path, source))),
            };
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let row = if (self.done)(self.line) { Row::Done } else { booking(self.line, &text).into() };
            return Some(Ok(row));
        }
    }
}

fn booking(line: u64, text: &[u8]) -> Result<Booking, Rejection> {
    if text.len() > LONGEST_LINE {
        return Err(Rejection::row(line, format!("is longer than {LONGEST_LINE} bytes")));
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").filter(|_| line == 1).unwrap_or(text);
    let parsed: Line = serde_json::from_slice(text).map_err(|error| Rejection::row(line, no_booking(&error)))?;
    let code = parsed.booking_code.map(|code| BookingCode::parse(&code)).transpose();
    let code = code.map_err(|reason| Rejection::field(line, "/booking_code", reason.to_string()))?;
    if parsed.events.is_empty() {
        return Err(Rejection::field(line, "/events", "is empty"));
    }
    let mut ids = HashSet::new();
    let mut events = Vec::with_capacity(parsed.events.len());
    for (index, event) in parsed.events.into_iter().enumerate() {
        let event = event.checked(line, index)?;
        if event.event_id.is_some_and(|id| !ids.insert(id)) {
            return Err(Rejection::field(line, &format!("/events/{index}/event_id"), "is used twice in this booking"));
        }
        events.push(event);
    }
    Ok(Booking { line, identity: Identity::of(line, [text]), code, events })
}

/// The line of a one-line document says nothing; its column does.
fn no_booking(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    format!("is no booking: {what} (column {})", error.column())
}

impl Event {
    fn checked(self, line: u64, index: usize) -> Result<PlannedEvent, Rejection> {
        let wrong = |field: &str, reason: String| Rejection::field(line, &format!("/events/{index}/{field}"), reason);
        let event_type = EventType::parse(&self.event_type).map_err(|reason| wrong("type", reason.to_string()))?;
        let event_id = self.event_id.map(|id| Uuid::try_parse(&id)).transpose();
        let event_id = event_id.map_err(|_| wrong("event_id", "is no UUID".to_owned()))?;
        if let Some(at) = &self.occurred_at {
            timestamp::parse(at).map_err(|reason| wrong("occurred_at", reason))?;
        }
        if !self.data.get().starts_with('{') {
            return Err(wrong("data", "is not an object".to_owned()));
        }
        if self.data.get().len() > LONGEST_DATA {
            return Err(wrong("data", format!("is longer than {LONGEST_DATA} bytes")));
        }
        if self.metadata.as_ref().is_some_and(|metadata| !metadata.get().starts_with('{')) {
            return Err(wrong("metadata", "is not an object".to_owned()));
        }
        let Event { occurred_at, data, metadata, .. } = self;
        Ok(PlannedEvent { event_id, event_type, occurred_at, data, metadata })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &[u8]) -> Vec<Row> {
        NdjsonRows::new(Path::new("x.ndjson"), text, |_| false).map(Result::unwrap).collect()
    }

    fn rejection(text: &str) -> String {
        match rows(text.as_bytes()).pop() {
            Some(Row::Rejected(rejection)) => rejection.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keeps_data_and_given_names_as_written() {
        let id = "0198c0de-0000-7000-8000-000000000001";
        let text = format!(
            "\n{{\"booking_code\":\"AB-1\",\"events\":[{{\"type\":\"A.b\",\"event_id\":\"{id}\",\
             \"data\":{{ \"n\" : 0.10000000000000000001 }},\"metadata\":{{}}}},{{\"type\":\"B\",\"data\":{{}}}}]}}\r\n"
        );
        let Some(Row::Booking(booking)) = rows(text.as_bytes()).pop() else { panic!() };
        assert_eq!(booking.line, 2);
        assert_eq!(booking.code(3, 8).as_str(), "AB-1");
        assert_eq!(booking.event_id(0, &booking.code(0, 8)).to_string(), id);
        assert_eq!(booking.events[0].data.get(), "{ \"n\" : 0.10000000000000000001 }");
    }

    #[test]
    fn what_the_contract_refuses_is_rejected_before_anything_is_sent() {
        let cases = [
            ("{", "line 1: is no booking: EOF while parsing an object (column 1)"),
            ("{\"events\":[]}", "line 1: /events: is empty"),
            ("{\"events\":[{\"type\":\"A\",\"data\":[]}]}", "line 1: /events/0/data: is not an object"),
            (
                "{\"events\":[{\"type\":\"A\",\"data\":{},\"metadata\":1}]}",
                "line 1: /events/0/metadata: is not an object",
            ),
            (
                "{\"events\":[{\"type\":\"A\",\"data\":{},\"event_id\":\"x\"}]}",
                "line 1: /events/0/event_id: is no UUID",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(rejection(text), expected);
        }
        let fields = [
            ("{\"events\":[{\"type\":\"1A\",\"data\":{}}]}", "/events/0/type"),
            ("{\"booking_code\":\"a b\",\"events\":[{\"type\":\"A\",\"data\":{}}]}", "/booking_code"),
            ("{\"events\":[{\"type\":\"A\",\"data\":{},\"occurred_at\":\"today\"}]}", "/events/0/occurred_at"),
            ("{\"events\":[{\"type\":\"A\",\"data\":{},\"extra\":1}]}", "unknown field `extra`"),
        ];
        for (text, expected) in fields {
            assert!(rejection(text).contains(expected), "{}", rejection(text));
        }
    }

    #[test]
    fn an_overlong_line_is_rejected_and_the_next_one_read() {
        let mut text = vec![b' '; LONGEST_LINE + 100];
        text[0] = b'x';
        text.extend_from_slice(b"\n{\"events\":[{\"type\":\"A\",\"data\":{}}]}\n");
        let rows = rows(&text);
        assert!(matches!(&rows[0], Row::Rejected(rejection) if rejection.reason.contains("longer")));
        assert!(matches!(&rows[1], Row::Booking(booking) if booking.line == 2));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_rejected(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for row in NdjsonRows::new(Path::new("x"), bytes.as_slice(), |_| false) {
                prop_assert!(row.is_ok());
            }
        }
    }
}
