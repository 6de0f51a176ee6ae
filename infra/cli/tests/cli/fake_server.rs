//! A server that keeps just enough of the contract, in memory, with faults to order. It decides; [`crate::serving`]
//! puts it on a port.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// What goes wrong. A count of 0 is never.
#[derive(Debug, Default, Clone)]
pub(crate) struct Faults {
    /// Every n-th append is refused with 503 before anything is written.
    pub(crate) refuse_every: u64,
    /// Every n-th append is written, and answered 503.
    pub(crate) lose_every: u64,
    /// Every n-th append is written, and answered after a second and a half.
    pub(crate) hang_every: u64,
    /// How long every append takes.
    pub(crate) append_millis: u64,
    /// What `Retry-After` says on a 503.
    pub(crate) retry_after: u64,
    /// So many more new bookings are deferred; every second of them loses its code to a rival.
    pub(crate) defer: u64,
    /// Appends are answered `pending`.
    pub(crate) pending: bool,
    /// Requests without this `authorization` are answered 401.
    pub(crate) authorization: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) occurred_at: String,
    pub(crate) data: String,
    pub(crate) metadata: Option<String>,
    pub(crate) status: &'static str,
}

#[derive(Debug)]
struct Deferred {
    code: String,
    event: Event,
    polls: u32,
    rival: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) bookings: HashMap<String, Vec<Event>>,
    pub(crate) conflicts: HashMap<String, Vec<Event>>,
    deferred: Vec<Deferred>,
    pub(crate) faults: Faults,
    pub(crate) appends: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Append {
    expected_version: Option<usize>,
    events: Vec<Sent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    event_id: String,
    r#type: String,
    occurred_at: Option<String>,
    data: Box<RawValue>,
    metadata: Option<Box<RawValue>>,
}

/// A status, a body, and whether it is a replay.
pub(crate) type Reply = (u16, String, bool);

pub(crate) fn problem(status: u16, code: &str, more: Value) -> Reply {
    let mut body = json!({"type": "about:blank", "title": format!("Title of {code}"), "status": status, "code": code});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    (status, body.to_string(), false)
}

