//! One HTTP exchange with the server, and what it proves.
//!
//! Every failure is one of three: worth sending again, refused, or outside the contract. Sending again is the
//! caller's ([`crate::backoff`]); nothing here repeats a request.

use std::sync::Arc;
use std::time::Duration;

use booking_store::BookingCode;
use projection::http::{Authorize, Nobody};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::args::Connection;
use crate::error::{Error, report};
use crate::problem::Problem;
use crate::wire::{AppendRequest, FeedQuery, ReadQuery, ReplayRequest};

/// A failure that another try of the same request may change.
#[derive(Debug, Clone)]
pub struct Transient {
    /// What happened, for people.
    pub reason: String,
    /// How long the server asked to wait.
    pub retry_after: Option<Duration>,
    /// Whether the server answered at all.
    pub answered: bool,
}

/// What a request met instead of the answer it wanted.
#[derive(Debug, Clone)]
pub enum Failure {
    /// Nothing is proven: connection refused or lost, timed out, 429 or 5xx. Send the same again.
    Transient(Transient),
    /// The server decided against it.
    Refused(Box<Problem>),
    /// The answer is outside the contract.
    Unexpected(String),
}

/// A successful answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status, 200 to 299.
    pub status: u16,
    /// Whether the server said that it had these events already.
    pub replayed: bool,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads the body as what the contract says it is.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let start: String = String::from_utf8_lossy(&self.body).chars().take(200).collect();
            Failure::Unexpected(format!("the answer is outside the contract ({error}): {start}"))
        })
    }
}

/// The server, as the command line addresses it.
#[derive(Clone)]
pub struct Server {
    http: reqwest::Client,
    base: String,
    authorize: Arc<dyn Authorize>,
}

