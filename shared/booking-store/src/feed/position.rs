//! Places in the feed: a number in one partition, and one number for each of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::feed::Partition;
use crate::limits::FEED_PARTITIONS;

/// What a token of all partitions begins with.
const TOKEN: &str = "v1";
/// Most digits of a position in a token or request: far more than there will be events, and no overflow anywhere.
const MAX_DIGITS: usize = 18;

/// The place of an event in its partition, from 1. [`Position::START`] (0) is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// Position `n`; 0 is [`Position::START`].
    pub const fn new(n: u64) -> Self {
        Self(n)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position `count` after this one. Saturates: no partition has 2⁶⁴ events.
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// The next position.
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The position before this one; that of `START` is `START`.
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How many positions lie in `(earlier, self]`; 0 if `earlier` is not earlier.
    pub const fn count_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is no position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the next of an earlier answer")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;

    /// Takes only what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let canonical = text == "0" || !text.starts_with('0');
        let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= MAX_DIGITS;
        let number = text.parse().ok().filter(|_| canonical && digits);
        number.map(Self).ok_or(InvalidPosition)
    }
}

/// One position for each partition: a place in the whole feed. As text it is the token that consumers store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions([Position; FEED_PARTITIONS as usize]);

impl Positions {
    /// The position in `partition`.
    pub fn at(&self, partition: Partition) -> Position {
        self.0.get(partition.index()).copied().unwrap_or_default()
    }

    /// The same with another position in `partition`.
    #[must_use]
    pub fn with(mut self, partition: Partition, position: Position) -> Self {
        if let Some(place) = self.0.get_mut(partition.index()) {
            *place = position;
        }
        self
    }

    /// Every partition with its position, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Partition, Position)> + '_ {
        Partition::all().zip(self.0)
    }
}

impl FromIterator<(Partition, Position)> for Positions {
    /// Partitions that are not named stand at [`Position::START`].
    fn from_iter<I: IntoIterator<Item = (Partition, Position)>>(places: I) -> Self {
        places.into_iter().fold(Self::default(), |all, (partition, position)| all.with(partition, position))
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TOKEN)?;
        self.0.iter().try_for_each(|position| write!(f, "-{position}"))
    }
}

impl FromStr for Positions {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let numbers = text.strip_prefix(TOKEN).and_then(|rest| rest.strip_prefix('-')).ok_or(InvalidPosition)?;
        let positions = numbers.split('-').map(str::parse).collect::<Result<Vec<_>, _>>()?;
        // Another number of partitions is another feed.
        positions.try_into().map(Self).map_err(|_| InvalidPosition)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: u64 = 999_999_999_999_999_999;

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_written(numbers in prop::array::uniform16(0..=MAX)) {
            let positions = Positions(numbers.map(Position));
            let token = positions.to_string();
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "url-safe");
            prop_assert_eq!(token.parse::<Positions>().unwrap(), positions.clone());
            prop_assert_eq!(positions.iter().collect::<Positions>(), positions);
        }

        #[test]
        fn no_other_text_is_a_token(text in "[v0-9-]{0,60}") {
            if let Ok(positions) = text.parse::<Positions>() {
                prop_assert_eq!(positions.to_string(), text.as_str());
            }
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string(), text.as_str());
            }
        }
    }

    #[test]
    fn what_is_no_position() {
        for bad in ["", "-1", "+1", "01", "00", " 1", "1.0", "x", "1000000000000000000", "99999999999999999999"] {
            assert_eq!(bad.parse::<Position>(), Err(InvalidPosition), "{bad}");
        }
        assert_eq!(MAX.to_string().parse(), Ok(Position::new(MAX)));
        let sixteen = format!("v1{}", "-0".repeat(16));
        assert_eq!(sixteen.parse(), Ok(Positions::default()));
        let fifteen = format!("v1{}", "-0".repeat(15));
        let seventeen = format!("v1{}", "-0".repeat(17));
        let other = format!("v2{}", "-0".repeat(16));
        for bad in ["", "0", "v1", "v1-", &fifteen, &seventeen, &other, &sixteen.replacen("-0", "-01", 1)] {
            assert_eq!(bad.parse::<Positions>(), Err(InvalidPosition), "{bad}");
        }
    }
}
