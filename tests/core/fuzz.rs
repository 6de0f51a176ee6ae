//! The fuzz targets' checks on every change: over their seeds, over thousands of documents made of the seeds, and over
//! bytes that are none. The same checks run for as long as one likes by `tests/fuzz/run.sh`.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

/// Documents made for each target.
const DOCUMENTS: u32 = 2_000;
/// Largest of them.
const MOST_BYTES: usize = 64 * 1024;
/// Most times a seed is changed.
const MOST_STEPS: usize = 6;

/// The seeds of a target, in an order that is always the same.
fn seeds(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{target} has lost its seeds");
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

fn holds(target: &str) {
    let (_, check) = parsers::TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| check(seed.as_bytes()));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(DOCUMENTS) });
    let changed =
        (select(seeds.clone()), prop::collection::vec(any::<u64>(), 1..=MOST_STEPS)).prop_map(|(seed, steps)| {
            steps.into_iter().fold(seed, |text, step| parsers::mutation::mutated(&text, step, MOST_BYTES))
        });
    let document = runner.run(&changed, |text| {
        check(text.as_bytes());
        Ok(())
    });
    document.unwrap();
    let broken =
        (select(seeds), any::<Index>(), prop::collection::vec(any::<u8>(), 0..8)).prop_map(|(seed, at, new)| {
            let mut bytes = seed.into_bytes();
            let at = at.index(bytes.len());
            bytes.splice(at..at, new);
            bytes
        });
    runner
        .run(&broken, |bytes| {
            check(&bytes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn requests() {
    holds("request");
}

#[test]
fn queries() {
    holds("query");
}

#[test]
fn items() {
    holds("item");
}

#[test]
fn stream_records() {
    holds("stream");
}

#[test]
fn messages() {
    holds("message");
}

/// Every target has its test above, and its program.
#[test]
fn no_target_is_forgotten() {
    let tested = ["request", "query", "item", "stream", "message"];
    assert_eq!(parsers::TARGETS.map(|(name, _)| name), tested);
    for target in tested {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(target).join("main.rs");
        let text = std::fs::read_to_string(program).unwrap();
        assert!(text.contains(&format!("parsers::{target}::check")), "{target}");
    }
}
