//! Names with rules, checked once: booking codes and event types.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A booking code: 1 to 64 of `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct BookingCode(String);

impl BookingCode {
    /// The longest code.
    pub const MAX_LENGTH: usize = 64;

    /// A code made here of letters and digits, within the rules by construction.
    pub(crate) fn derived(code: String) -> Self {
        debug_assert!(code.parse::<Self>().is_ok());
        Self(code)
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BookingCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !text.bytes().all(allowed) {
            return Err("a booking code is 1 to 64 of A-Z a-z 0-9 . _ -".to_owned());
        }
        if text == "." || text == ".." {
            return Err(
                "`.` and `..` cannot stand in a URL path, so they cannot be addressed as booking codes".to_owned()
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for BookingCode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for BookingCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// An event type: a letter, then at most 127 letters, digits and dots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EventType(String);

impl EventType {
    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let starts = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
        let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        if starts && rest && text.len() <= 128 {
            Ok(Self(text.to_owned()))
        } else {
            Err("an event type is a letter, then at most 127 letters, digits and dots".to_owned())
        }
    }
}

impl TryFrom<String> for EventType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booking_codes() {
        for good in ["A", "a.b_c-9", &"x".repeat(64)] {
            assert!(good.parse::<BookingCode>().is_ok(), "{good}");
        }
        for bad in ["", " ", "a/b", "ä", "a b", ".", "..", &"x".repeat(65)] {
            assert!(bad.parse::<BookingCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn event_types() {
        for good in ["A", "Booking.Priced2", &"x".repeat(128)] {
            assert!(good.parse::<EventType>().is_ok(), "{good}");
        }
        for bad in ["", "2a", ".a", "a-b", "a b", &"x".repeat(129)] {
            assert!(bad.parse::<EventType>().is_err(), "{bad}");
        }
    }
}
