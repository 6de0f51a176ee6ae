//! Errors as clients see them: RFC 9457 problem+json with a stable `code`.

use booking_store::limits::RETRY_AFTER;
use lambda_http::http::{Response, StatusCode, header};
use lambda_http::{Body, http::HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::http::respond;

/// One thing wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the body, `?name` for a query parameter, `{name}` for a path parameter.
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
}

impl FieldError {
    /// `message` about the field at `pointer`.
    pub fn new(pointer: impl Into<String>, message: impl ToString) -> Self {
        Self { pointer: pointer.into(), message: message.to_string() }
    }
}

/// An answer that is not what the client hoped for.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable code clients branch on.
    pub code: &'static str,
    /// The code in words.
    pub title: &'static str,
    /// This occurrence in words.
    pub detail: String,
    /// Further members.
    pub members: Map<String, Value>,
}

#[derive(Serialize)]
struct ProblemBody {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: String,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl Problem {
    /// A problem without further members.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), members: Map::new() }
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// 400: everything that is wrong with the request.
    pub fn invalid_request(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{} {}", only.pointer, only.message).trim_start().to_owned(),
            several => format!("{} fields are wrong; see errors.", several.len()),
        };
        let title = "The request is malformed";
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", title, detail).with("errors", json!(errors))
    }

    /// 404: no such booking.
    pub fn booking_not_found(booking_code: &str) -> Self {
        let detail = format!("There is no booking {booking_code}. A new one is created with expected_version 0.");
        Self::new(StatusCode::NOT_FOUND, "booking-not-found", "No such booking", detail)
    }

    /// 503: a store is silent. `outcome` is `unknown` or `not_accepted` for a write, absent for a read.
    pub fn store_unavailable(detail: &str, outcome: Option<&'static str>) -> Self {
        let title = "A store is unavailable";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", title, detail);
        match outcome {
            Some(outcome) => problem.with("outcome", outcome),
            None => problem,
        }
    }

    /// 404: no such route.
    pub fn no_route(path: &str) -> Self {
        let detail = format!("Nothing is served at {path}.");
        Self::new(StatusCode::NOT_FOUND, "route-not-found", "No such route", detail)
    }

    /// 405: the route knows other methods.
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        let detail = format!("This route takes {allowed}.");
        let title = "Method not allowed";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title, detail).with("allow", allowed)
    }

    /// The HTTP answer. A 503 says when to try again.
    pub fn response(self) -> Response<Body> {
        let allow =
            self.members.get("allow").and_then(Value::as_str).and_then(|allow| HeaderValue::from_str(allow).ok());
        let body = ProblemBody {
            r#type: format!("urn:booking-store:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            members: self.members,
        };
        let mut response = respond(self.status, &body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
        }
        if let Some(allow) = allow {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}
