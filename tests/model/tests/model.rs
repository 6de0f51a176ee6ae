//! The model in CI: no invariant breaks, everything worth reaching is reached, and every planted bug is found.

use model::{Bug, Exploration, First, Protocol};

fn whole(protocol: Protocol) -> Exploration {
    let found = protocol.explore(First::Breadth, 2);
    println!("{} states, {} steps deep", found.states, found.depth);
    assert!(found.broken.is_empty(), "{:?}", found.broken);
    found
}

#[test]
fn no_order_of_calls_and_no_fault_breaks_an_invariant() {
    let (claims, retries) = (whole(Protocol::claims()), whole(Protocol::retries()));
    let unreached: Vec<_> = claims.unreached.iter().filter(|name| retries.unreached.contains(name)).collect();
    assert!(unreached.is_empty(), "{unreached:?}");
}

#[test]
fn every_planted_bug_is_found() {
    for bug in Bug::ALL {
        let found = [Protocol::retries(), Protocol::claims()]
            .into_iter()
            .map(|size| size.with(bug).explore(First::Breadth, 1))
            .find(|found| !found.broken.is_empty());
        let found = found.unwrap_or_else(|| panic!("{bug} breaks nothing"));
        let (name, history) = &found.broken[0];
        println!("{:26} {:2} steps, {:7} states: breaks {name}", bug.to_string(), history.len(), found.states);
    }
}
