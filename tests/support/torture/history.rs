//! What clients asked, when, and what they were told: all that the check knows of a run.

use std::fmt;
use std::time::Duration;

/// One request of one client and what came of it. Times are from the start of the run, by one clock.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Whose.
    pub client: usize,
    /// Before it was sent.
    pub begun: Duration,
    /// After its answer was there, or the client gave up.
    pub ended: Duration,
    /// The booking.
    pub code: String,
    /// What was asked.
    pub asked: Asked,
    /// What was told.
    pub told: Told,
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To append these.
    Append(Expected, Vec<Sent>),
    /// For a page.
    Page(Query),
    /// For the booking at a glance.
    Summary,
    /// For one event.
    Event(String),
}

/// What an append expects of its booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// That there is none.
    New,
    /// That it stands at this version.
    Exact(u64),
    /// That there is one.
    Any,
}

/// An event as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// What its data says, like no other event's.
    pub mark: String,
}

/// A query of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The first version wanted.
    pub from: u64,
    /// The most events wanted.
    pub limit: u64,
    /// What the reader knows to exist.
    pub min_version: Option<u64>,
    /// Whether what is known will do.
    pub eventual: bool,
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Accepted, confirmed: 201, 202 `pending`, 200.
    Accepted(Receipt),
    /// 202 `deferred`.
    Deferred,
    /// The code belongs to another booking.
    Taken,
    /// The booking is at this version.
    AtVersion(u64),
    /// There is no such booking.
    NoBooking,
    /// The event id was used for something else.
    Reused,
    /// Nothing was accepted.
    NotAccepted,
    /// It may have been accepted: said so, or said nothing.
    Unknown(String),
    /// A page.
    Page(Page),
    /// The booking at a glance.
    Summary(Summary),
    /// The event.
    Event(Shown),
    /// The booking has no such event.
    NoEvent,
    /// The booking has not reached the version the reader knows; it is at this one.
    NotReached(u64),
    /// What a read asks for can't be known now, or no answer came.
    Unavailable(String),
    /// What the contract has no place for.
    Strange(String),
}

/// A confirmed acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// `recorded` or `pending`.
    pub status: String,
    /// Whether they were accepted before.
    pub replayed: bool,
    /// The events' versions.
    pub versions: Vec<(String, u64)>,
}

/// A page of a booking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The booking's version.
    pub version: u64,
    /// Whether nothing is missing.
    pub complete: bool,
    /// Events in order of version.
    pub events: Vec<Shown>,
    /// Events that lost the code.
    pub conflicts: Vec<Shown>,
    /// Where the next page begins.
    pub next: Option<u64>,
}

/// A booking at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Its version.
    pub version: u64,
    /// Up to where it is settled.
    pub settled: u64,
    /// Events pending.
    pub pending: u64,
    /// Events that lost its code.
    pub conflicts: u64,
}

/// An event as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its version; a conflict has none.
    pub version: Option<u64>,
    /// Its id.
    pub id: String,
    /// What its data says.
    pub mark: String,
    /// `recorded`, `pending` or `conflict`.
    pub status: String,
    /// Of a conflict: who owns the code.
    pub owner: Option<String>,
}

/// One delivery of the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The booking.
    pub code: String,
    /// The version and the one before it; a conflict has none.
    pub versions: Option<(u64, u64)>,
    /// The event.
    pub id: String,
    /// What its data says.
    pub mark: String,
}

/// What a booking has come to, after everything has settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// All its events in order.
    pub events: Vec<Shown>,
    /// All events that lost its code.
    pub conflicts: Vec<Shown>,
    /// At a glance.
    pub summary: Summary,
}

impl Operation {
    /// What it sent, if it is an append.
    pub fn sent(&self) -> &[Sent] {
        match &self.asked {
            Asked::Append(_, events) => events,
            Asked::Page(_) | Asked::Summary | Asked::Event(_) => &[],
        }
    }

    /// Events it proves accepted, with their versions: by acknowledgement or by being shown.
    pub fn proves(&self) -> Vec<(&str, u64)> {
        if let Told::Accepted(receipt) = &self.told {
            receipt.versions.iter().map(|(id, version)| (id.as_str(), *version)).collect()
        } else if let Told::Page(page) = &self.told {
            page.events.iter().filter_map(Shown::proves).collect()
        } else if let Told::Event(event) = &self.told {
            event.proves().into_iter().collect()
        } else {
            Vec::new()
        }
    }

    /// Whether the answer leaves open what has become of an append.
    pub fn is_open(&self) -> bool {
        matches!(self.told, Told::Unknown(_))
    }
}

impl Shown {
    fn proves(&self) -> Option<(&str, u64)> {
        self.version.map(|version| (self.id.as_str(), version))
    }
}

/// An id's last digits, which tell ids of a run apart.
pub fn short(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id).trim_start_matches('0')
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (begun, ended) = (self.begun.as_secs_f64(), self.ended.as_secs_f64());
        write!(f, "{begun:8.3}–{ended:8.3} s  client {:>2}  {} → {}", self.client, self.asked, self.told)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(expected, events) => {
                let ids: Vec<_> = events.iter().map(|event| format!("{} ({})", short(&event.id), event.mark)).collect();
                write!(f, "append {expected:?} [{}]", ids.join(", "))
            }
            Self::Page(query) => {
                write!(f, "read from {} limit {}", query.from, query.limit)?;
                if let Some(min) = query.min_version {
                    write!(f, " min_version {min}")?;
                }
                f.write_str(if query.eventual { " eventual" } else { "" })
            }
            Self::Summary => f.write_str("summary"),
            Self::Event(id) => write!(f, "event {}", short(id)),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(receipt) => {
                let at: Vec<_> = receipt.versions.iter().map(|(_, version)| version.to_string()).collect();
                let again = if receipt.replayed { ", replayed" } else { "" };
                write!(f, "{} at {}{again}", receipt.status, at.join(", "))
            }
            Self::Page(page) => {
                let whole = if page.complete { "" } else { ", incomplete" };
                write!(f, "version {}{whole}: {}", page.version, list(&page.events))?;
                if !page.conflicts.is_empty() {
                    write!(f, "; conflicts {}", list(&page.conflicts))?;
                }
                page.next.map_or(Ok(()), |next| write!(f, "; next {next}"))
            }
            Self::Event(event) => write!(f, "{event}"),
            Self::Deferred | Self::Taken | Self::AtVersion(_) | Self::NoBooking | Self::Reused | Self::NotAccepted => {
                write!(f, "{self:?}")
            }
            Self::Summary(_) | Self::NoEvent | Self::NotReached(_) => write!(f, "{self:?}"),
            Self::Unknown(why) | Self::Unavailable(why) => write!(f, "unknown: {why}"),
            Self::Strange(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.map_or_else(|| "–".to_owned(), |version| version.to_string());
        write!(f, "{version}={} {}", short(&self.id), self.status)
    }
}

/// Events on one line.
pub fn list(events: &[Shown]) -> String {
    events.iter().map(Shown::to_string).collect::<Vec<_>>().join(", ")
}
