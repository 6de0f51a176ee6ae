//! The query of a read: every parameter known, each checked, all problems at once.

use booking_store::Version;
use booking_store::limits::{DEFAULT_PAGE_EVENTS, MAX_PAGE_EVENTS};
use booking_store::protocol::read::Query;
use lambda_http::Request;
use lambda_kit::http::{self, query_parameters};
use lambda_kit::problem::{FieldError, Problem};

/// The read that `request` asks for of the booking of path segment `code`.
pub(crate) fn query(code: &str, request: &Request) -> Result<Query, Problem> {
    let booking_code = http::booking_code(code)?;
    let mut query =
        Query { booking_code, from: Version::FIRST, limit: DEFAULT_PAGE_EVENTS, min_version: None, eventual: false };
    let mut errors = Vec::new();
    let mut seen = Vec::new();
    for (name, value) in query_parameters(request) {
        if seen.contains(&name) {
            errors.push(FieldError::new(format!("?{name}"), "is there more than once"));
        }
        let set = set(&mut query, &name, &value);
        errors.extend(set.err().map(|message| FieldError::new(format!("?{name}"), message)));
        seen.push(name);
    }
    if errors.is_empty() { Ok(query) } else { Err(Problem::invalid_request(errors)) }
}

fn set(query: &mut Query, name: &str, value: &str) -> Result<(), String> {
    match name {
        "from_version" => query.from = version(value)?,
        "min_version" => query.min_version = Some(version(value)?),
        "limit" => {
            let limit = value.parse().ok().filter(|limit| (1..=MAX_PAGE_EVENTS).contains(limit));
            query.limit = limit.ok_or_else(|| format!("must be a whole number from 1 to {MAX_PAGE_EVENTS}"))?;
        }
        "consistency" => {
            query.eventual = match value {
                "strong" => false,
                "eventual" => true,
                _ => return Err("must be strong or eventual".to_owned()),
            }
        }
        _ => {
            let known = "from_version, limit, min_version and consistency";
            return Err(format!("is not a known parameter; known are {known}"));
        }
    }
    Ok(())
}

fn version(value: &str) -> Result<Version, String> {
    let number = value.parse().ok().filter(|number| *number >= 1);
    number.map(Version::new).ok_or_else(|| "must be a whole number from 1 on".to_owned())
}

/// Refuses any parameter: a misspelt one must not be taken for none.
pub(crate) fn no_parameters(request: &Request) -> Result<(), Problem> {
    let parameters = query_parameters(request);
    let errors: Vec<_> =
        parameters.iter().map(|(name, _)| FieldError::new(format!("?{name}"), "is not a known parameter")).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid_request(errors)) }
}
