//! The feed, pulled while bookings are written, a store fails and the system restarts: each event exactly once.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::system::{System, event_id};

/// An event's place: partition, position, booking code, version, event id.
type Entry = (u64, u64, String, u64, String);

/// A reader that keeps its position.
#[derive(Default)]
struct Reader {
    after: Option<String>,
    seen: Vec<Entry>,
}

impl Reader {
    /// Reads to the end, if the feed can be read.
    async fn pull(&mut self, system: &System, limit: u32) {
        loop {
            let after = self.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
            let answer = system.get(&format!("/feed?limit={limit}{after}")).await;
            if answer.status == 503 {
                return;
            }
            assert_eq!(answer.status, 200, "{answer:?}");
            let page = answer.json();
            self.seen.extend(page["events"].as_array().unwrap().iter().map(entry));
            self.after = Some(page["next"].as_str().unwrap().to_owned());
            if page["end"] == true {
                return;
            }
        }
    }

    /// Positions without a gap, versions in order from 1, no event twice. How many events each booking has.
    fn check(&self) -> BTreeMap<String, u64> {
        let (mut positions, mut versions) = (BTreeMap::<u64, u64>::new(), BTreeMap::<String, u64>::new());
        for (partition, position, code, version, id) in &self.seen {
            let (last, head) = (positions.entry(*partition).or_default(), versions.entry(code.clone()).or_default());
            assert_eq!((*position, *version), (*last + 1, *head + 1), "{code} {id} in partition {partition}");
            (*last, *head) = (*position, *version);
        }
        versions
    }
}

fn entry(event: &Value) -> Entry {
    let (number, text) =
        (|name: &str| event[name].as_u64().unwrap(), |name: &str| event[name].as_str().unwrap().to_owned());
    (number("partition"), number("position"), text("booking_code"), number("version"), text("event_id"))
}

async fn write(system: &System, from: u64, to: u64) {
    let bookings = (0..12).map(|n| async move {
        for version in from..to {
            let event = json!({"event_id": event_id(), "type": "BookingPriced", "data": {"total": "1.00"}});
            let body = json!({"expected_version": version, "events": [event]});
            system.deliver(&format!("B{n}"), &body.to_string()).await;
        }
    });
    join_all(bookings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_each_event_once_through_outages_and_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let mut system = System::start_in(Some(directory.path().to_owned())).await;
    let (mut reader, mut written) = (Reader::default(), 0);
    for round in 0..3 {
        if round == 1 {
            // What is accepted and not recorded is in the feed as well: it has its version for ever.
            system.faults(json!({"events": "down"})).await;
        }
        for _ in 0..4 {
            let (from, to) = (written, written + 2);
            tokio::join!(write(&system, from, to), reader.pull(&system, 7));
            written = to;
        }
        system.heal().await;
        system.stop().await;
        system = System::start_in(Some(directory.path().to_owned())).await;
    }
    system.settled().await;
    let lag = || async {
        let status = system.get("/local/status").await.json();
        status["streams"].as_array().unwrap().iter().all(|stream| stream["lag"] == 0)
    };
    system.until("both readers of the stream are at its end", lag).await;
    reader.pull(&system, 100).await;
    let expected: BTreeMap<String, u64> = (0..12).map(|n| (format!("B{n}"), written)).collect();
    assert_eq!(reader.check(), expected);

    // Whoever reads it later, in other pages, reads the same.
    let mut later = Reader::default();
    later.pull(&system, 1000).await;
    assert_eq!(later.check(), expected);
    let sorted = |reader: Reader| {
        let mut seen = reader.seen;
        seen.sort();
        seen
    };
    assert_eq!(sorted(reader), sorted(later));
    system.stop().await;
}

/// Partition by partition with plain positions; and a position that the feed has not reached is refused, not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn partitions_can_be_read_one_by_one() {
    let system = System::start().await;
    write(&system, 0, 3).await;
    let whole = || async {
        let heads = system.get("/feed/partitions").await.json();
        heads["positions"].as_array().unwrap().iter().map(|head| head.as_u64().unwrap()).sum::<u64>() == 36
    };
    system.until("all in the feed", whole).await;
    let heads = system.get("/feed/partitions").await.json();
    assert_eq!(heads["partitions"], 16);
    let mut reader = Reader::default();
    for partition in 0..16 {
        let mut after = "0".to_owned();
        loop {
            let page = system.get(&format!("/feed?partition={partition}&after={after}&limit=2")).await.json();
            let entries: Vec<_> = page["events"].as_array().unwrap().iter().map(entry).collect();
            assert!(entries.len() <= 2 && entries.iter().all(|entry| entry.0 == partition));
            reader.seen.extend(entries);
            after = page["next"].as_str().unwrap().to_owned();
            if page["end"] == true {
                break;
            }
        }
        assert_eq!(after, heads["positions"][usize::try_from(partition).unwrap()].to_string());
    }
    assert_eq!(reader.check().values().sum::<u64>(), 36);
    let beyond = system.get("/feed?partition=3&after=1000").await;
    assert_eq!(beyond.outcome(), (409, "position-not-reached".to_owned()), "{beyond:?}");
    system.stop().await;
}
