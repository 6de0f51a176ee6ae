//! A search of the model, and what it has found.

use clap::ValueEnum;
use stateright::{Checker, Expectation, HasDiscoveries, Model};

use crate::Protocol;
use crate::steps::Action;

/// The order of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum First {
    /// Breadth first: the shortest history of what is broken.
    Breadth,
    /// Depth first: less memory.
    Depth,
}

/// What a search has found.
#[derive(Clone, Debug)]
pub struct Exploration<A = Action> {
    /// Different states.
    pub states: usize,
    /// The longest way from the beginning.
    pub depth: usize,
    /// The invariants that are broken, each with a history that breaks it.
    pub broken: Vec<(&'static str, Vec<A>)>,
    /// What should be reachable and is not.
    pub unreached: Vec<&'static str>,
}

impl Protocol {
    /// Explores every state; with a bug planted, only until an invariant is broken.
    pub fn explore(self, first: First, threads: usize) -> Exploration {
        let until = if self.bug.is_some() { HasDiscoveries::AnyFailures } else { HasDiscoveries::All };
        let search = self.checker().threads(threads).finish_when(until);
        match first {
            First::Breadth => found(&search.spawn_bfs().join()),
            First::Depth => found(&search.spawn_dfs().join()),
        }
    }
}

fn found(search: &impl Checker<Protocol>) -> Exploration {
    let discoveries = search.discoveries();
    let mut broken = Vec::new();
    let mut unreached = Vec::new();
    for property in search.model().properties() {
        match (property.expectation, discoveries.get(property.name)) {
            (Expectation::Always | Expectation::Eventually, Some(path)) => {
                broken.push((property.name, path.clone().into_actions()));
            }
            (Expectation::Sometimes, None) => unreached.push(property.name),
            (Expectation::Always | Expectation::Eventually, None) | (Expectation::Sometimes, Some(_)) => {}
        }
    }
    Exploration { states: search.unique_state_count(), depth: search.max_depth(), broken, unreached }
}
