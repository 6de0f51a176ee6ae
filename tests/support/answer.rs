//! An HTTP answer, taken apart for assertions.

use lambda_http::Body;
use lambda_http::http::{HeaderMap, Response};
use serde_json::Value;

/// What a handler answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub json: Value,
    headers: HeaderMap,
}

impl Answer {
    /// Takes `response` apart.
    pub fn of(response: Response<Body>) -> Self {
        let text = match response.body() {
            Body::Empty => String::new(),
            Body::Text(text) => text.clone(),
            Body::Binary(_) | _ => panic!("answers are text"),
        };
        let json = serde_json::from_str(&text).unwrap_or_default();
        Self { status: response.status().as_u16(), text, json, headers: response.headers().clone() }
    }

    /// The header `name`, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The string member `name` of the body; empty if there is none.
    pub fn member(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    /// Asserts the status.
    #[track_caller]
    #[must_use]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asserts a problem with this status and code.
    #[track_caller]
    pub fn is_problem(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.member("code"), code, "{}", answer.text);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        answer
    }

    /// The versions of the events in the body.
    pub fn versions(&self) -> Vec<u64> {
        self.events().filter_map(|event| event["version"].as_u64()).collect()
    }

    /// The ids of the events in the body.
    pub fn event_ids(&self) -> Vec<String> {
        self.events().map(|event| event["event_id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The statuses of the events in the body.
    pub fn statuses(&self) -> Vec<&str> {
        self.events().map(|event| event["status"].as_str().unwrap_or_default()).collect()
    }

    /// The pointers of a 400's errors.
    pub fn pointers(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array().into_iter().flatten();
        errors.map(|error| error["pointer"].as_str().unwrap_or_default()).collect()
    }

    fn events(&self) -> impl Iterator<Item = &Value> {
        self.json["events"].as_array().into_iter().flatten()
    }
}
