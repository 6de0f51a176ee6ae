//! Replays of a range of time: exact, without gaps, whatever the writers' clocks said.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::rig::{ID, Rig, at, first_sendings};

/// Replays `from..to` and returns what was sent of each booking.
async fn replayed(bookings: &[Vec<i64>], from: i64, to: i64) -> BTreeMap<String, Vec<u64>> {
    let rig = Rig::new();
    for (i, moments) in bookings.iter().enumerate() {
        rig.write(&format!("B{i}"), moments).await;
    }
    let order = json!({"replay_id": ID, "consumer": "c", "rate_per_s": 1000,
        "accepted_from": at(from).to_string(), "accepted_to": at(to).to_string()});
    let ordered = rig.order(order).await.is(202);
    assert_eq!(ordered.json["selection"]["accepted_to"], at(to).to_string());
    rig.run().await;
    let shown = rig.shown().await;
    assert_eq!((&shown["status"], &shown["bookings_done"]), (&json!("done"), &json!(bookings.len())), "{shown}");
    assert_eq!(shown["events_sent"], rig.sendings());
    rig.sent()
}

#[tokio::test]
async fn the_first_moment_counts_and_the_last_does_not() {
    let bookings = [vec![0, 10, 20, 30], vec![30, 40], vec![5]];
    let sent = replayed(&bookings, 10, 30).await;
    assert_eq!(sent.into_iter().collect::<Vec<_>>(), [("B0".to_owned(), vec![2, 3])]);
    assert_eq!(replayed(&bookings, 31, 40).await.len(), 0);
    assert_eq!(replayed(&bookings, 40, 41).await["B1"], [2]);
}

/// Version 3 was accepted by a clock that is behind: it counts as accepted with version 2.
#[tokio::test]
async fn a_writers_slow_clock_makes_no_gap() {
    let bookings = [vec![0, 20, 15, 30]];
    assert_eq!(replayed(&bookings, 17, 30).await["B0"], [2, 3]);
    assert_eq!(replayed(&bookings, 10, 17).await.len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Ranges that meet send every event once in all, each range a run without a gap.
    #[test]
    fn ranges_that_meet_share_nothing_and_miss_nothing(
        bookings in vec(vec(0i64..60, 1..8), 1..4),
        mut cuts in vec(0i64..61, 1..4),
    ) {
        cuts.extend([0, 61]);
        cuts.sort_unstable();
        cuts.dedup();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut all: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for range in cuts.windows(2) {
            for (name, versions) in runtime.block_on(replayed(&bookings, range[0], range[1])) {
                prop_assert!(versions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{versions:?}");
                all.entry(name).or_default().extend(versions);
            }
        }
        for (i, moments) in bookings.iter().enumerate() {
            let sent = &all[&format!("B{i}")];
            prop_assert_eq!(sent, &(1..=moments.len() as u64).collect::<Vec<_>>());
            prop_assert_eq!(&first_sendings(sent), sent);
        }
    }
}
