//! `GET /bookings/{booking_code}/events`.

use std::sync::Arc;

use async_trait::async_trait;
use booking_store::limits::MAX_PAGE_EVENTS;
use booking_store::{BookingCode, Version};
use reqwest::StatusCode;
use serde::Deserialize;

use super::{Answer, Api, Authorize, EventBody, InvalidApi, no_answer};
use crate::event::RecordedEvent;
use crate::ports::{Source, SourceFailure, SourcePage};

/// The read API as source of truth.
pub struct HttpSource {
    api: Api,
    page_events: usize,
}

#[derive(Deserialize)]
struct PageBody {
    complete: bool,
    events: Vec<EventBody>,
    next_from_version: Option<Version>,
}

impl HttpSource {
    /// The API behind `base`, such as `https://….execute-api.eu-central-1.amazonaws.com/prod`.
    ///
    /// # Errors
    /// `base` is no URL.
    pub fn new(base: &str, authorize: Arc<dyn Authorize>) -> Result<Self, InvalidApi> {
        Ok(Self { api: Api::new(base, authorize)?, page_events: MAX_PAGE_EVENTS })
    }

    /// The same in pages of up to `page_events` (1 to 1000) events.
    #[must_use]
    pub fn paged(self, page_events: usize) -> Self {
        Self { page_events: page_events.clamp(1, MAX_PAGE_EVENTS), ..self }
    }
}

#[async_trait]
impl Source for HttpSource {
    async fn page(&self, code: &BookingCode, from: Version, known: Version) -> Result<SourcePage, SourceFailure> {
        let mut query = vec![("from_version", from.to_string()), ("limit", self.page_events.to_string())];
        if known > Version::NONE {
            query.push(("min_version", known.to_string()));
        }
        match self.api.get::<PageBody>(&format!("bookings/{code}/events"), &query).await? {
            Answer::Found(page) if page.complete => {
                let events = page.events.into_iter();
                let events = events.map(|event| RecordedEvent::new(code.clone(), event.into_event())).collect();
                Ok(SourcePage { events, next: page.next_from_version })
            }
            Answer::Found(_) => Err(SourceFailure::Unavailable("the page is not complete".into())),
            Answer::Problem(StatusCode::NOT_FOUND, problem) if problem.code == "booking-not-found" => {
                Ok(SourcePage::default())
            }
            Answer::Problem(StatusCode::CONFLICT, problem) if problem.code == "version-not-reached" => {
                Err(SourceFailure::Behind { known, head: problem.actual_version.unwrap_or_default() })
            }
            Answer::Problem(status, problem) => Err(no_answer(status, &problem)),
        }
    }
}
