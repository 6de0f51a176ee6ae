//! The same random sequence of calls on the in-memory stores and on another engine: every answer must be the same.
//!
//! The sequences are the same in every run; `PROPTEST_CASES` asks for more of them. A failing one is shrunk.

use std::future::Future;
use std::time::Duration;

use booking_store::ports::Recorded;
use booking_store::{BookingCode, Decision, ExpectedVersion, NewEvent, Reservation, Version};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::engine::{self, Engine};
use crate::given::{self, code, conflict};

/// Longest sequence.
const CALLS: usize = 60;
/// Few codes and few ids, so that calls meet.
const CODES: u64 = 2;
const IDS: u64 = 60;

/// One call. What it needs of the booking's state is taken from what the calls before it were shown.
#[derive(Clone, Debug)]
enum Call {
    Decide { code: u64, expected: Expected, first_id: u64, events: u64, bytes: usize },
    Trim { code: u64, image: prop::sample::Index, pending: u64 },
    KeepConflict { code: u64, id: u64, bytes: usize },
    Claims { code: u64 },
    Stale { seconds: u64 },
    Record { code: u64, id: u64, back: u64, bytes: usize },
    Highest { code: u64 },
    Range { code: u64, from: u64, limit: usize, bytes: usize },
}

#[derive(Clone, Debug)]
enum Expected {
    New,
    Any,
    /// The head of an earlier image.
    Head(prop::sample::Index),
    Exact(u64),
}

fn call() -> impl Strategy<Value = Call> {
    let code = || 0..CODES;
    let id = || 1..=IDS;
    let bytes = || prop_oneof![6 => 30..400_usize, 1 => 20_000..60_000_usize];
    let expected = prop_oneof![
        2 => Just(Expected::New),
        4 => Just(Expected::Any),
        3 => any::<prop::sample::Index>().prop_map(Expected::Head),
        1 => (0..9_u64).prop_map(Expected::Exact),
    ];
    let events = prop_oneof![4 => 1..4_u64, 1 => 20..=25_u64];
    let decide = (code(), expected, id(), events, bytes()).prop_map(|(code, expected, first_id, events, bytes)| {
        // A whole request has its limit.
        Call::Decide { code, expected, first_id, events, bytes: bytes.min(200_000 / usize::try_from(events).unwrap()) }
    });
    prop_oneof![
        8 => decide,
        5 => (code(), any::<prop::sample::Index>(), 0..120_u64)
            .prop_map(|(code, image, pending)| Call::Trim { code, image, pending }),
        2 => (code(), id(), bytes()).prop_map(|(code, id, bytes)| Call::KeepConflict { code, id, bytes: bytes / 2 * 2 }),
        1 => code().prop_map(|code| Call::Claims { code }),
        1 => (0..CALLS as u64 + 2).prop_map(|seconds| Call::Stale { seconds }),
        4 => (code(), id(), 0..3_u64, bytes()).prop_map(|(code, id, back, bytes)| Call::Record { code, id, back, bytes }),
        1 => code().prop_map(|code| Call::Highest { code }),
        2 => (code(), 1..12_u64, 1..12_usize, 0..100_000_usize)
            .prop_map(|(code, from, limit, bytes)| Call::Range { code, from, limit, bytes }),
    ]
}

#[test]
fn of_the_embedded_engine() {
    compare(engine::embedded, 100);
}

#[test]
fn of_ministack() {
    compare(engine::ministack, 15);
}

