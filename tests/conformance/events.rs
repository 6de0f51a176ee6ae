//! The record: never overwritten, read in order and whole.

use booking_store::failure::FailureKind;
use booking_store::ports::Recorded;
use booking_store::{Event, JsonObject, NewEvent, Version};

use crate::engine::Engine;
use crate::given::{self, accepted, code, event, id, of_bytes};

const ALL: (usize, usize) = (10_000, usize::MAX);

/// Records the events as they are.
async fn recorded(engine: &Engine, text: &str, events: &[Event]) {
    for event in events {
        assert_eq!(engine.events.record(&code(text), event).await.unwrap(), Recorded::New);
    }
}

fn versions(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.version.get()).collect()
}

pub(crate) async fn a_version_is_recorded_once(engine: &Engine) {
    let first = accepted(1);
    recorded(engine, "A1", std::slice::from_ref(&first)).await;
    let before = Recorded::Before(id(1));
    assert_eq!(engine.events.record(&code("A1"), &first).await.unwrap(), before);
    let other = event(2).accept(Version::FIRST, given::now());
    assert_eq!(engine.events.record(&code("A1"), &other).await.unwrap(), before);
    // Another booking, and the same event at another version, are another matter.
    recorded(engine, "a1", &[other]).await;
    recorded(engine, "A1", &[event(1).accept(Version::new(2), given::now())]).await;
    let kept = engine.events.range(&code("A1"), Version::FIRST, 1, usize::MAX).await.unwrap();
    assert_eq!(kept, [first]);
}

pub(crate) async fn the_highest_is_the_last(engine: &Engine) {
    assert_eq!(engine.events.highest(&code("A1")).await.unwrap(), None);
    for n in 1..=12 {
        // Numbers, not texts: 10 comes after 9.
        recorded(engine, "A1", &[accepted(n)]).await;
        assert_eq!(engine.events.highest(&code("A1")).await.unwrap(), Some((Version::new(n), id(n))));
    }
    assert_eq!(engine.events.highest(&code("A")).await.unwrap(), None);
}

pub(crate) async fn a_range_begins_and_ends_where_asked(engine: &Engine) {
    let all: Vec<_> = (1..=30).map(accepted).collect();
    recorded(engine, "A1", &all).await;
    recorded(engine, "A2", &[accepted(1)]).await;
    for (from, limit, expected) in
        [(1, 100, 1..=30), (1, 30, 1..=30), (1, 29, 1..=29), (9, 1, 9..=9), (10, 5, 10..=14), (30, 9, 30..=30)]
    {
        let range = engine.events.range(&code("A1"), Version::new(from), limit, usize::MAX).await.unwrap();
        assert_eq!(range, all[*expected.start() - 1..*expected.end()], "{from} {limit}");
    }
    let nothing = engine.events.range(&code("A1"), Version::new(31), 9, usize::MAX).await.unwrap();
    assert_eq!(nothing, []);
    assert_eq!(engine.events.range(&code("A"), Version::FIRST, 9, usize::MAX).await.unwrap(), []);
}

pub(crate) async fn a_range_of_more_than_1_mb_comes_whole(engine: &Engine) {
    let all: Vec<_> = (1..=50).map(|n| of_bytes(n, 60_000).accept(Version::new(n), given::now())).collect();
    recorded(engine, "A1", &all).await;
    let (limit, bytes) = ALL;
    assert_eq!(engine.events.range(&code("A1"), Version::FIRST, limit, bytes).await.unwrap(), all);
    assert_eq!(engine.events.range(&code("A1"), Version::new(4), 40, bytes).await.unwrap(), all[3..43]);
    assert_eq!(engine.events.highest(&code("A1")).await.unwrap(), Some((Version::new(50), id(50))));
}

pub(crate) async fn a_range_stops_after_its_bytes(engine: &Engine) {
    let all: Vec<_> = (1..=10).map(|n| of_bytes(n, 10_000).accept(Version::new(n), given::now())).collect();
    recorded(engine, "A1", &all).await;
    let one = all[0].wire_bytes();
    // The one that goes over the limit is the last.
    for (bytes, expected) in [(0, 1), (1, 1), (one - 1, 1), (one, 2), (3 * one - 1, 3), (3 * one, 4), (10 * one, 10)] {
        let range = engine.events.range(&code("A1"), Version::FIRST, 100, bytes).await.unwrap();
        assert_eq!(range.len(), expected, "{bytes} bytes, one has {one}");
    }
    let range = engine.events.range(&code("A1"), Version::FIRST, 2, 3 * one).await.unwrap();
    assert_eq!(versions(&range), [1, 2]);
}

pub(crate) async fn payloads_keep_every_byte(engine: &Engine) {
    let awkward = NewEvent {
        occurred_at: Some(given::later(std::time::Duration::from_millis(1))),
        metadata: Some(JsonObject::parse(given::AWKWARD).unwrap()),
        ..given::with_data(1, given::AWKWARD)
    };
    let all = [awkward.accept(Version::FIRST, given::now()), accepted(2)];
    recorded(engine, "A1", &all).await;
    let range = engine.events.range(&code("A1"), Version::FIRST, 9, usize::MAX).await.unwrap();
    assert_eq!(range, all);
    assert_eq!(range[0].data.as_str(), given::AWKWARD);
}

pub(crate) async fn versions_are_exact_to_the_last_digit(engine: &Engine) {
    // Beyond 2⁵³ a float would take neighbours for one.
    for n in [(1 << 53) + 1, u64::MAX - 2, u64::MAX - 1] {
        recorded(engine, "A1", &[event(n % 1000).accept(Version::new(n), given::now())]).await;
        assert_eq!(engine.events.highest(&code("A1")).await.unwrap(), Some((Version::new(n), id(n % 1000))));
    }
    let last = engine.events.range(&code("A1"), Version::new(u64::MAX - 2), 9, usize::MAX).await.unwrap();
    assert_eq!(versions(&last), [u64::MAX - 2, u64::MAX - 1]);
}

pub(crate) async fn a_gap_is_no_answer(engine: &Engine) {
    recorded(engine, "A1", &[accepted(1), accepted(3)]).await;
    let answer = engine.events.range(&code("A1"), Version::FIRST, 9, usize::MAX).await;
    assert_eq!(answer.expect_err("a range with a hole").kind, FailureKind::Corrupt);
}
