//! What the bus delivered: each event, first in version order without gaps; each conflict; and nothing else.

use std::collections::BTreeSet;

use super::Case;
use crate::torture::history::{Delivery, short};

pub(super) fn check(case: &mut Case<'_>) {
    let (events, conflicts): (Vec<_>, Vec<_>) =
        case.deliveries.clone().into_iter().partition(|delivery| delivery.versions.is_some());
    let (mut seen, mut head) = (BTreeSet::new(), 0);
    for delivery in events {
        let (version, previous) = delivery.versions.unwrap_or_default();
        let same = |at: u64, delivery: &Delivery| {
            let event = case.outcome.events.iter().find(|event| event.version == Some(at));
            event.is_some_and(|event| (&event.id, &event.mark) == (&delivery.id, &delivery.mark))
        };
        if previous + 1 != version || !same(version, delivery) {
            case.found("published, and not so", format!("{delivery:?}"));
        } else if seen.insert(version) {
            if version != head + 1 {
                case.found("published out of order", format!("version {version} after version {head}"));
            }
            head = version;
        }
    }
    let unpublished: Vec<_> =
        (1..=case.outcome.events.len() as u64).filter(|version| !seen.contains(version)).collect();
    if !unpublished.is_empty() {
        case.found("never published", format!("versions {unpublished:?}"));
    }
    let told: BTreeSet<&str> = conflicts.iter().map(|delivery| delivery.id.as_str()).collect();
    for id in told.symmetric_difference(&case.conflicts.clone()) {
        let kind = if told.contains(id) { "published, and not so" } else { "never published" };
        case.found(kind, format!("conflict of {}", short(id)));
    }
}
