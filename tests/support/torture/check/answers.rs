//! What clients were told of their appends, against what has become of them.

use std::time::Duration;

use super::Case;
use crate::torture::history::{Asked, Expected, Operation, Told, short};

pub(super) fn check(case: &mut Case<'_>) {
    for operation in case.operations.clone() {
        if let Asked::Append(expected, _) = &operation.asked {
            answer(case, operation, *expected);
        }
        if let Told::Strange(_) = &operation.told {
            case.found("outside the contract", operation.to_string());
        }
    }
    one_owner(case);
    refused(case);
}

fn answer(case: &mut Case<'_>, operation: &Operation, expected: Expected) {
    match &operation.told {
        Told::Accepted(receipt) => {
            for (id, version) in &receipt.versions {
                accepted(case, operation, id, *version);
            }
            let first = receipt.versions.first().map_or(0, |(_, version)| *version);
            let right = match expected {
                Expected::New => first == 1,
                Expected::Exact(version) => first == version + 1,
                Expected::Any => first > 1,
            };
            if !right {
                case.found("version not as expected", operation.to_string());
            }
        }
        Told::Deferred => deferred(case, operation, expected),
        Told::Taken => {
            let owner = case.outcome.events.first().map(|owner| owner.id.as_str());
            let own = operation.sent().iter().any(|event| Some(event.id.as_str()) == owner);
            if own || owner.is_none() || expected != Expected::New {
                case.found("taken by nobody else", operation.to_string());
            }
        }
        Told::AtVersion(actual) => at_version(case, operation, expected, *actual),
        Told::NoBooking => {
            if known(case, operation.begun) > 0 {
                case.found("false 404", operation.to_string());
            }
        }
        // Nothing that could be wrong now; whether it has happened all the same is asked of every event below.
        Told::Reused | Told::NotAccepted | Told::Unknown(_) | Told::Strange(_) => {}
        Told::Page(_)
        | Told::Summary(_)
        | Told::Event(_)
        | Told::NoEvent
        | Told::NotReached(_)
        | Told::Unavailable(_) => {
            case.found("outside the contract", operation.to_string());
        }
    }
}

fn accepted(case: &mut Case<'_>, operation: &Operation, id: &str, version: u64) {
    match case.versions.get(id) {
        _ if case.conflicts.contains(id) => case.found("confirmed, then a conflict", operation.to_string()),
        None => case.found("lost", operation.to_string()),
        // Listed with the first of its places; one told of another place was told the truth if it is there.
        Some(first) if *first != version => {
            let there = case.outcome.events.iter().any(|event| event.id == id && event.version == Some(version));
            if !there {
                case.found("moved", format!("{operation}; it is at {first}"));
            }
        }
        Some(_) => {}
    }
    let sent = operation.sent().iter().find(|sent| sent.id == id);
    let kept = case.outcome.events.iter().find(|event| event.id == id);
    if sent.zip(kept).is_none_or(|(sent, kept)| sent.mark != kept.mark) && case.versions.contains_key(id) {
        case.found("confirmed with another payload", operation.to_string());
    }
}

fn deferred(case: &mut Case<'_>, operation: &Operation, expected: Expected) {
    if expected != Expected::New {
        case.found("deferred, though not new", operation.to_string());
    }
    for event in operation.sent() {
        if !case.versions.contains_key(event.id.as_str()) && !case.conflicts.contains(event.id.as_str()) {
            case.found("deferred, then lost", operation.to_string());
        }
    }
}

/// The version a conflict names is one the booking was at between the request and its answer.
fn at_version(case: &mut Case<'_>, operation: &Operation, expected: Expected, actual: u64) {
    let wrong = expected == Expected::Exact(actual) || !matches!(expected, Expected::Exact(_));
    if wrong || actual < known(case, operation.begun) || !case.boundaries().contains(&actual) {
        case.found("conflict with no such version", operation.to_string());
    }
}

/// The highest version known to some client by `moment`.
pub(super) fn known(case: &Case<'_>, moment: Duration) -> u64 {
    let before = case.operations.iter().filter(|operation| operation.ended <= moment);
    before.flat_map(|operation| operation.proves()).map(|(_, version)| version).max().unwrap_or(0)
}

fn one_owner(case: &mut Case<'_>) {
    let claims = case.confirmed().filter(|operation| matches!(operation.asked, Asked::Append(Expected::New, _)));
    let mut owners: Vec<&str> = claims.filter_map(|claim| Some(claim.sent().first()?.id.as_str())).collect();
    owners.sort_unstable();
    owners.dedup();
    if owners.len() > 1 {
        case.found("two owners", owners.into_iter().map(short).collect::<Vec<_>>().join(", "));
    }
}

/// What every request was refused has not happened; what one was refused for good has not happened by another either.
fn refused(case: &mut Case<'_>) {
    let marks: Vec<_> = case.outcome.events.iter().chain(&case.outcome.conflicts).cloned().collect();
    for event in marks {
        let same = |operation: &&Operation| operation.sent().iter().any(|sent| sent.mark == event.mark);
        let requests: Vec<_> = case.requests(&event.id).filter(same).collect();
        if !requests.is_empty() && requests.iter().all(|request| is_refusal(&request.told)) {
            case.found("refused, and yet there", format!("{event}; {}", requests[0]));
        }
        let accepted = event.version.is_some();
        let never = requests.iter().find(|request| accepted && is_final(request));
        if let Some(request) = never {
            case.found("refused for good, and yet there", format!("{event}; {request}"));
        }
    }
}

fn is_refusal(told: &Told) -> bool {
    let refusals = [Told::Taken, Told::NoBooking, Told::Reused, Told::NotAccepted];
    refusals.contains(told) || matches!(told, Told::AtVersion(_))
}

/// Versions never go back and codes are never given away: what this refuses no other request can bring about.
fn is_final(operation: &Operation) -> bool {
    match (&operation.asked, &operation.told) {
        (Asked::Append(..), Told::Taken | Told::Reused) => true,
        (Asked::Append(Expected::Exact(expected), _), Told::AtVersion(actual)) => actual > expected,
        _ => false,
    }
}
