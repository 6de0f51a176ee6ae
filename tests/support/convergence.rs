//! Whether the price projection has converged: for every booking its stored state must be, byte for byte, the fold of the
//! source from version 1; and what the feed shows must be what the read API shows, each event exactly once.
//!
//! The source is read over HTTP, twice: from the feed, which also says which bookings there are, and booking by booking.
//! The stored states are read from the projection's table.

use std::collections::{BTreeMap, BTreeSet};

use booking_store::{BookingCode, Event, EventId, EventType, JsonObject, Timestamp, Version};
use futures::StreamExt as _;
use price_projection::Prices;
use projection::{Projection, RecordedEvent, Records};
use serde_json::value::RawValue;

/// Bookings read at a time.
const READERS: usize = 16;
/// Most faults listed.
const LISTED: usize = 20;

type Fields = BTreeMap<String, Box<RawValue>>;

/// What was found.
#[derive(Debug, Default)]
pub struct Convergence {
    /// Bookings in the feed.
    pub bookings: usize,
    /// Events in the feed.
    pub events: usize,
    /// Bookings whose stored state is the fold of the source.
    pub equal: usize,
    /// Bookings whose record ends below the source: the last events never came.
    pub behind: usize,
    /// What must not be, whatever was lost on the way.
    pub faults: Vec<String>,
}

impl Convergence {
    /// Whether everything has come about.
    pub fn is_whole(&self) -> bool {
        self.equal == self.bookings && self.faults.is_empty()
    }

    /// One line.
    pub fn line(&self) -> String {
        let verdict = if self.faults.is_empty() { "no fault".to_owned() } else { format!("{:#?}", self.faults) };
        format!(
            "{} bookings, {} events in the feed, each once; {} states equal to the full fold, {} behind; {verdict}",
            self.bookings, self.events, self.equal, self.behind
        )
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < LISTED {
            self.faults.push(what);
        }
    }
}

/// Reads the whole feed of the system at `url`, every booking in it, and its record.
pub async fn converged(http: &reqwest::Client, url: &str, records: &dyn Records) -> Convergence {
    let mut found = Convergence::default();
    let fed = feed(http, url, &mut found).await;
    found.bookings = fed.len();
    let looked = fed.into_iter().map(|(code, fed)| async move {
        let source = booking(http, url, &code).await;
        let record = records.load(&code).await.unwrap();
        (code, fed, source, record)
    });
    let mut looked = futures::stream::iter(looked).buffer_unordered(READERS);
    while let Some((code, fed, source, record)) = looked.next().await {
        if fed != source {
            found.fault(format!("{code}: the feed shows {} events, the read API {}", fed.len(), source.len()));
        }
        // A booking without a record is one whose every event was lost.
        let (position, state) = record.map_or((Version::NONE, None), |record| {
            assert_eq!(record.booking_code, code);
            if let Some(parked) = record.parked {
                found.fault(format!("{code} is parked: {}", parked.reason));
            }
            (record.position, Some(record.state))
        });
        let upto: Vec<_> = source.iter().take_while(|event| event.version <= position).collect();
        let head = source.last().map_or(Version::NONE, |event| event.version);
        match state {
            // Whatever was lost: a state is never anything but a fold of the source, up to its position.
            Some(state) if state != fold(&upto) => {
                found.fault(format!("{code}: {state} is not the fold to {position}"))
            }
            Some(_) if position == head => found.equal += 1,
            Some(_) | None => found.behind += 1,
        }
    }
    found
}

/// The state after these events, as it is stored.
fn fold(events: &[&RecordedEvent]) -> String {
    let mut state = None;
    for event in events {
        Prices.apply(&mut state, event).unwrap();
    }
    serde_json::to_string(&state).unwrap()
}

/// Everything in the feed, by booking, in the feed's order.
async fn feed(http: &reqwest::Client, url: &str, found: &mut Convergence) -> BTreeMap<BookingCode, Vec<RecordedEvent>> {
    let (mut bookings, mut ids) = (BTreeMap::<BookingCode, Vec<RecordedEvent>>::new(), BTreeSet::new());
    let (mut positions, mut after) = (BTreeMap::<String, u64>::new(), String::new());
    loop {
        let page = fields(&get(http, &format!("{url}/feed?limit=500{after}")).await);
        for event in serde_json::from_str::<Vec<Fields>>(page["events"].get()).unwrap() {
            let position: u64 = serde_json::from_str(event["position"].get()).unwrap();
            let last = positions.entry(event["partition"].get().to_owned()).or_default();
            *last += 1;
            if position != *last {
                found.fault(format!("partition {}: position {position} after {}", event["partition"], *last - 1));
            }
            let code = BookingCode::parse(&text(&event["booking_code"])).unwrap();
            let event = recorded(&code, &event);
            let events = bookings.entry(code.clone()).or_default();
            let expected = events.last().map_or(Version::FIRST, |last| last.version.next());
            if event.version != expected || !ids.insert((code.clone(), event.event_id)) {
                found.fault(format!("{code}: version {} where {expected} should come", event.version));
            }
            found.events += 1;
            events.push(event);
        }
        if page["end"].get() == "true" {
            return bookings;
        }
        after = format!("&after={}", text(&page["next"]));
    }
}

/// Everything the read API shows of a booking.
async fn booking(http: &reqwest::Client, url: &str, code: &BookingCode) -> Vec<RecordedEvent> {
    let (mut events, mut from) = (Vec::new(), "1".to_owned());
    loop {
        let page = fields(&get(http, &format!("{url}/bookings/{code}/events?from_version={from}&limit=1000")).await);
        let shown: Vec<Fields> = serde_json::from_str(page["events"].get()).unwrap();
        events.extend(shown.iter().map(|event| recorded(code, event)));
        match page["next_from_version"].get() {
            "null" => return events,
            next => from = next.to_owned(),
        }
    }
}

async fn get(http: &reqwest::Client, url: &str) -> String {
    let answer = http.get(url).send().await.unwrap();
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{url}: {body}");
    body
}

fn fields(json: &str) -> Fields {
    serde_json::from_str(json).unwrap()
}

fn text(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap()
}

/// An event as it is shown, with the author's own bytes.
fn recorded(code: &BookingCode, shown: &Fields) -> RecordedEvent {
    let moment = |name: &str| Timestamp::parse(&text(&shown[name])).unwrap();
    let metadata = shown.get("metadata").map(|metadata| metadata.get()).filter(|metadata| *metadata != "null");
    let event = Event {
        version: Version::new(serde_json::from_str(shown["version"].get()).unwrap()),
        event_id: EventId::parse(&text(&shown["event_id"])).unwrap(),
        event_type: EventType::parse(&text(&shown["type"])).unwrap(),
        occurred_at: moment("occurred_at"),
        accepted_at: moment("accepted_at"),
        data: JsonObject::parse(shown["data"].get()).unwrap(),
        metadata: metadata.map(|metadata| JsonObject::parse(metadata).unwrap()),
    };
    RecordedEvent::new(code.clone(), event)
}
