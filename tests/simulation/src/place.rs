//! Names of what happens in a schedule: a process, one turn of it, one store call of that turn.
//!
//! They name the same thing again when other parts of the schedule are left out, so chance is drawn by them and a
//! shrunk schedule can be told by what it leaves out.

use std::fmt;
use std::str::FromStr;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Appends events for a department.
    Writer,
    /// Reads bookings.
    Reader,
    /// Works on the reservations table's stream.
    Publisher,
    /// Works on the fallback queue.
    Drainer,
    /// Looks for what is left.
    Auditor,
}

impl Role {
    const ALL: [Self; 5] = [Self::Writer, Self::Reader, Self::Publisher, Self::Drainer, Self::Auditor];

    const fn letter(self) -> char {
        match self {
            Self::Writer => 'w',
            Self::Reader => 'r',
            Self::Publisher => 'p',
            Self::Drainer => 'd',
            Self::Auditor => 'a',
        }
    }
}

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process {
    /// What it does.
    pub role: Role,
    /// Which one of its role.
    pub number: u16,
}

/// One turn of a process: a request of a client, or one invocation of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Turn {
    /// Whose.
    pub process: Process,
    /// Which one.
    pub number: u16,
}

/// One store call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The turn that makes it.
    pub turn: Turn,
    /// Which call of the turn.
    pub call: u16,
}

impl Process {
    /// As a number, for drawing chance.
    pub fn key(self) -> u64 {
        (self.role as u64) << 16 | u64::from(self.number)
    }
}

impl Turn {
    /// As a number, for drawing chance.
    pub fn key(self) -> u64 {
        self.process.key() << 16 | u64::from(self.number)
    }
}

impl Place {
    /// As a number, for drawing chance.
    pub fn key(self) -> u64 {
        self.turn.key() << 16 | u64::from(self.call)
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.role.letter(), self.number)
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.process, self.number)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.turn, self.call)
    }
}

/// A part of a schedule that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// An operation of a client's script: its process and number.
    Operation(Process, u16),
    /// The fault at one store call.
    Fault(Place),
    /// One outage of a store.
    Outage(u16),
    /// One repeated delivery of the stream, by the turn that it follows.
    Redelivery(Turn),
    /// One batch that the stream drops after the turn that failed on it.
    Dropped(Turn),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(process, number) => write!(f, "{process}:{number}"),
            Self::Fault(place) => write!(f, "{place}"),
            Self::Outage(number) => write!(f, "o{number}"),
            Self::Redelivery(turn) => write!(f, "{turn}"),
            Self::Dropped(turn) => write!(f, "{turn}!"),
        }
    }
}

/// The text names no part of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPart(String);

impl fmt::Display for InvalidPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no part of a schedule such as w0:1, d1.2/3, o0, p0.4 or p0.4!", self.0)
    }
}

impl std::error::Error for InvalidPart {}

impl FromStr for Part {
    type Err = InvalidPart;

    fn from_str(text: &str) -> Result<Self, InvalidPart> {
        parse(text).ok_or_else(|| InvalidPart(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Part> {
    if let Some(number) = text.strip_prefix('o') {
        return Some(Part::Outage(number.parse().ok()?));
    }
    if let Some((process_name, number)) = text.split_once(':') {
        return Some(Part::Operation(process(process_name)?, number.parse().ok()?));
    }
    if let Some((turn_name, call)) = text.split_once('/') {
        return Some(Part::Fault(Place { turn: turn(turn_name)?, call: call.parse().ok()? }));
    }
    if let Some(turn_name) = text.strip_suffix('!') {
        return Some(Part::Dropped(turn(turn_name)?));
    }
    Some(Part::Redelivery(turn(text)?))
}

fn turn(text: &str) -> Option<Turn> {
    let (name, number) = text.split_once('.')?;
    Some(Turn { process: process(name)?, number: number.parse().ok()? })
}

fn process(text: &str) -> Option<Process> {
    let role = Role::ALL.into_iter().find(|role| text.starts_with(role.letter()))?;
    Some(Process { role, number: text.get(1..)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_and_read_alike() {
        for text in ["w0:1", "r3:0", "d1.2/3", "o0", "p0.4", "p0.4!", "a0.0/11"] {
            assert_eq!(text.parse::<Part>().unwrap().to_string(), text);
        }
        for bad in ["", "x0:1", "w:1", "w0.a", "o", "w0"] {
            assert!(bad.parse::<Part>().is_err(), "{bad}");
        }
    }
}
