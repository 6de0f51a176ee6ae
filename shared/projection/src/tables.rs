//! The tables as source of truth, and the feed's log: the same reads as the HTTP API's, without the way over HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use booking_store::feed::{FeedLog, Partition, Position, read as feed};
use booking_store::limits::{FEED_PARTITIONS, MAX_PAGE_EVENTS};
use booking_store::ports::Stores;
use booking_store::protocol::read::{Outcome, Query, read};
use booking_store::{BookingCode, Version};

use crate::event::RecordedEvent;
use crate::ports::{Feed, FeedPage, Source, SourceFailure, SourcePage};

/// Reads the reservations and the events table.
pub struct TablesSource {
    stores: Stores,
    page_events: usize,
}

impl TablesSource {
    /// Reads through `stores`; of them only the two tables.
    pub fn new(stores: Stores) -> Self {
        Self::paged(stores, MAX_PAGE_EVENTS)
    }

    /// The same in pages of up to `page_events` (≥ 1) events.
    pub fn paged(stores: Stores, page_events: usize) -> Self {
        Self { stores, page_events: page_events.max(1) }
    }
}

#[async_trait]
impl Source for TablesSource {
    /// Accepted events, pending ones too: they have their version for ever.
    async fn page(&self, code: &BookingCode, from: Version, known: Version) -> Result<SourcePage, SourceFailure> {
        let query = Query {
            booking_code: code.clone(),
            from,
            limit: self.page_events,
            // While the arbiter is silent, having what was delivered is proof enough of it.
            min_version: Some(known).filter(|known| *known > Version::NONE),
            eventual: false,
        };
        match read(&self.stores, &query).await {
            Outcome::Found(page) => {
                let events = page.events.into_iter();
                let events = events.map(|(event, _)| RecordedEvent::new(code.clone(), event)).collect();
                Ok(SourcePage { events, next: page.next })
            }
            Outcome::NotFound => Ok(SourcePage::default()),
            Outcome::Unknown(failure) => Err(SourceFailure::Unavailable(failure.into())),
        }
    }
}

/// Reads the feed's log, and the events it refers to.
pub struct TablesFeed {
    log: Arc<dyn FeedLog>,
    stores: Stores,
}

impl TablesFeed {
    /// Reads `log`, and through `stores` the two tables.
    pub fn new(log: Arc<dyn FeedLog>, stores: Stores) -> Self {
        Self { log, stores }
    }
}

#[async_trait]
impl Feed for TablesFeed {
    async fn partitions(&self) -> Result<u32, SourceFailure> {
        Ok(FEED_PARTITIONS.into())
    }

    async fn page(&self, partition: u32, after: u64, limit: usize) -> Result<FeedPage, SourceFailure> {
        let place = u8::try_from(partition).ok().and_then(Partition::new);
        let place = place.ok_or_else(|| SourceFailure::Corrupt(format!("there is no partition {partition}")))?;
        let query = feed::Query { from: vec![(place, Position::new(after))], limit };
        match feed::read(self.log.as_ref(), &self.stores, &query).await {
            feed::Outcome::Page(page) => {
                let next = page.next.first().map_or(after, |(_, position)| position.get());
                let events = page.events.into_iter().map(|fed| RecordedEvent::new(fed.booking_code, fed.event));
                Ok(FeedPage { events: events.collect(), next, end: page.end })
            }
            feed::Outcome::NotReached { head, .. } => {
                Err(SourceFailure::Corrupt(format!("partition {partition} ends at {head}, before {after}")))
            }
            feed::Outcome::Unknown(failure) => Err(SourceFailure::Unavailable(failure.into())),
        }
    }
}
