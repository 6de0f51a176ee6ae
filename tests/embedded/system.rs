//! One running system and what a test asks of it.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use local::{Options, Running};
use serde_json::{Value, json};

/// How long anything may take to come about before a test says that it does not.
const PATIENCE: Duration = Duration::from_secs(40);

/// A system of its own, in memory unless it is given a directory.
pub(crate) struct System {
    running: Running,
    http: reqwest::Client,
    pub(crate) url: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The JSON body.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The status with the body's `status` or `code`: what the answer comes to.
    pub(crate) fn outcome(&self) -> (u16, String) {
        let body = self.json();
        let word = body["code"].as_str().or(body["status"].as_str()).unwrap_or_default();
        (self.status, word.to_owned())
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl System {
    pub(crate) async fn start() -> Self {
        Self::start_in(None).await
    }

    pub(crate) async fn start_in(data_dir: Option<PathBuf>) -> Self {
        Self::start_with(Options { port: 0, data_dir, deferred_accept: true }).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let running = local::start(options).await.unwrap();
        let url = running.url();
        Self { running, http: reqwest::Client::new(), url }
    }

    pub(crate) async fn stop(self) {
        self.running.shutdown().await;
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.answer(self.http.get(format!("{}{path}", self.url))).await
    }

    /// Any other request, with a JSON body if there is one.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        self.answer(body.iter().fold(request, |request, body| request.json(body))).await
    }

    /// Makes a rule for everything, with this target.
    pub(crate) async fn rule(&self, name: &str, target: Value, max_retries: u32) {
        let pattern = json!({"source": ["booking.events"]});
        let rule = json!({"pattern": pattern, "target": target, "retry": {"max_retries": max_retries}});
        let answer = self.ask("PUT", &format!("/local/rules/{name}"), Some(rule)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// How the deliveries of a rule stand.
    pub(crate) async fn rule_status(&self, name: &str) -> Value {
        let status = self.get("/local/status").await.json();
        let mut rules = status["rules"].as_array().unwrap().iter();
        rules.find(|rule| rule["rule"] == name).unwrap_or_else(|| panic!("no rule {name}: {status}")).clone()
    }

    /// Where the tables' engine answers.
    pub(crate) async fn tables(&self) -> local::engine::Client {
        let status = self.get("/local/status").await.json();
        local::engine::client(status["tables_url"].as_str().unwrap())
    }

    /// Appends a body as it is.
    pub(crate) async fn post(&self, code: &str, body: String) -> Answer {
        let request = self.http.post(format!("{}/bookings/{code}/events", self.url));
        self.answer(request.header("content-type", "application/json").body(body)).await
    }

    /// Appends a body, again and again until it is accepted: on a busy machine calls of the stores run out of time.
    pub(crate) async fn deliver(&self, code: &str, body: &str) {
        let accepted = || async {
            let answer = self.post(code, body.to_owned()).await;
            assert!(matches!(answer.status, 200 | 201 | 202 | 503), "{answer:?}");
            answer.status != 503
        };
        self.until("accepted", accepted).await;
    }

    /// Appends one event; `expected` is null for "at the end".
    pub(crate) async fn append(&self, code: &str, expected: Value, event_id: &str) -> Answer {
        let event = json!({"event_id": event_id, "type": "BookingPriced", "data": {"for": event_id}});
        let mut body = json!({"expected_version": expected, "events": [event]});
        if expected.is_null() {
            body.as_object_mut().unwrap().remove("expected_version");
        }
        self.post(code, body.to_string()).await
    }

    /// Creates a booking that must be recorded at once.
    pub(crate) async fn create(&self, code: &str) -> String {
        let id = event_id();
        let answer = self.append(code, json!(0), &id).await;
        assert_eq!(answer.outcome(), (201, "recorded".to_owned()), "{answer:?}");
        id
    }

    pub(crate) async fn events(&self, code: &str) -> Answer {
        self.get(&format!("/bookings/{code}/events")).await
    }

    pub(crate) async fn faults(&self, faults: Value) {
        let request = self.http.put(format!("{}/local/faults", self.url)).json(&faults);
        let answer = self.answer(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub(crate) async fn heal(&self) {
        let up = json!({"reservations": "up", "events": "up", "queue": "up", "bus": "up", "delivery": "up"});
        self.faults(up).await;
    }

    /// Everything the bus delivered, in order of delivery.
    pub(crate) async fn bus(&self) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let page = self.get(&format!("/local/bus?after={after}&limit=1000")).await.json();
            let deliveries = page["deliveries"].as_array().unwrap().clone();
            if deliveries.is_empty() {
                return all;
            }
            after = page["next"].as_i64().unwrap();
            all.extend(deliveries.into_iter().map(|delivery| delivery["entry"].clone()));
        }
    }

    /// Waits until `wanted` says so.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, wanted: impl Fn() -> F) {
        self.until_within(what, PATIENCE.as_secs(), wanted).await;
    }

    /// The same for what takes longer.
    pub(crate) async fn until_within<F: Future<Output = bool>>(
        &self,
        what: &str,
        seconds: u64,
        wanted: impl Fn() -> F,
    ) {
        let waiting = async {
            while !wanted().await {
                pause(Duration::from_millis(50)).await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(seconds), waiting).await;
        assert!(came.is_ok(), "never: {what}; status {}", self.get("/local/status").await.text);
    }

    /// Waits until nothing is pending and the queue is empty.
    pub(crate) async fn settled(&self) {
        self.until("settled", || async {
            let status = self.get("/local/status").await.json();
            status["pending_bookings"] == 0 && status["queue_depth"] == 0 && status["queue_in_flight"] == 0
        })
        .await;
    }

    /// The versions the bus delivered of a booking, first deliveries only, in order.
    pub(crate) async fn published(&self, code: &str) -> Vec<u64> {
        let mut versions = Vec::new();
        for entry in self.bus().await {
            let version = entry["detail"]["version"].as_u64();
            if entry["detail"]["booking_code"] == code && version.is_some_and(|version| !versions.contains(&version)) {
                versions.extend(version);
            }
        }
        versions
    }
}

/// The versions, ids and statuses a page of events shows.
pub(crate) fn shown(page: &Value) -> Vec<(u64, String, String)> {
    let event = |event: &Value| {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        (event["version"].as_u64().unwrap(), text("event_id"), text("status"))
    };
    page["events"].as_array().unwrap().iter().map(event).collect()
}

/// An id nobody has used.
pub(crate) fn event_id() -> String {
    use booking_store::clock::{Ids, System};
    System.event_id().to_string()
}

#[expect(clippy::disallowed_methods, reason = "a real system takes real time")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