/// Runs `sequences` of calls, or as many as `PROPTEST_CASES` says, each on empty stores.
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for in the environment")]
fn compare<F: Future<Output = Engine>>(fresh: impl Fn() -> F, sequences: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").map_or(sequences, |asked| asked.parse().unwrap());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&prop::collection::vec(call(), 1..CALLS), |calls| {
        runtime.block_on(async {
            let mut pair = Pair::new(fresh().await).await;
            for call in &calls {
                pair.make(call).await;
            }
        });
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Two engines, and what the calls so far have shown of each booking.
struct Pair {
    expected: Engine,
    found: Engine,
    bookings: Vec<BookingCode>,
    images: Vec<Vec<Reservation>>,
    recorded: Vec<u64>,
    calls: u64,
}

/// The same call on both, the same answer from both.
macro_rules! same {
    ($pair:ident.$port:ident.$call:ident($($argument:expr),*)) => {{
        let expected = $pair.expected.$port.$call($($argument),*).await.expect("memory never fails");
        let found = $pair.found.$port.$call($($argument),*).await.map_err(|failure| failure.chain());
        assert_eq!(found.as_ref(), Ok(&expected));
        expected
    }};
}

impl Pair {
    async fn new(found: Engine) -> Self {
        Self {
            expected: engine::memory().await,
            found,
            bookings: (0..CODES).map(|n| code(&format!("A{n}"))).collect(),
            images: vec![Vec::new(); index(CODES)],
            recorded: vec![0; index(CODES)],
            calls: 0,
        }
    }

    async fn make(&mut self, call: &Call) {
        self.calls += 1;
        match *call {
            Call::Decide { code, ref expected, first_id, events, bytes } => {
                let decision = self.decision(code, expected, first_id, events, bytes);
                drop(same!(self.reservations.decide(&decision)));
                self.look(code).await;
            }
            Call::Trim { code, ref image, pending } => {
                let images = &self.images[index(code)];
                let Some(image) = (!images.is_empty()).then(|| image.get(images)) else { return };
                let Some(trim) = image.trim(Version::new(image.settled.get() + pending).min(image.head)) else {
                    return;
                };
                let booking = self.bookings[index(code)].clone();
                drop(same!(self.reservations.trim(&booking, &trim)));
                self.look(code).await;
            }
            Call::KeepConflict { code, id, bytes } => {
                let conflict = conflict(&self.bookings[index(code)], given::of_bytes(id, bytes), IDS + 1);
                same!(self.reservations.keep_conflict(&conflict));
            }
            Call::Claims { code } => self.look(code).await,
            Call::Stale { seconds } => self.scan(Duration::from_secs(seconds)).await,
            Call::Record { code, id, back, bytes } => self.record(code, id, back, bytes).await,
            Call::Highest { code } => drop(same!(self.events.highest(&self.bookings[index(code)]))),
            Call::Range { code, from, limit, bytes } => {
                let booking = &self.bookings[index(code)];
                drop(same!(self.events.range(booking, Version::new(from), limit, bytes)));
            }
        }
    }

    fn decision(&self, code: u64, expected: &Expected, first_id: u64, events: u64, bytes: usize) -> Decision {
        let images = &self.images[index(code)];
        let expected = match expected {
            Expected::New => ExpectedVersion::New,
            Expected::Any => ExpectedVersion::Any,
            Expected::Head(image) if !images.is_empty() => ExpectedVersion::Exact(image.get(images).head),
            Expected::Head(_) => ExpectedVersion::Exact(Version::FIRST),
            Expected::Exact(n) => ExpectedVersion::Exact(Version::new(*n)),
        };
        let events: Vec<NewEvent> = (first_id..first_id + events).map(|n| given::of_bytes(n, bytes)).collect();
        let accepted_at = given::later(Duration::from_secs(self.calls));
        Decision { booking_code: self.bookings[index(code)].clone(), expected, events, accepted_at }
    }

    /// Reads a booking, and remembers its image for trims and expectations that come late.
    async fn look(&mut self, code: u64) {
        let claims = same!(self.reservations.claims(&self.bookings[index(code)]));
        self.images[index(code)].extend(claims.reservation);
    }

    /// Records at the version after the last, or at one that is recorded; the protocol leaves no gaps.
    async fn record(&mut self, code: u64, id: u64, back: u64, bytes: usize) {
        let next = self.recorded[index(code)] + 1;
        let event = given::of_bytes(id, bytes).accept(Version::new(next.saturating_sub(back).max(1)), given::now());
        if same!(self.events.record(&self.bookings[index(code)], &event)) == Recorded::New {
            self.recorded[index(code)] = next;
        }
    }

    /// Which segment shows a booking is the engine's affair; together they show the same ones.
    async fn scan(&self, age: Duration) {
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        for segment in 0..2 {
            for (engine, seen) in [(&self.expected, &mut expected), (&self.found, &mut found)] {
                let mut after = None;
                loop {
                    let before = given::later(age);
                    let page = engine.reservations.stale(before, segment, 2, after.as_ref()).await.unwrap();
                    seen.extend(page.reservations);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
        }
        for seen in [&mut expected, &mut found] {
            seen.sort_by(|a, b| a.booking_code.cmp(&b.booking_code));
        }
        assert_eq!(found, expected);
    }
}

fn index(code: u64) -> usize {
    usize::try_from(code).unwrap()
}
