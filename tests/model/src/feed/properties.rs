//! What holds of the feed, always; and what must be reachable, or the model proves nothing.

use stateright::Property;

use super::Feed;
use super::indexer::Indexer;
use super::state::{Reader, State};

/// All properties.
pub(crate) fn all() -> Vec<Property<Feed>> {
    vec![
        Property::always("1 a position is given away once", |_, state: &State| !state.broken.position),
        Property::always("2 each version once, in order", |_, state: &State| in_order(state)),
        Property::always("3 below the tip is a page for every position", |_, state: &State| has_pages(state)),
        Property::always("4 a reader meets no hole and no change", |_, state: &State| !state.broken.read),
        Property::always("5 what is ingested is in the feed", |_, state: &State| is_fed(state)),
        Property::sometimes("everything is in the feed, and at rest", |feed: &Feed, state: &State| {
            state.heads == feed.versions && state.ingested == state.heads && is_at_rest(state)
        }),
        Property::sometimes("a race is lost", |_, state: &State| state.seen.lost_race),
        Property::sometimes("an indexer finds its own batch", |_, state: &State| state.seen.own_batch),
        Property::sometimes("a late commit is granted", |_, state: &State| state.seen.late_commit),
        Property::sometimes("images come twice", |_, state: &State| state.seen.duplicate),
        Property::sometimes("one image brings several versions", |_, state: &State| state.seen.healed),
        Property::sometimes("a reader reads pages and a tip", |_, state: &State| state.seen.whole_read),
    ]
}

fn in_order(state: &State) -> bool {
    (0..2).all(|booking| {
        let versions = state.log.iter().filter(|(of, _)| *of == booking).map(|(_, version)| *version);
        versions.eq((1..).take(state.log.iter().filter(|(of, _)| *of == booking).count()))
    })
}

fn has_pages(state: &State) -> bool {
    let mut end = 0;
    while end < state.tip.before {
        let Some(page) = state.pages.iter().flatten().find(|page| page.before == end) else { return false };
        if !state.log[usize::from(end)..].starts_with(&page.entries) {
            return false;
        }
        end = page.end();
    }
    end == state.tip.before
}

/// An image that an indexer has reported as ingested will not come again.
fn is_fed(state: &State) -> bool {
    (0..).zip(state.ingested).all(|(booking, image)| image == 0 || state.log.contains(&(booking, image)))
}

fn is_at_rest(state: &State) -> bool {
    let idle = state.indexers.iter().all(|indexer| *indexer == Indexer::Idle);
    idle && state.late.is_empty() && state.reader == Reader::Idle
}
