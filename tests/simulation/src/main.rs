//! Runs schedules.
fn main() {
    let mut coverage = simulation::fault::Coverage::default();
    let args: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    if args.len() == 1 {
        let report = simulation::run(args[0], simulation::Options { keep_trace: true, ..Default::default() });
        for line in report.trace.lines() { println!("{line}"); }
        println!("{:?}", report.violation);
        return;
    }
    let mut steps = 0;
    let mut kinds = std::collections::BTreeMap::new();
    for seed in args[0]..args[1] {
        let report = simulation::run(seed, simulation::Options::default());
        coverage.add(&report.coverage);
        steps += report.steps;
        if let Some(v) = report.violation {
            let e = kinds.entry(v.0.chars().filter(|c| !c.is_ascii_digit()).take(40).collect::<String>()).or_insert((0, 0, String::new()));
            e.0 += 1; if e.0 == 1 { e.1 = seed; e.2 = v.0; }
        }
    }
    println!("{coverage}");
    println!("{:?}", coverage.missing());
    println!("{steps} steps");
    for (_, v) in kinds { println!("{v:?}"); }
}
