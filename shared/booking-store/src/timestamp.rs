//! Times: RFC 3339, UTC, milliseconds.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A moment, whole milliseconds, written as `2026-11-21T09:00:00.000Z`. Texts order as the moments do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(OffsetDateTime);

/// The text is not an RFC 3339 time, or lies outside the years 0000 to 9999 in UTC.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an RFC 3339 time such as 2026-11-21T09:00:00.000Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// Parses RFC 3339. An offset is turned into UTC, what is finer than a millisecond is cut off.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        let moment = moment.checked_to_offset(time::UtcOffset::UTC).ok_or(InvalidTimestamp)?;
        if !(0..=9999).contains(&moment.year()) {
            return Err(InvalidTimestamp);
        }
        Ok(Self::from(moment))
    }

    /// `milliseconds` after 1970-01-01T00:00:00Z; `None` outside the years 0000 to 9999.
    pub fn from_unix_milliseconds(milliseconds: i64) -> Option<Self> {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()?;
        (0..=9999).contains(&moment.year()).then_some(Self(moment))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_milliseconds(self) -> i64 {
        self.0.unix_timestamp() * 1000 + i64::from(self.0.millisecond())
    }

    /// The moment `age` before this one, or the earliest there is.
    #[must_use]
    pub fn before(self, age: Duration) -> Self {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_milliseconds(self.unix_milliseconds().saturating_sub(age)).unwrap_or(self)
    }
}

impl From<OffsetDateTime> for Timestamp {
    /// Cuts off what is finer than a millisecond.
    fn from(moment: OffsetDateTime) -> Self {
        let moment = moment.to_offset(time::UtcOffset::UTC);
        Self(moment.replace_millisecond(moment.millisecond()).unwrap_or(moment))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(FORMAT).map_err(|_| fmt::Error)?)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Timestamp> for String {
    fn from(moment: Timestamp) -> Self {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of the year 0000 and of the year 9999, in milliseconds.
    const EARLIEST: i64 = -62_167_219_200_000;
    const LATEST: i64 = 253_402_300_799_999;

    proptest! {
        #[test]
        fn round_trips_and_orders_as_text(ms in EARLIEST..=LATEST, other in EARLIEST..=LATEST) {
            let [a, b] = [ms, other].map(|ms| Timestamp::from_unix_milliseconds(ms).unwrap());
            prop_assert_eq!(a.unix_milliseconds(), ms);
            prop_assert_eq!(Timestamp::parse(&a.to_string()), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }

    #[test]
    fn normalises_offsets_and_cuts_to_milliseconds() {
        let shown = |text| Timestamp::parse(text).map(|t| t.to_string());
        assert_eq!(shown("2026-11-21T10:00:00+01:00").unwrap(), "2026-11-21T09:00:00.000Z");
        assert_eq!(shown("2026-11-21T09:00:00.123456Z").unwrap(), "2026-11-21T09:00:00.123Z");
        for bad in ["", "2026-11-21", "2026-11-21T09:00:00", "2026-13-21T09:00:00Z", "0000-01-01T00:00:00+01:00"] {
            assert_eq!(shown(bad), Err(InvalidTimestamp), "{bad}");
        }
    }
}
