//! The model of the feed's ingestion in CI: nothing breaks, everything worth reaching is reached, and every planted bug is
//! found.

use model::feed::{Bug, Feed};

#[test]
fn no_order_of_calls_and_no_fault_breaks_the_feed() {
    let mut unreached: Option<Vec<_>> = None;
    for size in Feed::sizes() {
        let found = size.explore(2);
        println!("{} states, {} steps deep", found.states, found.depth);
        assert!(found.broken.is_empty(), "{:?}", found.broken);
        let before = unreached.take().unwrap_or_else(|| found.unreached.clone());
        unreached = Some(before.into_iter().filter(|name| found.unreached.contains(name)).collect());
    }
    assert_eq!(unreached, Some(Vec::new()));
}

#[test]
fn every_planted_bug_of_the_feed_is_found() {
    for bug in Bug::ALL {
        let sizes = Feed::sizes().into_iter().map(|size| size.with(bug).explore(1));
        let found = sizes.into_iter().find(|found| !found.broken.is_empty());
        let found = found.unwrap_or_else(|| panic!("{bug:?} breaks nothing"));
        let (name, history) = &found.broken[0];
        println!("{:22} {:2} steps, {:7} states: breaks {name}", format!("{bug:?}"), history.len(), found.states);
    }
}
