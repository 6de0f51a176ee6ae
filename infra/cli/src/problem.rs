//! `application/problem+json` as this contract uses it: title, code, detail and one line a wrong field.

use std::fmt;

use serde::Deserialize;

use crate::exit::Exit;

/// One wrong field of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FieldError {
    /// JSON pointer into the request.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// What the server says when it does not do what was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status of the answer.
    #[serde(skip)]
    pub http_status: u16,
    /// Short, the same for every problem of this kind.
    pub title: Option<String>,
    /// The word a program decides by.
    pub code: Option<String>,
    /// What happened this time.
    pub detail: Option<String>,
    /// Every wrong field.
    pub errors: Vec<FieldError>,
    /// `unknown` or `not_accepted`, where a write was not answered by a store.
    pub outcome: Option<String>,
    /// The version the request expected.
    pub expected_version: Option<u64>,
    /// The version the booking has.
    pub actual_version: Option<u64>,
}

impl Problem {
    /// Reads a problem out of an answer; an answer that is none is shown by its first characters.
    pub fn from_answer(http_status: u16, body: &[u8]) -> Self {
        let mut problem = serde_json::from_slice::<Problem>(body).unwrap_or_else(|_| Problem {
            detail: Some(String::from_utf8_lossy(body).chars().take(200).collect::<String>())
                .filter(|text| !text.trim().is_empty()),
            ..Problem::default()
        });
        problem.http_status = http_status;
        problem
    }

    /// Whether the server gave this code.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// The exit code for a command that met this problem.
    pub fn exit(&self) -> Exit {
        match self.http_status {
            404 => Exit::NotFound,
            409 => Exit::Conflict,
            429 | 500..=599 => Exit::Unavailable,
            _ => Exit::Failed,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.title.as_deref().unwrap_or("the server refused"))?;
        match &self.code {
            Some(code) => write!(out, " ({code}, HTTP {})", self.http_status)?,
            None => write!(out, " (HTTP {})", self.http_status)?,
        }
        if let Some(detail) = &self.detail {
            write!(out, ": {detail}")?;
        }
        if let (Some(expected), Some(actual)) = (self.expected_version, self.actual_version) {
            write!(out, " [expected version {expected}, the booking has {actual}]")?;
        }
        if let Some(outcome) = &self.outcome {
            write!(out, " [outcome: {outcome}]")?;
        }
        for error in &self.errors {
            write!(out, "\n  {}: {}", error.pointer, error.message)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_title_code_detail_and_every_field() {
        let body = br#"{"type":"about:blank","title":"Invalid request","status":400,"code":"invalid-request",
            "detail":"2 fields are wrong","errors":[{"pointer":"/events/0/type","message":"has a space"},
            {"pointer":"/events/0/data","message":"is not an object"}]}"#;
        let shown = Problem::from_answer(400, body).to_string();
        assert_eq!(
            shown,
            "Invalid request (invalid-request, HTTP 400): 2 fields are wrong\n  /events/0/type: has a space\n  \
             /events/0/data: is not an object"
        );
    }

    #[test]
    fn an_answer_that_is_no_problem_is_still_shown() {
        assert_eq!(
            Problem::from_answer(502, b"<html>Bad Gateway").to_string(),
            "the server refused (HTTP 502): <html>Bad Gateway"
        );
        assert_eq!(Problem::from_answer(404, b"").to_string(), "the server refused (HTTP 404)");
    }

    #[test]
    fn exit_codes_follow_the_status() {
        assert_eq!(Problem::from_answer(409, b"{}").exit(), Exit::Conflict);
        assert_eq!(Problem::from_answer(404, b"{}").exit(), Exit::NotFound);
        assert_eq!(Problem::from_answer(503, b"{}").exit(), Exit::Unavailable);
        assert_eq!(Problem::from_answer(422, b"{}").exit(), Exit::Failed);
    }
}
