//! What a projection team writes: a pure `apply`, and apart from it, if it needs any, reactions.

use std::fmt;

use async_trait::async_trait;
use booking_store::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::RecordedEvent;
use crate::upcast::Upcasts;

/// A state made of a booking's events.
///
/// `apply` is pure: the same events give the same state, whoever asks and how often. The kit relies on it: a state is
/// thrown away and made again on a replay, on a new [`state_version`](Self::state_version), and when a write was lost.
pub trait Projection: Send + Sync {
    /// The state of one booking; its default is that of a booking without events. Its JSON is what is stored, so that
    /// two equal states should have one JSON (a `BTreeMap` has, a `HashMap` has not).
    type State: Serialize + DeserializeOwned + Default + Clone + Send + Sync;

    /// The projection's name, as of a consumer in `POST /replays`: 1 to 64 of `A-Z a-z 0-9 . _ -`. Never changes.
    fn name(&self) -> &str;

    /// To be raised when `State` or `apply` changes its meaning: stored states of a lower version are made again from
    /// the source when their booking is next heard of.
    fn state_version(&self) -> u32 {
        1
    }

    /// Takes `event` into `state`. On an error the state is as before, whatever was done to it, and the booking is
    /// parked at this event.
    ///
    /// # Errors
    /// The event can't be applied; the reason goes to the record, the log and the dead letter.
    fn apply(&self, state: &mut Self::State, event: &RecordedEvent) -> Result<Applied, ApplyError>;

    /// How old shapes of events become the shapes that `apply` and the reactions know.
    fn upcasts(&self) -> Upcasts {
        Upcasts::none()
    }

    /// What to do about an event of a type that `apply` does not know.
    fn on_unknown(&self) -> UnknownPolicy {
        UnknownPolicy::Ignore
    }
}

/// What became of an event that could be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is in the state, whether it changed anything or not.
    Known,
    /// `apply` does not know its type: see [`UnknownPolicy`].
    Unknown,
}

/// What to do about an event of an unknown type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownPolicy {
    /// Count it and go on.
    Ignore,
    /// Park the booking until somebody has taught the projection the type.
    Park,
}

/// Longest reason that is kept.
const MAX_REASON_BYTES: usize = 1024;

/// Why an event can't be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ApplyError(String);

impl ApplyError {
    /// For this reason. What is beyond 1 KB of it is cut off.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(shortened(reason))
    }
}

impl From<serde_json::Error> for ApplyError {
    fn from(error: serde_json::Error) -> Self {
        Self::new(without_values(&error))
    }
}

/// What is wrong with a JSON text, and where; without the text. A payload never reaches a log by way of an error.
pub(crate) fn without_values(error: &serde_json::Error) -> String {
    let words = error.to_string();
    if words.starts_with("missing field") {
        return words;
    }
    let what = match error.classify() {
        serde_json::error::Category::Io => "unreadable",
        serde_json::error::Category::Syntax => "no JSON",
        serde_json::error::Category::Data => "another shape than expected",
        serde_json::error::Category::Eof => "cut off",
    };
    format!("{what} at line {} column {}", error.line(), error.column())
}

/// Why a reaction did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReactionError(String);

impl ReactionError {
    /// For this reason. What is beyond 1 KB of it is cut off.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(shortened(reason))
    }
}

/// `reason` as a record and a queue's message attribute take it: never empty, no longer than is kept, and without what
/// SQS refuses (AWS fact: control characters but tab and line ends, U+FFFE and U+FFFF).
pub(crate) fn shortened(reason: impl fmt::Display) -> String {
    let refused = |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    let mut text = reason.to_string().replace(refused, "\u{FFFD}");
    let end = (0..=MAX_REASON_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    if text.is_empty() { "no reason given".to_owned() } else { text }
}

/// What a projection does about an event besides its state: a call, a mail, a message.
///
/// A reaction runs after the state with its event is stored, in the order of the booking's events, never in a replay,
/// a rebuild or a snapshot. It runs once for each event id, unless the process dies (or the store is silent) between
/// the reaction and the note that it is done: then it runs again. Whoever can't have that gives
/// [`event_id`](RecordedEvent::event_id) to the other side as its idempotency key.
#[async_trait]
pub trait Reactions<S>: Send + Sync {
    /// Whether there is anything to do about `event`. Events that concern nobody cost no write of their own. Pure.
    fn concerns(&self, event: &RecordedEvent) -> bool {
        let _ = event;
        true
    }

    /// Does it. `state` is the booking's state with `event` and without any later one
    /// (in [`Mode::LatestOnly`](crate::Mode::LatestOnly): with all that is known).
    ///
    /// # Errors
    /// It failed; it is tried again after a pause, a bounded number of times. Later events of the booking wait.
    async fn react(&self, state: &S, event: &RecordedEvent) -> Result<(), ReactionError>;
}

/// For which events a reaction is owed.
///
/// A projection that is new to an old system, or whose events were lost, meets old events: in the gap before the first
/// delivered one. Whether to react to those nobody but the team can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReactTo {
    /// Every event of every booking heard of, however old.
    Everything,
    /// Events accepted at this moment or later: as a rule the moment the projection goes live, as a constant or from the
    /// configuration. Not `System.now()` in a function: each cold start would move it, and what was accepted before and
    /// comes after, as a message that waited does, would have its reaction silently passed over.
    AcceptedSince(Timestamp),
}

impl ReactTo {
    pub(crate) fn includes(self, event: &RecordedEvent) -> bool {
        match self {
            Self::Everything => true,
            Self::AcceptedSince(moment) => event.accepted_at >= moment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_at_a_character() {
        let long = "é".repeat(MAX_REASON_BYTES);
        let reason = ApplyError::new(format!("x{long}")).to_string();
        assert_eq!(reason.len(), MAX_REASON_BYTES - 1);
        assert_eq!(ApplyError::new("short").to_string(), "short");
    }

    #[test]
    fn a_reason_is_what_a_queue_takes() {
        for kept in ["a\tb\r\nc", "\u{7f}\u{FFFD}\u{10FFFF}"] {
            assert_eq!(ReactionError::new(kept).to_string(), kept);
        }
        assert_eq!(
            ReactionError::new("a\0b\u{1b}c\u{FFFE}\u{FFFF}").to_string(),
            "a\u{FFFD}b\u{FFFD}c\u{FFFD}\u{FFFD}"
        );
        assert_eq!(ApplyError::new("").to_string(), "no reason given");
        let reason = ApplyError::new("\0".repeat(MAX_REASON_BYTES)).to_string();
        assert_eq!((reason.len(), reason.chars().all(|c| c == '\u{FFFD}')), (MAX_REASON_BYTES - 1, true));
    }

    #[test]
    fn a_reason_shows_no_payload() {
        #[derive(Debug, serde::Deserialize)]
        struct Data {
            #[expect(dead_code, reason = "only its absence matters")]
            total: u64,
        }
        let reason = |text| ApplyError::from(serde_json::from_str::<Data>(text).unwrap_err()).to_string();
        assert_eq!(reason(r#"{"total":"secret"}"#), "another shape than expected at line 1 column 17");
        assert_eq!(reason(r#"{"secret":1}"#), "missing field `total` at line 1 column 12");
        assert_eq!(reason("secret"), "no JSON at line 1 column 1");
        assert_eq!(reason("{"), "cut off at line 1 column 1");
    }
}
