//! What can happen to a call, and who says what does.

use std::fmt;
use std::time::Duration;

use super::Call;

/// Says what happens to which call.
pub trait Plan: Send + Sync {
    /// What happens to this call, if anything.
    fn fault(&self, call: &Call) -> Option<Fault>;

    /// What happens to a connection of this caller before any call on it, if anything.
    fn on_connect(&self, _caller: &str) -> Option<ConnectFault> {
        None
    }
}

/// Nothing happens to any call.
pub struct Clear;

impl Plan for Clear {
    fn fault(&self, _call: &Call) -> Option<Fault> {
        None
    }
}

impl<F: Fn(&Call) -> Option<Fault> + Send + Sync> Plan for F {
    fn fault(&self, call: &Call) -> Option<Fault> {
        self(call)
    }
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is passed and answered, late: so long before it is passed, so long before its answer.
    Slow(Duration, Duration),
    /// The caller never gets the engine's answer.
    Lost(Passed, Loss),
    /// The service refuses it, in its own words, and has done nothing.
    Refused(Refusal),
}

/// Whether the engine gets the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// No: it had no effect.
    Never,
    /// Yes, and its effect comes before the loss is seen.
    Before,
    /// Yes, so much later: the caller has seen the loss by then and may have tried again.
    Late(Duration),
}

/// What the caller gets instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The connection is reset.
    Reset,
    /// Nothing, for ever.
    Silence,
    /// 500 `InternalServerError`.
    ServerError,
    /// 503 without a word, as a load balancer says it.
    Unavailable,
    /// A 200 that is no answer.
    Garbage(Garbage),
}

/// What a 200 that is no answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garbage {
    /// A page of HTML.
    Html,
    /// The beginning of a JSON document, whole as to HTTP.
    CutJson,
    /// A part of what its length announces, then the end of the connection.
    CutBody,
}

/// How a service says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `ProvisionedThroughputExceededException`, or what the service has in its place.
    Throughput,
    /// `ThrottlingException`, or what the service has in its place.
    Throttled,
    /// `ReplicatedWriteConflictException`, of a table of several Regions.
    Contended,
    /// The bus's way: 200, and the entry has failed with `ThrottlingException`.
    EntryThrottled,
    /// The bus's way: 200, and the entry has failed with `InternalFailure`.
    EntryFailed,
}

/// What happens to a connection before any call on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFault {
    /// It is accepted and reset.
    Reset,
    /// It is answered with bytes that are no HTTP.
    Noise,
}

impl Fault {
    /// Its name in counts.
    pub fn name(&self) -> String {
        match self {
            Self::Slow(..) => "slow".to_owned(),
            Self::Lost(passed, loss) => format!("{loss}, {passed}"),
            Self::Refused(refusal) => format!("{refusal:?}").to_lowercase(),
        }
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "not passed",
            Self::Before => "passed",
            Self::Late(_) => "passed late",
        })
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "reset",
            Self::Silence => "silence",
            Self::ServerError => "500",
            Self::Unavailable => "503",
            Self::Garbage(Garbage::Html) => "html",
            Self::Garbage(Garbage::CutJson) => "cut json",
            Self::Garbage(Garbage::CutBody) => "cut body",
        })
    }
}
