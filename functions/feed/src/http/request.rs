//! The query of a read: every parameter known, each checked, all problems at once.

use booking_store::feed::read::Query;
use booking_store::feed::{Partition, Position, Positions};
use booking_store::limits::{DEFAULT_PAGE_EVENTS, FEED_PARTITIONS, MAX_PAGE_EVENTS};
use lambda_http::Request;
use lambda_http::http::StatusCode;
use lambda_kit::http::query_parameters;
use lambda_kit::problem::{FieldError, Problem};

/// What a consumer asks for.
pub(crate) struct Asked {
    pub(crate) query: Query,
    /// Whether it named one partition.
    pub(crate) single: bool,
}

/// Where a consumer goes on.
enum After {
    /// In the whole feed.
    Token(Positions),
    /// In one partition.
    Position(Position),
}

#[derive(Default)]
struct Parameters {
    after: Option<After>,
    partition: Option<Partition>,
    limit: Option<usize>,
}

/// The read that `request` asks for.
pub(crate) fn asked(request: &Request) -> Result<Asked, Problem> {
    let mut parameters = Parameters::default();
    let mut errors = Vec::new();
    let mut seen = Vec::new();
    for (name, value) in query_parameters(request) {
        if seen.contains(&name) {
            errors.push(FieldError::new(format!("?{name}"), "is there more than once"));
        }
        let set = set(&mut parameters, &name, &value);
        errors.extend(set.err().map(|message| FieldError::new(format!("?{name}"), message)));
        seen.push(name);
    }
    if !errors.is_empty() {
        return Err(Problem::invalid_request(errors));
    }
    let Parameters { after, partition, limit } = parameters;
    let from = match (partition, after) {
        (Some(partition), None) => vec![(partition, Position::START)],
        (Some(partition), Some(After::Position(position))) => vec![(partition, position)],
        (Some(partition), Some(After::Token(positions))) => vec![(partition, positions.at(partition))],
        (None, Some(After::Token(positions))) => positions.iter().collect(),
        (None, None | Some(After::Position(Position::START))) => Positions::default().iter().collect(),
        (None, Some(After::Position(position))) => return Err(partition_not_named(position)),
    };
    let query = Query { from, limit: limit.unwrap_or(DEFAULT_PAGE_EVENTS) };
    Ok(Asked { query, single: partition.is_some() })
}

fn set(parameters: &mut Parameters, name: &str, value: &str) -> Result<(), String> {
    match name {
        "after" => {
            let token = value.parse().map(After::Token);
            let after = token.or_else(|_| value.parse().map(After::Position));
            parameters.after = Some(after.map_err(|error| error.to_string())?);
        }
        "partition" => {
            let digits = Some(value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
            let partition = digits.and_then(|digits| digits.parse().ok()).and_then(Partition::new);
            let last = FEED_PARTITIONS - 1;
            parameters.partition = Some(partition.ok_or_else(|| format!("must be a whole number from 0 to {last}"))?);
        }
        "limit" => {
            let limit = value.parse().ok().filter(|limit| (1..=MAX_PAGE_EVENTS).contains(limit));
            let limit = limit.ok_or_else(|| format!("must be a whole number from 1 to {MAX_PAGE_EVENTS}"))?;
            parameters.limit = Some(limit);
        }
        _ => return Err("is not a known parameter; known are after, partition and limit".to_owned()),
    }
    Ok(())
}

/// A number says nothing of the other partitions. Were it taken for all, events would be skipped in silence.
fn partition_not_named(position: Position) -> Problem {
    let detail = format!("{position} is a place in one partition. Name it with ?partition, or give the whole next.");
    Problem::new(StatusCode::CONFLICT, "partition-not-named", "The position is one partition's", detail)
        .with("after", position.get())
}

/// Refuses any parameter: a misspelt one must not be taken for none.
pub(crate) fn no_parameters(request: &Request) -> Result<(), Problem> {
    let parameters = query_parameters(request);
    let errors: Vec<_> =
        parameters.iter().map(|(name, _)| FieldError::new(format!("?{name}"), "is not a known parameter")).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid_request(errors)) }
}