impl Server {
    /// Checks the address and the headers; connects to nothing yet.
    pub fn new(connection: &Connection) -> Result<Self, Error> {
        let url = reqwest::Url::parse(&connection.url)
            .map_err(|error| Error::Usage(format!("--url `{}` is no URL: {error}", connection.url)))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(Error::Usage(format!("--url `{url}` must be http or https, without query or fragment")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Usage("--url must not carry credentials; give them with --header or --sign".to_owned()));
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("bookings/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(&connection.headers)?)
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(connection.timeout);
        if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        let http =
            builder.build().map_err(|error| Error::Usage(format!("cannot set up HTTP: {}", report_http(&error))))?;
        Ok(Self { http, base: url.as_str().trim_end_matches('/').to_owned(), authorize: Arc::new(Nobody) })
    }

    /// With each request authorized when it is sent.
    #[must_use]
    pub fn authorized(self, authorize: Arc<dyn Authorize>) -> Self {
        Self { authorize, ..self }
    }

    /// The address without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `POST /bookings/{code}/events`
    pub async fn append(&self, code: &BookingCode, request: &AppendRequest<'_>) -> Result<Answer, Failure> {
        self.post(&format!("/bookings/{code}/events"), request).await
    }

    /// `GET /bookings/{code}/events`
    pub async fn read(&self, code: &BookingCode, query: &ReadQuery) -> Result<Answer, Failure> {
        self.get(&format!("/bookings/{code}/events{}", query.to_query())).await
    }

    /// `GET /bookings/{code}/events/{event_id}`
    pub async fn event(&self, code: &BookingCode, event_id: Uuid) -> Result<Answer, Failure> {
        self.get(&format!("/bookings/{code}/events/{event_id}")).await
    }

    /// `GET /bookings/{code}`
    pub async fn status(&self, code: &BookingCode) -> Result<Answer, Failure> {
        self.get(&format!("/bookings/{code}")).await
    }

    /// `GET /health`
    pub async fn health(&self) -> Result<Answer, Failure> {
        self.get("/health").await
    }

    /// `GET /feed`
    pub async fn feed(&self, query: &FeedQuery) -> Result<Answer, Failure> {
        self.get(&format!("/feed{}", query.to_query())).await
    }

    /// `GET /feed/partitions`
    pub async fn feed_partitions(&self) -> Result<Answer, Failure> {
        self.get("/feed/partitions").await
    }

    /// `POST /replays`
    pub async fn start_replay(&self, request: &ReplayRequest<'_>) -> Result<Answer, Failure> {
        self.post("/replays", request).await
    }

    /// `GET /replays/{replay_id}`
    pub async fn replay(&self, replay_id: Uuid) -> Result<Answer, Failure> {
        self.get(&format!("/replays/{replay_id}")).await
    }

    /// `POST /replays/{replay_id}/cancel`
    pub async fn cancel_replay(&self, replay_id: Uuid) -> Result<Answer, Failure> {
        self.exchange(self.http.post(format!("{}/replays/{replay_id}/cancel", self.base))).await
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| Failure::Unexpected(error.to_string()))?;
        let request = self.http.post(format!("{}{path}", self.base));
        self.exchange(request.header("content-type", "application/json").body(body)).await
    }

    async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.exchange(self.http.get(format!("{}{path}", self.base))).await
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Answer, Failure> {
        // Connection refused, lost or too slow: all the same here, for none of them proves that nothing was written.
        let lost = |error: reqwest::Error| {
            let reason = format!("{}: {}", self.base, report_http(&error));
            Failure::Transient(Transient { reason, retry_after: None, answered: false })
        };
        let unusable = |error: &dyn std::error::Error| Failure::Unexpected(innermost(error));
        let mut request = request.build().map_err(|error| unusable(&error))?;
        // Credentials may have come to their end in a long run.
        self.authorize.authorize(&mut request).await.map_err(|error| unusable(&error))?;
        let response = self.http.execute(request).await.map_err(lost)?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let replayed = response.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
        let body = response.bytes().await.map_err(lost)?.to_vec();
        match status {
            200..=299 => Ok(Answer { status, replayed, body }),
            429 | 500..=599 => {
                let reason = Problem::from_answer(status, &body).to_string();
                Err(Failure::Transient(Transient { reason, retry_after, answered: true }))
            }
            400..=499 => Err(Failure::Refused(Box::new(Problem::from_answer(status, &body)))),
            _ => Err(Failure::Unexpected(format!("the server answered HTTP {status}, which is outside the contract"))),
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn headers(lines: &[String]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        // The value may be a secret, so it is never repeated in a message.
        let (name, value) =
            line.split_once(':').ok_or_else(|| Error::Usage("--header must be written 'Name: value'".to_owned()))?;
        let name = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|_| Error::Usage(format!("--header has a name that is none: `{}`", name.trim())))?;
        let mut value = HeaderValue::from_str(value.trim())
            .map_err(|_| Error::Usage(format!("--header `{name}` has a value that no header can have")))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// The innermost cause says what happened ("Connection refused"); the outer ones only where.
fn report_http(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    innermost(error)
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

impl Error {
    /// The messages of a chain, for a failure that must fit one line.
    pub fn one_line(&self) -> String {
        report(self).lines().map(str::trim).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(url: &str, headers: &[&str]) -> Connection {
        Connection {
            url: url.to_owned(),
            headers: headers.iter().map(|h| (*h).to_owned()).collect(),
            sign: false,
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn addresses() {
        let server = |url: &str| Server::new(&connection(url, &[]));
        assert_eq!(server("http://127.0.0.1:9000/").unwrap().base(), "http://127.0.0.1:9000");
        assert_eq!(server("https://host/stage").unwrap().base(), "https://host/stage");
        for bad in ["", "nowhere", "ftp://host", "http://me:secret@host", "http://host/?a=b"] {
            assert!(server(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_are_checked_and_kept_secret() {
        assert!(headers(&["Authorization: Bearer a:b".to_owned(), String::new()]).is_ok());
        for bad in ["no-colon-secret", "bad name: secret", "X: secret\u{1}"] {
            let error = headers(&[bad.to_owned()]).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
