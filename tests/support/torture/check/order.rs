//! Versions follow real time: what was asked only after another event was known stands behind it.

use super::Case;
use crate::torture::history::short;

pub(super) fn check(case: &mut Case<'_>) {
    let mut known = Vec::new();
    for (id, version) in &case.versions {
        let asked = case.requests(id).map(|request| request.begun).min();
        let proven = case.operations.iter().filter(|operation| operation.proves().iter().any(|(other, _)| other == id));
        known.push((*version, *id, asked, proven.map(|operation| operation.ended).min()));
    }
    known.sort_unstable();
    let mut wrong = Vec::new();
    for (i, (version, id, asked, _)) in known.iter().enumerate() {
        let Some(asked) = asked else { continue };
        let before = known[i + 1..].iter().find(|(_, _, _, proven)| proven.is_some_and(|proven| proven < *asked));
        if let Some((later, other, _, _)) = before {
            let (id, other) = (short(id), short(other));
            wrong.push(format!("{id} stands at {version}, but {other} at {later} was known before it was sent"));
        }
    }
    wrong.into_iter().for_each(|detail| case.found("out of order", detail));
}
