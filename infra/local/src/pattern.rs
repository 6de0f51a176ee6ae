//! EventBridge patterns: what a rule of the bus and the filter of an event source select.
//!
//! The matching is `quamina`'s. Its dialect is wider and in places narrower than EventBridge's, so only what means the
//! same in both is let in; the rest is refused with its name, never matched in another way.

use std::fmt;

use quamina::Quamina;
use serde_json::Value;

/// Operators with the same meaning in both dialects, where quamina accepts their argument.
const OPERATORS: [&str; 8] =
    ["prefix", "suffix", "anything-but", "numeric", "exists", "equals-ignore-case", "wildcard", "cidr"];

/// Why a pattern can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// A pattern is an object with at least one field.
    #[error("must be a JSON object with at least one field")]
    NotAnObject,
    /// A field's value is neither an object nor an array with at least one value.
    #[error("{0} must be an object with at least one field or an array with at least one value")]
    Field(String),
    /// An operator that is unknown, or not known here.
    #[error("{0}: the operator {1} is not supported here")]
    Operator(String, String),
    /// What the library said.
    #[error("{0}")]
    Library(String),
}

/// Named patterns, matched together.
pub struct Patterns {
    matcher: Quamina<String>,
}

impl Patterns {
    /// None yet.
    pub fn none() -> Self {
        Self { matcher: Quamina::new() }
    }

    /// The filters of an event source: a record is for the source if any of them matches.
    pub fn any_of(filters: &[Value]) -> Result<Self, InvalidPattern> {
        let mut patterns = Self::none();
        for (n, filter) in filters.iter().enumerate() {
            patterns.add(n.to_string(), filter)?;
        }
        Ok(patterns)
    }

    /// Adds a pattern.
    pub fn add(&mut self, name: String, pattern: &Value) -> Result<(), InvalidPattern> {
        check(pattern)?;
        self.matcher.add_pattern(name, &pattern.to_string()).map_err(library)
    }

    /// The names of the patterns that match `event`, a JSON object, in alphabetical order.
    pub fn matching(&self, event: &[u8]) -> Result<Vec<String>, InvalidPattern> {
        let mut names = self.matcher.matches_for_event(event).map_err(library)?;
        names.sort();
        Ok(names)
    }

    /// Whether any of them matches.
    pub fn any(&self, event: &[u8]) -> Result<bool, InvalidPattern> {
        self.matcher.has_matches(event).map_err(library)
    }
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patterns({})", self.matcher.pattern_count())
    }
}

fn library(error: impl fmt::Display) -> InvalidPattern {
    InvalidPattern::Library(error.to_string())
}

/// Lets in what both dialects understand alike.
fn check(pattern: &Value) -> Result<(), InvalidPattern> {
    match pattern {
        Value::Object(fields) if !fields.is_empty() => check_fields(pattern, ""),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(InvalidPattern::NotAnObject)
        }
    }
}

fn check_fields(pattern: &Value, path: &str) -> Result<(), InvalidPattern> {
    let fields = pattern.as_object().into_iter().flatten();
    for (name, value) in fields {
        let path = format!("{path}/{name}");
        if name.starts_with('$') {
            return Err(InvalidPattern::Operator(path, name.clone()));
        }
        match value {
            Value::Object(inner) if !inner.is_empty() => check_fields(value, &path)?,
            Value::Array(values) if !values.is_empty() => check_values(values, &path)?,
            Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(InvalidPattern::Field(path));
            }
        }
    }
    Ok(())
}

fn check_values(values: &[Value], path: &str) -> Result<(), InvalidPattern> {
    for value in values {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            Value::Array(_) => return Err(InvalidPattern::Field(path.to_owned())),
            Value::Object(operator) => {
                let names: Vec<&str> = operator.keys().map(String::as_str).collect();
                let [name] = names.as_slice() else {
                    return Err(InvalidPattern::Operator(path.to_owned(), names.join(" with ")));
                };
                if !OPERATORS.contains(name) {
                    return Err(InvalidPattern::Operator(path.to_owned(), (*name).to_owned()));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: Value, event: &Value) -> bool {
        Patterns::any_of(&[pattern]).unwrap().any(event.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn matches_as_eventbridge_does() {
        let event = json!({"source": "booking.events", "detail-type": "BookingPriced",
            "detail": {"booking_code": "H1-7", "version": 3, "metadata": null, "data": {"total": 12.50, "tags": ["a", "b"]}}});
        for yes in [
            json!({"source": ["booking.events"]}),
            json!({"source": ["other", "booking.events"], "detail-type": [{"prefix": "Booking"}]}),
            json!({"detail-type": [{"anything-but": ["BookingCancelled"]}]}),
            json!({"detail-type": [{"suffix": "Priced"}]}),
            json!({"detail": {"version": [3]}}),
            json!({"detail": {"version": [{"numeric": [">", 1, "<=", 3]}]}}),
            json!({"detail": {"data": {"total": [{"numeric": ["=", 12.5]}]}}}),
            json!({"detail": {"data": {"tags": ["b"]}}}),
            json!({"detail": {"metadata": [null]}}),
            json!({"detail": {"absent": [{"exists": false}]}}),
            json!({"detail": {"booking_code": [{"exists": true}]}}),
            json!({"detail": {"booking_code": [{"wildcard": "H1-*"}]}}),
            json!({"detail": {"booking_code": [{"equals-ignore-case": "h1-7"}]}}),
        ] {
            assert!(matches(yes.clone(), &event), "{yes}");
        }
        for no in [
            json!({"source": ["booking"]}),
            json!({"source": ["booking.events"], "detail-type": ["Other"]}),
            json!({"detail-type": [{"anything-but": ["BookingPriced"]}]}),
            json!({"detail": {"absent": [{"anything-but": ["x"]}]}}),
            json!({"detail": {"version": ["3"]}}),
            json!({"detail": {"booking_code": [{"exists": false}]}}),
        ] {
            assert!(!matches(no.clone(), &event), "{no}");
        }
    }

    #[test]
    fn refuses_what_it_would_match_otherwise_than_eventbridge() {
        for bad in [
            json!([]),
            json!({}),
            json!({"source": "booking.events"}),
            json!({"source": []}),
            json!({"detail": {}}),
            json!({"$or": [{"source": ["a"]}]}),
            json!({"source": [{"regexp": "a+"}]}),
            json!({"source": [{"shellstyle": "a*"}]}),
            json!({"source": [{"prefix": "a", "suffix": "b"}]}),
            json!({"source": [{"prefix": {"equals-ignore-case": "a"}}]}),
            json!({"source": [["a"]]}),
            json!({"source": [{"anything-but": {"prefix": "a"}}]}),
        ] {
            assert!(Patterns::any_of(std::slice::from_ref(&bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_what_matched() {
        let mut patterns = Patterns::none();
        patterns.add("b".to_owned(), &json!({"a": [1]})).unwrap();
        patterns.add("a".to_owned(), &json!({"a": [{"exists": true}]})).unwrap();
        patterns.add("c".to_owned(), &json!({"a": [2]})).unwrap();
        assert_eq!(patterns.matching(br#"{"a":1}"#).unwrap(), ["a", "b"]);
    }
}
