//! What readers were shown: everything proven before they asked, nothing that is not so, or 503.

use super::Case;
use super::answers::known;
use crate::torture::history::{Asked, Operation, Page, Query, Shown, Told};

pub(super) fn check(case: &mut Case<'_>) {
    for operation in case.operations.clone() {
        match (&operation.asked, &operation.told) {
            (Asked::Page(query), Told::Page(page)) => {
                truth(case, operation, page.events.iter().chain(&page.conflicts));
                in_order(case, operation, query, page);
                if !query.eventual {
                    whole(case, operation, query, page);
                }
            }
            (Asked::Page(query), Told::NotReached(actual)) => {
                let known = known(case, operation.begun);
                if *actual < known || query.min_version.is_none_or(|min| min <= *actual) {
                    case.found("stale read", operation.to_string());
                }
            }
            (Asked::Summary, Told::Summary(summary)) => {
                if summary.version < known(case, operation.begun) {
                    case.found("stale read", operation.to_string());
                }
                at_boundary(case, operation, summary.version);
            }
            (Asked::Event(id), Told::Event(event)) => {
                truth(case, operation, [event].into_iter());
                if event.id != *id {
                    case.found("another event", operation.to_string());
                }
            }
            (Asked::Event(id), Told::NoEvent) => {
                let before = case.operations.iter().filter(|other| other.ended <= operation.begun);
                if before.flat_map(|other| other.proves()).any(|(known, _)| known == id) {
                    case.found("false 404", operation.to_string());
                }
            }
            (Asked::Page(_) | Asked::Summary | Asked::Event(_), Told::NoBooking)
                if known(case, operation.begun) > 0 =>
            {
                case.found("false 404", operation.to_string());
            }
            _ => {}
        }
    }
}

/// What is shown is what has come of it: the same event at the same version, the same conflicts.
fn truth<'a>(case: &mut Case<'_>, operation: &Operation, shown: impl Iterator<Item = &'a Shown>) {
    for event in shown {
        let all = if event.version.is_some() { &case.outcome.events } else { &case.outcome.conflicts };
        let same = |other: &Shown| (other.version, &other.id, &other.mark) == (event.version, &event.id, &event.mark);
        if !all.iter().any(same) {
            case.found("shown, then gone", format!("{event}; {operation}"));
        }
    }
}

fn in_order(case: &mut Case<'_>, operation: &Operation, query: &Query, page: &Page) {
    let first = page.events.first().and_then(|event| event.version).unwrap_or(query.from);
    let run = (first..).map(Some);
    // Only what is known may begin later: the record's part may be missing.
    let begins = first == query.from || !page.complete;
    if !begins || !page.events.iter().map(|event| event.version).eq(run.take(page.events.len())) {
        case.found("page with a gap", operation.to_string());
    }
}

/// A page that says it is complete shows what was proven before it was asked for, as far as it reaches. One that was
/// asked for with a `min_version` owes only what is up to there: with the arbiter silent nothing proves more.
fn whole(case: &mut Case<'_>, operation: &Operation, query: &Query, page: &Page) {
    if !page.complete {
        case.found("incomplete without being asked", operation.to_string());
    }
    let owed = query.min_version.unwrap_or_else(|| known(case, operation.begun));
    let reached = page.next.map_or(page.version, |next| next - 1);
    let last = page.events.last().and_then(|event| event.version).unwrap_or(query.from - 1);
    if page.version < owed || last < reached.max(query.from - 1) {
        case.found("stale read", format!("{operation}; version {owed} was known"));
    }
    if query.min_version.is_none() {
        at_boundary(case, operation, page.version);
    }
}

/// Events accepted together are shown together.
fn at_boundary(case: &mut Case<'_>, operation: &Operation, version: u64) {
    if !case.boundaries().contains(&version) {
        case.found("part of a batch", operation.to_string());
    }
}
