//! The check of a history can fail: of a good one it finds nothing, and of each corruption of it what was corrupted.

use std::time::Duration;

use booking_tests::torture::check::{End, check};
use booking_tests::torture::history::{
    Asked, Delivery, Expected, Operation, Outcome, Page, Query, Receipt, Sent, Shown, Summary, Told,
};

/// A history and what it has come to.
#[derive(Clone)]
struct Run {
    history: Vec<Operation>,
    end: End,
}

fn sent(ids: &str) -> Vec<Sent> {
    ids.chars().map(|id| Sent { id: id.to_string(), mark: format!("of {id}") }).collect()
}

fn append(expected: Expected, ids: &str) -> Asked {
    Asked::Append(expected, sent(ids))
}

fn page() -> Asked {
    Asked::Page(Query { from: 1, limit: 100, min_version: None, eventual: false })
}

fn accepted(ids: &str, first: u64, replayed: bool) -> Told {
    let versions = ids.chars().map(|id| id.to_string()).zip(first..).collect();
    Told::Accepted(Receipt { status: "recorded".to_owned(), replayed, versions })
}

fn shown(ids: &str) -> Vec<Shown> {
    let event = |(id, version): (char, u64)| Shown {
        version: Some(version),
        id: id.to_string(),
        mark: format!("of {id}"),
        status: "recorded".to_owned(),
        owner: None,
    };
    ids.chars().zip(1..).map(event).collect()
}

fn conflict(id: &str, owner: &str) -> Shown {
    let owner = Some(owner.to_owned());
    Shown { version: None, id: id.to_owned(), mark: format!("of {id}"), status: "conflict".to_owned(), owner }
}

fn a_page(ids: &str) -> Told {
    let (version, conflicts) = (ids.len() as u64, Vec::new());
    Told::Page(Page { version, complete: true, events: shown(ids), conflicts, next: None })
}

fn summary(version: u64) -> Summary {
    Summary { version, settled: version, pending: 0, conflicts: 0 }
}

fn outcome(ids: &str, conflicts: Vec<Shown>) -> Outcome {
    Outcome { events: shown(ids), conflicts, summary: summary(ids.len() as u64) }
}

fn delivery(code: &str, id: char, version: u64) -> Delivery {
    let versions = (version > 0).then(|| (version, version - 1));
    Delivery { code: code.to_owned(), versions, id: id.to_string(), mark: format!("of {id}") }
}

/// Two bookings: B with a, the batch bc and d, of which y has lost the code; C, deferred and accepted.
fn good() -> Run {
    let asked_and_told = [
        ("B", append(Expected::New, "a"), accepted("a", 1, false)),
        ("B", append(Expected::Exact(1), "bc"), accepted("bc", 2, false)),
        ("B", append(Expected::New, "x"), Told::Taken),
        ("B", append(Expected::Any, "d"), Told::Unknown("gave up".to_owned())),
        ("B", append(Expected::Any, "d"), accepted("d", 4, true)),
        ("B", page(), a_page("abcd")),
        ("B", append(Expected::Exact(4), "e"), Told::NotAccepted),
        ("B", append(Expected::New, "y"), Told::Deferred),
        ("B", Asked::Summary, Told::Summary(summary(4))),
        ("B", Asked::Event("b".to_owned()), Told::Event(shown("ab").remove(1))),
        ("B", append(Expected::Exact(2), "f"), Told::Unknown("503".to_owned())),
        ("B", append(Expected::Exact(2), "f"), Told::AtVersion(4)),
        ("B", append(Expected::Any, "g"), Told::Unknown("gave up".to_owned())),
        ("B", page(), Told::Unavailable("503".to_owned())),
        ("C", append(Expected::Any, "h"), Told::NoBooking),
        ("C", page(), Told::NoBooking),
        ("C", append(Expected::New, "i"), Told::Deferred),
        ("C", append(Expected::New, "i"), accepted("i", 1, true)),
    ];
    let operation = |(n, (code, asked, told)): (u64, (&str, Asked, Told))| {
        let (begun, ended) = (Duration::from_millis(20 * n), Duration::from_millis(20 * n + 10));
        Operation { client: 0, begun, ended, code: code.to_owned(), asked, told }
    };
    let history = (0..).zip(asked_and_told).map(operation).collect();
    let published = [('a', 1), ('b', 2), ('a', 1), ('c', 3), ('y', 0), ('d', 4), ('b', 2)];
    let mut deliveries: Vec<_> = published.into_iter().map(|(id, version)| delivery("B", id, version)).collect();
    deliveries.push(delivery("C", 'i', 1));
    let outcomes = [("B", outcome("abcd", vec![conflict("y", "a")])), ("C", outcome("i", Vec::new()))];
    let outcomes = outcomes.map(|(code, outcome)| (code.to_owned(), outcome)).into();
    Run { history, end: End { outcomes, deliveries, dead_letters: Vec::new() } }
}

impl Run {
    /// Booking B.
    fn booking(&mut self) -> &mut Outcome {
        self.end.outcomes.get_mut("B").unwrap()
    }

    /// Booking B ends with these events, all of them published.
    fn ends_with(&mut self, ids: &str) {
        let conflicts = self.booking().conflicts.clone();
        *self.booking() = outcome(ids, conflicts);
        self.end.deliveries.retain(|delivery| delivery.code != "B" || delivery.versions.is_none());
        self.end.deliveries.extend(ids.chars().zip(1..).map(|(id, version)| delivery("B", id, version)));
    }

    /// What operation `n` was told.
    fn told(&mut self, n: usize, told: Told) {
        self.history[n].told = told;
    }
}

