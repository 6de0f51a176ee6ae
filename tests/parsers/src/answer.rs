//! An HTTP answer, and what must hold of every one of them.

use lambda_http::Body;
use lambda_http::http::Response;
use serde_json::Value;

/// The codes of the answers that refuse a request (HTTP contract). No store fails here, so a 5xx is none of them.
const REFUSALS: [(u16, &str); 10] = [
    (400, "invalid-request"),
    (404, "booking-not-found"),
    (404, "event-not-found"),
    (404, "route-not-found"),
    (405, "method-not-allowed"),
    (409, "booking-code-taken"),
    (409, "version-conflict"),
    (409, "version-not-reached"),
    (413, "request-too-large"),
    (415, "unsupported-media-type"),
];

/// An event id used twice is no malformed request, but as good a refusal.
const REUSED: (u16, &str) = (422, "event-id-reused");
/// So is a booking whose unsettled events leave no room; the answer says that nothing was written.
const NO_ROOM: (u16, &str) = (503, "pending-limit-reached");

/// What a handler answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) json: Value,
    content_type: String,
}

impl Answer {
    pub(crate) fn of(response: Response<Body>) -> Self {
        let text = match response.body() {
            Body::Empty => String::new(),
            Body::Text(text) => text.clone(),
            Body::Binary(_) | _ => panic!("answers are text"),
        };
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let content_type = header("content-type").unwrap_or_default();
        let json = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("an answer is JSON") };
        Self { status: response.status().as_u16(), text, json, content_type }
    }

    pub(crate) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Asserts that this is a refusal of the contract; a 400 names what is wrong, each with a reason.
    pub(crate) fn is_refusal(&self) {
        let code = self.json["code"].as_str().unwrap_or_default();
        let known = REFUSALS.into_iter().chain([REUSED, NO_ROOM]).any(|refusal| refusal == (self.status, code));
        assert!(known, "{} is no refusal: {}", self.status, self.text);
        assert_eq!(self.content_type, "application/problem+json");
        assert_eq!(self.json["status"], self.status);
        for member in ["type", "title", "detail"] {
            assert!(self.json[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {}", self.text);
        }
        if self.status == 400 {
            assert!(!self.errors().is_empty(), "a 400 that names nothing: {}", self.text);
            assert!(self.errors().iter().all(|(_, message)| !message.is_empty()), "{}", self.text);
        }
    }

    /// The pointers of a 400, and what is wrong there.
    pub(crate) fn errors(&self) -> Vec<(&str, &str)> {
        let errors = self.json["errors"].as_array().into_iter().flatten();
        errors.map(|error| (error["pointer"].as_str().unwrap(), error["message"].as_str().unwrap())).collect()
    }
}
