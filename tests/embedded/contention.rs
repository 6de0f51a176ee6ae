//! Many writers on one booking at the same time.

use futures::future::join_all;
use serde_json::json;

use crate::system::{System, event_id, shown};

const WRITERS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn of_many_claimants_one_gets_the_code() {
    let system = System::start().await;
    let claims = (0..WRITERS).map(|_| async { system.append("X", json!(0), &event_id()).await.outcome() });
    let outcomes = join_all(claims).await;
    let taken = outcomes.iter().filter(|outcome| **outcome == (409, "booking-code-taken".to_owned())).count();
    assert_eq!(taken, WRITERS - 1, "{outcomes:?}");
    assert!(outcomes.contains(&(201, "recorded".to_owned())), "{outcomes:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_one_version_one_writer_gets_the_next() {
    let system = System::start().await;
    system.create("X").await;
    let writers = (0..WRITERS).map(|_| async { system.append("X", json!(1), &event_id()).await });
    let answers = join_all(writers).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.outcome(), (409, "version-conflict".to_owned()), "{refused:?}");
        assert_eq!((&refused.json()["expected_version"], &refused.json()["actual_version"]), (&json!(1), &json!(2)));
    }
    system.stop().await;
}

/// At the end nobody conflicts: every writer gets a version of its own, and the bus shows them in order.
#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_every_writer_gets_a_version() {
    let system = System::start().await;
    system.create("X").await;
    let writers = (0..WRITERS).map(|_| async {
        let (id, mut answers) = (event_id(), Vec::new());
        // Each sends its request twice at the same time, as an impatient client does.
        answers.extend(join_all([system.append("X", json!(null), &id), system.append("X", json!(null), &id)]).await);
        answers
    });
    let mut versions = Vec::new();
    for pair in join_all(writers).await {
        let given: Vec<_> = pair.iter().map(|answer| answer.json()["version"].as_u64().unwrap()).collect();
        assert_eq!(given[0], given[1], "{pair:?}");
        assert_eq!(pair.iter().filter(|answer| answer.header("idempotency-replayed") == "true").count(), 1, "{pair:?}");
        versions.push(given[0]);
    }
    versions.sort_unstable();
    let last = WRITERS as u64 + 1;
    assert_eq!(versions, (2..=last).collect::<Vec<_>>());
    system.settled().await;
    assert_eq!(shown(&system.events("X").await.json()).len(), WRITERS + 1);
    assert_eq!(system.published("X").await, (1..=last).collect::<Vec<_>>());
    system.stop().await;
}
