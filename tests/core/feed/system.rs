//! A deployment in memory with its feed: the functions `feed-index` and `feed` over one log, which can be switched off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use aws_lambda_events::event::dynamodb::Event;
use booking_store::failure::{FailureKind, Store, StoreFailure};
use booking_store::feed::memory::MemoryFeedLog;
use booking_store::feed::{Batch, Committed, FeedLog, Partition, Position};
use booking_store::{BookingCode, Image, Version};
use booking_tests::{Answer, World, stream_event};
use lambda_http::http::Request as HttpRequest;
use lambda_http::{Body, Request};

/// What the log does while it is out.
#[derive(Default)]
pub(crate) struct Outage {
    /// Every call fails.
    pub(crate) all: AtomicBool,
    /// Commits alone fail.
    pub(crate) commits: AtomicBool,
}

/// A log that can be switched off.
pub(crate) struct Switched {
    pub(crate) log: MemoryFeedLog,
    pub(crate) outage: Outage,
}

/// A world and its feed.
pub(crate) struct Feed {
    pub(crate) world: World,
    pub(crate) log: Arc<Switched>,
    http: feed::http::Context,
    index: feed::index::Context,
}

impl Feed {
    /// An empty world.
    pub(crate) fn new() -> Self {
        let world = World::new();
        let log = Arc::new(Switched { log: MemoryFeedLog::default(), outage: Outage::default() });
        let http = feed::http::Context { stores: world.stores.clone(), log: log.clone() };
        let index = feed::index::Context { log: log.clone(), clock: world.clock.clone() };
        Self { world, log, http, index }
    }

    /// Delivers one batch; the sequence numbers reported failed, in order.
    pub(crate) async fn deliver(&self, event: Event) -> Vec<String> {
        let response = feed::index::handle(&self.index, event).await;
        let json = serde_json::to_value(&response).expect("JSON");
        let failures = json["batchItemFailures"].as_array().expect("the member Lambda looks for");
        let names = failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("a number").to_owned());
        let mut failed: Vec<_> = names.collect();
        failed.sort_unstable();
        failed
    }

    /// Delivers the whole stream so far, from its beginning.
    pub(crate) async fn index(&self) {
        let images = self.world.memory.reservations.stream(0).into_iter().enumerate();
        let images: Vec<_> = images.filter(|(_, image)| matches!(image, Image::Reservation(_))).collect();
        assert_eq!(self.deliver(stream_event(&images)).await, [""; 0]);
    }

    /// Gets `path`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.fetch(HttpRequest::get(format!("https://api.example{path}")).body(Body::Empty).unwrap()).await
    }

    /// Hands `request` to the feed function.
    pub(crate) async fn fetch(&self, request: Request) -> Answer {
        Answer::of(feed::http::handle(&self.http, request).await)
    }

    /// Everything in the feed, read in pages of `limit`: partition, position, booking code, version.
    pub(crate) async fn everything(&self, limit: usize) -> Vec<(u64, u64, String, u64)> {
        let mut all = Vec::new();
        let mut after = "0".to_owned();
        loop {
            let page = self.get(&format!("/feed?after={after}&limit={limit}")).await.is(200);
            let events = page.json["events"].as_array().unwrap();
            assert!(events.len() <= limit);
            all.extend(events.iter().map(|event| {
                let number = |name: &str| event[name].as_u64().unwrap();
                let code = event["booking_code"].as_str().unwrap().to_owned();
                (number("partition"), number("position"), code, number("version"))
            }));
            after = page.member("next").to_owned();
            if page.json["end"] == true {
                return all;
            }
            assert!(!events.is_empty(), "no progress: {}", page.text);
        }
    }
}

impl Switched {
    fn check(&self, commit: bool) -> Result<(), StoreFailure> {
        let out = self.outage.all.load(Ordering::SeqCst) || (commit && self.outage.commits.load(Ordering::SeqCst));
        if out { Err(StoreFailure::new(Store::Feed, FailureKind::Unreachable)) } else { Ok(()) }
    }
}

#[async_trait]
impl FeedLog for Switched {
    async fn tip(&self, partition: Partition) -> Result<Batch, StoreFailure> {
        self.check(false)?;
        self.log.tip(partition).await
    }
    async fn commit(&self, partition: Partition, batch: &Batch) -> Result<Committed, StoreFailure> {
        self.check(true)?;
        self.log.commit(partition, batch).await
    }
    async fn keep_page(&self, partition: Partition, batch: &Batch) -> Result<(), StoreFailure> {
        self.check(false)?;
        self.log.keep_page(partition, batch).await
    }
    async fn pages(
        &self,
        partition: Partition,
        after: Position,
        below: Position,
        limit: usize,
    ) -> Result<Vec<Batch>, StoreFailure> {
        self.check(false)?;
        self.log.pages(partition, after, below, limit).await
    }
    async fn marker(&self, booking_code: &BookingCode) -> Result<Version, StoreFailure> {
        self.check(false)?;
        self.log.marker(booking_code).await
    }
    async fn raise_marker(&self, booking_code: &BookingCode, version: Version) -> Result<(), StoreFailure> {
        self.check(false)?;
        self.log.raise_marker(booking_code, version).await
    }
}