impl Store {
    pub(crate) fn append(&mut self, code: &str, body: &[u8]) -> Reply {
        let request: Append = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => return problem(400, "invalid-request", json!({"detail": error.to_string()})),
        };
        if let Some(index) = request.events.iter().position(|event| !event.data.get().starts_with('{')) {
            let error = json!({"pointer": format!("/events/{index}/data"), "message": "must be an object"});
            return problem(400, "invalid-request", json!({"detail": "1 field is wrong", "errors": [error]}));
        }
        let events: Vec<Event> = request.events.into_iter().map(|sent| self.event(sent)).collect();
        if let Some(at) = self.position(code, &events[0].id) {
            return self.replay(code, at, &events);
        }
        let known = self.bookings.get(code).map(Vec::len);
        match (request.expected_version, known) {
            (Some(0), Some(_)) => return problem(409, "booking-code-taken", json!({})),
            (Some(0), None) if self.faults.defer > 0 => return self.defer(code, &events[0]),
            (Some(0), None) => {}
            (_, None) => return problem(404, "booking-not-found", json!({})),
            (Some(expected), Some(actual)) if expected != actual => {
                let versions = json!({"expected_version": expected, "actual_version": actual});
                return problem(409, "version-conflict", versions);
            }
            _ => {}
        }
        let booking = self.bookings.entry(code.to_owned()).or_default();
        let first = booking.len() + 1;
        booking.extend(events.iter().cloned());
        let status = events[0].status;
        (if status == "pending" { 202 } else { 201 }, answer(code, first, &events, status), false)
    }

    fn event(&self, sent: Sent) -> Event {
        Event {
            id: sent.event_id,
            kind: sent.r#type,
            occurred_at: sent.occurred_at.unwrap_or_else(|| "2026-01-01T00:00:00.000Z".to_owned()),
            data: sent.data.get().to_owned(),
            metadata: sent.metadata.map(|raw| raw.get().to_owned()),
            status: if self.faults.pending { "pending" } else { "recorded" },
        }
    }

    fn position(&self, code: &str, id: &str) -> Option<usize> {
        self.bookings.get(code)?.iter().position(|event| event.id == id)
    }

    fn replay(&self, code: &str, at: usize, events: &[Event]) -> Reply {
        let stored = &self.bookings[code][at..];
        let same = events.iter().zip(stored).all(|(new, old)| new.id == old.id && new.data == old.data);
        if !same || stored.len() < events.len() {
            return problem(422, "event-id-reused", json!({}));
        }
        (200, answer(code, at + 1, &stored[..events.len()], stored[0].status), true)
    }

    fn defer(&mut self, code: &str, event: &Event) -> Reply {
        let rival = self.faults.defer.is_multiple_of(2);
        self.faults.defer -= 1;
        let event = event.clone();
        let body = json!({"booking_code": code, "first_version": null, "version": null, "status": "deferred",
            "uniqueness": "unconfirmed", "events": [{"event_id": event.id, "version": null}]});
        self.deferred.push(Deferred { code: code.to_owned(), event, polls: 0, rival });
        (202, body.to_string(), false)
    }

    /// A deferred event is drained when it is asked for the third time.
    fn drain(&mut self, code: &str, id: &str) {
        let Some(at) = self.deferred.iter().position(|deferred| deferred.code == code && deferred.event.id == id)
        else {
            return;
        };
        self.deferred[at].polls += 1;
        if self.deferred[at].polls < 3 {
            return;
        }
        let Deferred { code, event, rival, .. } = self.deferred.remove(at);
        if rival {
            let mut other = event.clone();
            other.id = format!("rival of {}", event.id);
            self.bookings.entry(code.clone()).or_insert_with(|| vec![other]);
        }
        match self.bookings.get(&code) {
            Some(owned) if owned[0].id == event.id => {}
            Some(_) => self.conflicts.entry(code).or_default().push(Event { status: "conflict", ..event }),
            None => drop(self.bookings.insert(code, vec![event])),
        }
    }

    pub(crate) fn read(&self, code: &str, from: usize, limit: usize) -> Reply {
        let Some(booking) = self.bookings.get(code) else { return problem(404, "booking-not-found", json!({})) };
        let from = from.max(1);
        let page: Vec<String> = booking
            .iter()
            .enumerate()
            .skip(from - 1)
            .take(limit)
            .map(|(at, event)| event.shown(Some(at + 1)))
            .collect();
        let next = from + page.len();
        let next = if next <= booking.len() { next.to_string() } else { "null".to_owned() };
        let body = format!(
            "{{\"booking_code\":\"{code}\",\"version\":{},\"complete\":true,\"events\":[{}],\"conflicts\":[],\
             \"next_from_version\":{next}}}",
            booking.len(),
            page.join(",")
        );
        (200, body, false)
    }

    pub(crate) fn read_event(&mut self, code: &str, id: &str) -> Reply {
        self.drain(code, id);
        if let Some(at) = self.position(code, id) {
            return (200, self.bookings[code][at].shown(Some(at + 1)), false);
        }
        match self.conflicts.get(code).and_then(|lost| lost.iter().find(|event| event.id == id)) {
            Some(event) => (200, event.shown(None), false),
            None => problem(404, "event-not-found", json!({})),
        }
    }

    pub(crate) fn status(&self, code: &str) -> Reply {
        let Some(booking) = self.bookings.get(code) else { return problem(404, "booking-not-found", json!({})) };
        let body = json!({"booking_code": code, "version": booking.len(), "settled_version": booking.len(),
            "created_at": "2026-01-01T00:00:00.000Z", "pending": 0, "conflicts": []});
        (200, body.to_string(), false)
    }
}

impl Event {
    fn shown(&self, version: Option<usize>) -> String {
        format!(
            "{{\"version\":{},\"event_id\":\"{}\",\"type\":\"{}\",\"occurred_at\":\"{}\",\
             \"accepted_at\":\"2026-01-01T00:00:00.000Z\",\"status\":\"{}\",\"data\":{},\"metadata\":{}}}",
            version.map_or("null".to_owned(), |version| version.to_string()),
            self.id,
            self.kind,
            self.occurred_at,
            self.status,
            self.data,
            self.metadata.as_deref().unwrap_or("null")
        )
    }
}

fn answer(code: &str, first: usize, events: &[Event], status: &str) -> String {
    let versions: Vec<Value> =
        events.iter().enumerate().map(|(at, event)| json!({"event_id": event.id, "version": first + at})).collect();
    json!({"booking_code": code, "first_version": first, "version": first + events.len() - 1, "status": status,
        "uniqueness": "confirmed", "events": versions})
    .to_string()
}
