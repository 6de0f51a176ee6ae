//! Shrinking: the fewest operations and faults of a schedule that still break something.

use std::collections::BTreeSet;

use crate::place::Part;
use crate::simulation::{Options, Report, run};

/// Leaves out one part after another as long as something still does not hold. `None` if nothing is broken.
pub fn shrink(seed: u64, options: &Options) -> Option<(BTreeSet<Part>, Report)> {
    let mut failing = run(seed, options.clone());
    failing.violation.as_ref()?;
    let mut kept = failing.parts.clone();
    // Large pieces first, single parts at the end; again from the start as long as that helps.
    let mut size = kept.len().max(1);
    loop {
        let before = kept.len();
        let parts: Vec<_> = kept.iter().copied().collect();
        for piece in parts.chunks(size) {
            let fewer: BTreeSet<_> = kept.iter().copied().filter(|part| !piece.contains(part)).collect();
            let report = run(seed, Options { only: Some(fewer.clone()), ..options.clone() });
            if report.violation.is_some() {
                kept = fewer;
                failing = report;
            }
        }
        if size == 1 && kept.len() == before {
            let kept_options = Options { only: Some(kept.clone()), keep_trace: true, ..options.clone() };
            failing = run(failing.seed, kept_options);
            return Some((kept, failing));
        }
        size = (size / 2).max(1);
    }
}