/// What is corrupted, how, and as what it must be found.
type Corruption = (&'static str, fn(&mut Run));

const CORRUPTIONS: &[Corruption] = &[
    ("lost", |run| run.ends_with("abc")),
    ("versions with a gap", |run| drop(run.booking().events.remove(1))),
    ("not settled", |run| run.booking().summary.pending = 1),
    ("not settled", |run| run.booking().events[3].status = "pending".to_owned()),
    ("never sent", |run| run.ends_with("abcdz")),
    ("altered", |run| run.booking().events[3].mark = "of z".to_owned()),
    ("twice", |run| run.ends_with("abcdd")),
    ("torn", |run| run.ends_with("abdc")),
    ("torn", |run| run.booking().conflicts.push(conflict("c", "a"))),
    ("another owner", |run| run.booking().conflicts[0].owner = Some("b".to_owned())),
    ("conflict with nobody", |run| drop(run.booking().events.drain(..))),
    ("owned without a claim", |run| run.ends_with("dabc")),
    ("conflict without a claim", |run| run.booking().conflicts.push(conflict("g", "a"))),
    ("moved", |run| run.told(4, accepted("d", 5, true))),
    ("confirmed with another payload", |run| {
        run.history[4].asked =
            Asked::Append(Expected::Any, vec![Sent { id: "d".to_owned(), mark: "of another".to_owned() }])
    }),
    ("version not as expected", |run| run.history[1].asked = append(Expected::Exact(2), "bc")),
    ("two owners", |run| run.told(2, accepted("x", 1, false))),
    ("confirmed, then a conflict", |run| run.told(7, accepted("y", 1, false))),
    ("deferred, then lost", |run| run.booking().conflicts.clear()),
    ("deferred, though not new", |run| run.told(12, Told::Deferred)),
    ("taken by nobody else", |run| run.told(0, Told::Taken)),
    ("refused, and yet there", |run| run.ends_with("abcde")),
    ("refused for good, and yet there", |run| run.ends_with("abcdf")),
    ("conflict with no such version", |run| run.told(11, Told::AtVersion(3))),
    ("conflict with no such version", |run| run.told(11, Told::AtVersion(7))),
    ("out of order", |run| run.ends_with("adbc")),
    ("false 404", |run| run.told(4, Told::NoBooking)),
    ("false 404", |run| run.told(5, Told::NoBooking)),
    ("false 404", |run| run.told(9, Told::NoEvent)),
    ("stale read", |run| run.told(5, a_page("abc"))),
    ("stale read", |run| run.told(8, Told::Summary(summary(3)))),
    ("stale read", |run| {
        run.history[5].asked = Asked::Page(Query { from: 1, limit: 100, min_version: Some(4), eventual: false });
        run.told(5, Told::NotReached(3));
    }),
    ("part of a batch", |run| run.told(8, Told::Summary(summary(2)))),
    ("shown, then gone", |run| run.told(5, a_page("abcz"))),
    ("page with a gap", |run| {
        let mut events = shown("abcd");
        events.remove(1);
        run.told(5, Told::Page(Page { version: 4, complete: true, events, ..Page::default() }));
    }),
    ("incomplete without being asked", |run| {
        run.told(5, Told::Page(Page { version: 4, complete: false, events: shown("abcd"), ..Page::default() }));
    }),
    ("another event", |run| run.told(9, Told::Event(shown("a").remove(0)))),
    ("outside the contract", |run| run.told(13, Told::Strange("500".to_owned()))),
    ("published out of order", |run| run.end.deliveries.swap(1, 3)),
    ("published, and not so", |run| run.end.deliveries[3].id = "z".to_owned()),
    ("published, and not so", |run| run.end.deliveries[3].versions = Some((3, 1))),
    ("published, and not so", |run| run.end.deliveries.push(delivery("B", 'x', 0))),
    ("published, and not so", |run| run.end.deliveries.push(delivery("D", 'a', 1))),
    ("never published", |run| drop(run.end.deliveries.remove(5))),
    ("never published", |run| drop(run.end.deliveries.remove(4))),
    ("dead letter", |run| run.end.dead_letters.push("{}".to_owned())),
];

#[test]
fn a_good_history_is_found_good() {
    let run = good();
    assert_eq!(check(&run.history, &run.end), []);
}

#[test]
fn every_corruption_is_found() {
    for (i, (kind, corrupt)) in CORRUPTIONS.iter().enumerate() {
        let mut run = good();
        corrupt(&mut run);
        let found = check(&run.history, &run.end);
        assert!(found.iter().any(|anomaly| anomaly.kind == *kind), "{i}, {kind}: {found:#?}");
    }
}

/// What the contract allows is no anomaly: an unknown outcome that has happened, a deferred event that has lost, a
/// partial answer that says so, an append at the end that came back after more events than are remembered.
#[test]
fn what_is_allowed_is_not_found() {
    let mut run = good();
    run.ends_with("abcdg");
    assert_eq!(check(&run.history, &run.end), [], "unknown, and it has happened");

    let mut run = good();
    run.history[5].asked = Asked::Page(Query { from: 1, limit: 100, min_version: None, eventual: true });
    run.told(5, Told::Page(Page { version: 3, complete: false, events: shown("abc"), ..Page::default() }));
    assert_eq!(check(&run.history, &run.end), [], "eventual");

    let mut run = good();
    run.history[5].asked = Asked::Page(Query { from: 1, limit: 100, min_version: Some(3), eventual: false });
    run.told(5, a_page("abc"));
    assert_eq!(check(&run.history, &run.end), [], "as far as the reader knew");
}
