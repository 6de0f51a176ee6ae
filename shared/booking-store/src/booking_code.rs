//! The booking code: the only name a booking has.

use serde::{Deserialize, Serialize};

use crate::limits::MAX_BOOKING_CODE_LEN;

/// A booking's code, chosen by a department: 1 to 64 of `A-Z a-z 0-9 . _ -`. Case matters.
///
/// It is the partition key of both tables, the queue's message group and part of the URL, so its alphabet is one that
/// all of them take unescaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BookingCode(String);

/// Why a text is no booking code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBookingCode {
    /// Empty, or longer than the limit.
    #[error("must have 1 to {MAX_BOOKING_CODE_LEN} characters, has {0}")]
    Length(usize),
    /// A character outside the alphabet.
    #[error("may hold only A-Z, a-z, 0-9, '.', '_' and '-', not {0:?}")]
    Character(char),
    /// `.` and `..` would be eaten by any client that normalises the URL's path.
    #[error("must not be '.' or '..'")]
    DotSegment,
}

impl BookingCode {
    /// Parses a code; nothing is trimmed or folded.
    pub fn parse(text: &str) -> Result<Self, InvalidBookingCode> {
        let bad = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')));
        if let Some(c) = bad {
            return Err(InvalidBookingCode::Character(c));
        }
        if text.is_empty() || text.len() > MAX_BOOKING_CODE_LEN {
            return Err(InvalidBookingCode::Length(text.len()));
        }
        if text == "." || text == ".." {
            return Err(InvalidBookingCode::DotSegment);
        }
        Ok(Self(text.to_owned()))
    }
}

crate::text_name!(BookingCode, InvalidBookingCode);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn takes_exactly_its_alphabet(text in "[A-Za-z0-9_-]{1,64}") {
            let code = BookingCode::parse(&text).unwrap();
            prop_assert_eq!(code.as_str(), &text);
            prop_assert_eq!(code.to_string(), text.as_str());
            prop_assert_eq!(String::from(code), text);
        }

        #[test]
        fn refuses_anything_else(head in "[A-Za-z0-9]{0,5}", bad in "[^A-Za-z0-9._-]", tail in "[A-Za-z0-9]{0,5}") {
            let refused = BookingCode::parse(&format!("{head}{bad}{tail}"));
            prop_assert!(matches!(refused, Err(InvalidBookingCode::Character(_))), "{:?}", refused);
        }
    }

    #[test]
    fn refuses_bad_lengths_and_dot_segments() {
        assert_eq!(BookingCode::parse(""), Err(InvalidBookingCode::Length(0)));
        assert_eq!(BookingCode::parse(&"x".repeat(65)), Err(InvalidBookingCode::Length(65)));
        for dots in [".", ".."] {
            assert_eq!(BookingCode::parse(dots), Err(InvalidBookingCode::DotSegment));
            assert_eq!(dots.parse::<BookingCode>(), Err(InvalidBookingCode::DotSegment));
        }
        for good in ["...", "x", &"x".repeat(64)] {
            assert_eq!(BookingCode::parse(good).unwrap().as_str(), good);
        }
    }
}
