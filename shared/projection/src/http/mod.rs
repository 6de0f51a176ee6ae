//! The read API as source of truth, and the feed, over HTTP.
//!
//! One attempt a call, bounded in time: the next one is the delivery's own, after its pause. An answer counts only if it
//! is the API's: a 404 of some gateway in between is no proof that there is no booking.

mod authorize;
mod feed;
#[cfg(feature = "sigv4")]
mod sigv4;
mod source;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use booking_store::limits::CONNECT_TIMEOUT;
use booking_store::{EventId, EventType, JsonObject, Timestamp, Version};
use reqwest::{Method, Request, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use authorize::{Authorize, Bearer, Nobody, Unauthorized};
pub use feed::HttpFeed;
#[cfg(feature = "sigv4")]
pub use sigv4::SigV4;
pub use source::HttpSource;

use crate::ports::SourceFailure;

/// Longest wait for an answer; a page may have 4 MB.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An API behind a base URL.
#[derive(Clone)]
struct Api {
    client: reqwest::Client,
    base: Url,
    authorize: Arc<dyn Authorize>,
}

/// A base URL that is none, or a client that can't be made.
#[derive(Debug, thiserror::Error)]
#[error("no API to ask")]
pub struct InvalidApi(#[source] Box<dyn Error + Send + Sync>);

/// An answer of the API.
enum Answer<T> {
    Found(T),
    Problem(StatusCode, Problem),
}

/// What the kit reads of an error.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
    actual_version: Option<Version>,
}

/// An event as the API writes it.
#[derive(Deserialize)]
struct EventBody {
    version: Version,
    event_id: EventId,
    r#type: EventType,
    occurred_at: Timestamp,
    accepted_at: Timestamp,
    data: JsonObject,
    metadata: Option<JsonObject>,
}

impl EventBody {
    fn into_event(self) -> booking_store::Event {
        booking_store::Event {
            version: self.version,
            event_id: self.event_id,
            event_type: self.r#type,
            occurred_at: self.occurred_at,
            accepted_at: self.accepted_at,
            data: self.data,
            metadata: self.metadata,
        }
    }
}

impl Api {
    fn new(base: &str, authorize: Arc<dyn Authorize>) -> Result<Self, InvalidApi> {
        let mut base = Url::parse(base).map_err(|error| InvalidApi(error.into()))?;
        if base.cannot_be_a_base() {
            return Err(InvalidApi(format!("{base} has no paths").into()));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT);
        let client = client.build().map_err(|error| InvalidApi(error.into()))?;
        Ok(Self { client, base, authorize })
    }

    /// Asks for `path` (relative, of characters that need no escape) with `query`.
    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<Answer<T>, SourceFailure> {
        let unavailable = |error: reqwest::Error| SourceFailure::Unavailable(error.into());
        let mut url = self.base.join(path).map_err(|error| SourceFailure::Unavailable(error.into()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::new(Method::GET, url);
        self.authorize.authorize(&mut request).await.map_err(|error| SourceFailure::Unavailable(error.into()))?;
        let response = self.client.execute(request).await.map_err(unavailable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unavailable)?;
        if status == StatusCode::OK {
            let found = serde_json::from_slice(&body);
            return found.map(Answer::Found).map_err(|error| SourceFailure::Corrupt(error.to_string()));
        }
        Ok(Answer::Problem(status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

/// A problem that says nothing about what was asked for.
fn no_answer(status: StatusCode, problem: &Problem) -> SourceFailure {
    SourceFailure::Unavailable(format!("{status} {} {}", problem.code, problem.detail).into())
}
