//! What a booking has come to, by itself: versions without gaps, everything settled, nothing that nobody sent.

use std::collections::BTreeSet;

use super::Case;
use crate::torture::history::{Asked, Expected, Shown, list, short};

pub(super) fn check(case: &mut Case<'_>) {
    versions(case);
    contents(case);
    together(case);
    owner(case);
}

fn versions(case: &mut Case<'_>) {
    let events = &case.outcome.events;
    if !events.iter().map(|event| event.version).eq((1..=events.len() as u64).map(Some)) {
        case.found("versions with a gap", list(events));
    }
    let summary = case.outcome.summary;
    let head = events.len() as u64;
    if (summary.version, summary.settled, summary.pending) != (head, head, 0) {
        case.found("not settled", format!("{head} events, but {summary:?}"));
    }
    if events.iter().any(|event| event.status != "recorded") {
        case.found("not settled", list(events));
    }
}

fn contents(case: &mut Case<'_>) {
    let mut seen = BTreeSet::new();
    for event in case.outcome.events.iter().chain(&case.outcome.conflicts) {
        if !seen.insert(&event.id) {
            twice(case, event);
        }
        match case.sent.get(event.id.as_str()) {
            None => case.found("never sent", event.to_string()),
            Some(sent) if sent.iter().all(|(sent, _)| sent.mark != event.mark) => {
                case.found("altered", format!("{event} says {}", event.mark));
            }
            Some(_) => {}
        }
    }
}

/// Above [`booking_store::limits::RECENT_EVENTS`] later events an append at the end is not known again, as the contract says.
fn twice(case: &mut Case<'_>, event: &Shown) {
    let at_the_end = |asked: &Asked| matches!(asked, Asked::Append(Expected::Any, _));
    let places: Vec<u64> =
        case.outcome.events.iter().filter(|other| other.id == event.id).filter_map(|other| other.version).collect();
    let far = places.windows(2).all(|pair| pair[1] - pair[0] > booking_store::limits::RECENT_EVENTS as u64);
    let allowed = places.len() > 1 && far && case.requests(&event.id).all(|request| at_the_end(&request.asked));
    if !allowed || case.conflicts.contains(event.id.as_str()) {
        case.found("twice", format!("{event} is at {places:?}"));
    }
}

/// What was sent together is accepted together, in its order, or lost together.
fn together(case: &mut Case<'_>) {
    for operation in case.operations.clone() {
        let sent = operation.sent();
        let at: Vec<_> = sent.iter().map(|event| case.versions.get(event.id.as_str()).copied()).collect();
        let run = at.first().copied().flatten().map(|first| (first..first + sent.len() as u64).map(Some));
        let torn = match run {
            Some(run) => !at.iter().copied().eq(run),
            None => at.iter().any(Option::is_some),
        };
        let lost = sent.iter().filter(|event| case.conflicts.contains(event.id.as_str())).count();
        if torn || (lost > 0 && lost < sent.len()) {
            case.found("torn", format!("{operation}; its events are at {at:?}, {lost} are conflicts"));
        }
    }
}

/// The first event is a claim of the code, and every conflict names it.
fn owner(case: &mut Case<'_>) {
    let Some(first) = case.outcome.events.first() else {
        if let Some(conflict) = case.outcome.conflicts.first() {
            case.found("conflict with nobody", conflict.to_string());
        }
        return;
    };
    let claims = |asked: &Asked| matches!(asked, Asked::Append(Expected::New, _));
    if !case.requests(&first.id).any(|request| claims(&request.asked)) {
        case.found("owned without a claim", first.to_string());
    }
    for conflict in &case.outcome.conflicts {
        if conflict.owner.as_ref() != Some(&first.id) {
            let named = conflict.owner.as_deref().map(short);
            case.found("another owner", format!("{conflict} names {named:?}, not {}", short(&first.id)));
        }
        if !case.requests(&conflict.id).all(|request| claims(&request.asked)) {
            case.found("conflict without a claim", conflict.to_string());
        }
    }
}
