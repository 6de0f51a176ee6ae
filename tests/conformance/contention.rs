//! Twenty tasks on several threads want the same key.

use std::future::Future;

use booking_store::ports::{ConflictKept, Decided, Recorded};
use booking_store::{Decision, Version};
use futures::future::join_all;

use crate::decide::{granted, kept};
use crate::engine::Engine;
use crate::given::{self, behind, code, conflict, creation, event, extension, id};

const WRITERS: u64 = 20;

/// The answers of [`WRITERS`] tasks started at the same time; each gets its number, from 101.
async fn of_all<T, F>(task: impl Fn(u64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks = (101..101 + WRITERS).map(|n| tokio::spawn(task(n)));
    // Collected first: `map` starts nothing by itself.
    let tasks: Vec<_> = tasks.collect();
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

async fn decided(engine: &Engine, decision: impl Fn(u64) -> Decision) -> Vec<Decided> {
    of_all(|n| {
        let (reservations, decision) = (engine.reservations.clone(), decision(n));
        async move { reservations.decide(&decision).await.unwrap() }
    })
    .await
}

/// One was granted, all others were shown what it was granted.
fn assert_one_won(answers: &[Decided]) -> &booking_store::Reservation {
    let granted: Vec<_> = answers.iter().filter_map(won).collect();
    let [winner] = granted.as_slice() else { panic!("{} were granted", granted.len()) };
    let refused = Decided::Refused(Some(Box::new((*winner).clone())));
    assert_eq!(answers.iter().filter(|answer| **answer == refused).count(), answers.len() - 1);
    winner
}

fn won(answer: &Decided) -> Option<&booking_store::Reservation> {
    match answer {
        Decided::Granted(new) => Some(new),
        Decided::Refused(_) => None,
    }
}

pub(crate) async fn of_twenty_claimants_one_gets_the_code(engine: &Engine) {
    let code = code("A1");
    let answers = decided(engine, |n| creation(&code, vec![event(n)])).await;
    let winner = assert_one_won(&answers);
    assert_eq!(kept(engine, &code).await.as_ref(), Some(winner));
}

pub(crate) async fn behind_one_version_one_of_twenty_is_granted(engine: &Engine) {
    let code = code("A1");
    granted(engine, &creation(&code, vec![event(1)]), None).await;
    let answers = decided(engine, |n| behind(&code, 1, vec![event(n)])).await;
    let winner = assert_one_won(&answers);
    assert_eq!((winner.head, winner.pending.len()), (Version::new(2), 2));
    assert_eq!(kept(engine, &code).await.as_ref(), Some(winner));
}

pub(crate) async fn at_the_end_twenty_get_versions_of_their_own(engine: &Engine) {
    let code = code("A1");
    granted(engine, &creation(&code, vec![event(1)]), None).await;
    let answers = decided(engine, |n| extension(&code, vec![event(n)])).await;
    let mut granted: Vec<_> = answers.iter().map(|answer| won(answer).expect("room for all")).collect();
    granted.sort_by_key(|new| new.head);
    assert_eq!(granted.iter().map(|new| new.head.get()).collect::<Vec<_>>(), (2..=WRITERS + 1).collect::<Vec<_>>());
    // What each was shown is what the one before was shown, and its own event.
    for pair in granted.windows(2) {
        assert_eq!(pair[1].pending[..pair[0].pending.len()], pair[0].pending[..]);
    }
    assert_eq!(kept(engine, &code).await.as_ref(), granted.last().copied());
}

pub(crate) async fn of_twenty_recorders_the_first_stands(engine: &Engine) {
    let answers = of_all(|n| {
        let events = engine.events.clone();
        async move { events.record(&code("A1"), &event(n).accept(Version::FIRST, given::now())).await.unwrap() }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == Recorded::New).count(), 1, "{answers:?}");
    let (_, first) = engine.events.highest(&code("A1")).await.unwrap().unwrap();
    let before = answers.iter().filter(|answer| **answer == Recorded::Before(first)).count();
    assert_eq!(before, answers.len() - 1, "{answers:?}");
}

pub(crate) async fn a_conflict_kept_by_twenty_is_one(engine: &Engine) {
    let answers = of_all(|n| {
        let (reservations, other) = (engine.reservations.clone(), given::with_data(1, &format!("{{\"n\":{}}}", n % 2)));
        async move { reservations.keep_conflict(&conflict(&code("A1"), other, 9)).await.unwrap() }
    })
    .await;
    let kept = engine.reservations.claims(&code("A1")).await.unwrap().conflicts;
    assert_eq!(kept.iter().map(|kept| kept.event.event_id).collect::<Vec<_>>(), [id(1)]);
    // Half of them had the payload that is kept.
    assert_eq!(answers.iter().filter(|answer| **answer == ConflictKept::Kept).count(), answers.len() / 2);
}
