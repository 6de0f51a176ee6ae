//! The embedded system's stores: `dynoxide` through the SDK and the adapters, and the queue in the ledger.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use booking_store::dynamodb::{DynamoEvents, DynamoReservations};
use booking_store::feed::dynamodb::DynamoFeedLog;
use booking_store::replays::dynamodb::{DynamoBookings, DynamoReplays};
use booking_tests::{CountedIds, ManualClock};
use local::ledger::Ledger;
use local::queue::LocalQueue;
use local::template::{QueueSettings, Template};

use super::{Engine, Inbox, Letter, MAX_RECEIVES, Received, VISIBILITY};

/// An engine with the template's tables, on files of its own.
pub(crate) async fn embedded() -> Engine {
    let directory = tempfile::tempdir().unwrap();
    let template = Template::embedded().unwrap();
    let tables = template.tables().unwrap();
    let dynoxide = local::engine::Engine::start(&directory.path().join("tables.sqlite"), &tables).unwrap();
    let client = local::engine::client(&dynoxide.endpoint());
    let clock = Arc::new(ManualClock::default());
    let ledger = Ledger::open(&directory.path().join("ledger.sqlite")).unwrap();
    let settings = template.queue_settings("FallbackQueue").unwrap();
    let settings = QueueSettings { visibility_timeout: VISIBILITY, max_receives: MAX_RECEIVES, ..settings };
    let queue = LocalQueue::open(ledger, settings, clock.clone(), Arc::new(CountedIds::default())).await.unwrap();
    Engine {
        name: "embedded",
        reservations: Arc::new(DynamoReservations::new(client.clone(), "ReservationsTable".to_owned())),
        events: Arc::new(DynamoEvents::new(client.clone(), "EventsTable".to_owned())),
        feed: Arc::new(DynamoFeedLog::new(client.clone(), "FeedTable".to_owned())),
        replays: Arc::new(DynamoReplays::new(client.clone(), "ReplaysTable".to_owned())),
        bookings: Arc::new(DynamoBookings::new(client, "ReservationsTable".to_owned())),
        queue: Arc::new(queue.clone()),
        inbox: Arc::new(LedgerInbox { queue, clock }),
        _held: Box::new((dynoxide, directory)),
    }
}

struct LedgerInbox {
    queue: LocalQueue,
    clock: Arc<ManualClock>,
}

#[async_trait]
impl Inbox for LedgerInbox {
    async fn receive(&self, most: usize) -> Vec<Received> {
        let received = self.queue.receive(most).await.unwrap().into_iter();
        let messages = received.map(|message| Received {
            receipt: message.receipt,
            group: message.group,
            body: message.body,
            receives: message.receives,
        });
        messages.collect()
    }

    async fn delete(&self, receipt: &str) {
        self.queue.delete(receipt).await.unwrap();
    }

    async fn dead_letters(&self) -> Vec<Letter> {
        let letters = self.queue.dead_letters(0, 100).await.unwrap().into_iter();
        letters.map(|letter| Letter { body: letter.body, reason: Some(letter.reason) }).collect()
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}
