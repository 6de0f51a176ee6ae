//! `GET /feed`, a partition at a time.

use std::sync::Arc;

use async_trait::async_trait;
use booking_store::BookingCode;
use booking_store::limits::MAX_PAGE_EVENTS;
use serde::Deserialize;

use super::{Answer, Api, Authorize, EventBody, InvalidApi, no_answer};
use crate::event::RecordedEvent;
use crate::ports::{Feed, FeedPage, SourceFailure};

/// The feed over HTTP.
pub struct HttpFeed {
    api: Api,
}

#[derive(Deserialize)]
struct Partitions {
    partitions: u32,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<Fed>,
    next: String,
    end: bool,
}

/// Where an event stands; beside it stands the event.
#[derive(Deserialize)]
struct Place {
    partition: u32,
    position: u64,
    booking_code: BookingCode,
}

struct Fed(Place, EventBody);

impl<'de> Deserialize<'de> for Fed {
    /// Twice from the same text: flattened structs would pass the payload through a tree and its numbers through floats.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        let place = serde_json::from_str(text.get()).map_err(serde::de::Error::custom)?;
        let event = serde_json::from_str(text.get()).map_err(serde::de::Error::custom)?;
        Ok(Self(place, event))
    }
}

impl HttpFeed {
    /// The API behind `base`, such as `https://….execute-api.eu-central-1.amazonaws.com/prod`.
    ///
    /// # Errors
    /// `base` is no URL.
    pub fn new(base: &str, authorize: Arc<dyn Authorize>) -> Result<Self, InvalidApi> {
        Ok(Self { api: Api::new(base, authorize)? })
    }
}

#[async_trait]
impl Feed for HttpFeed {
    async fn partitions(&self) -> Result<u32, SourceFailure> {
        match self.api.get::<Partitions>("feed/partitions", &[]).await? {
            Answer::Found(found) => Ok(found.partitions),
            Answer::Problem(status, problem) => Err(no_answer(status, &problem)),
        }
    }

    async fn page(&self, partition: u32, after: u64, limit: usize) -> Result<FeedPage, SourceFailure> {
        let limit = limit.clamp(1, MAX_PAGE_EVENTS);
        let query = [("partition", partition.to_string()), ("after", after.to_string()), ("limit", limit.to_string())];
        let page = match self.api.get::<Page>("feed", &query).await? {
            Answer::Found(page) => page,
            Answer::Problem(status, problem) => return Err(no_answer(status, &problem)),
        };
        let next = page.next.parse().map_err(|_| SourceFailure::Corrupt(format!("no position: {:?}", page.next)))?;
        let mut events = Vec::with_capacity(page.events.len());
        let mut last = after;
        for Fed(place, event) in page.events {
            if place.partition != partition || place.position != last + 1 {
                let Place { partition, position, .. } = place;
                return Err(SourceFailure::Corrupt(format!("position {position} of {partition} after {last}")));
            }
            last = place.position;
            events.push(RecordedEvent::new(place.booking_code, event.into_event()));
        }
        if next != last {
            return Err(SourceFailure::Corrupt(format!("the page ends at {last} and says {next}")));
        }
        Ok(FeedPage { events, next, end: page.end })
    }
}
