//! Moments as the contract writes them: UTC, milliseconds, `Z`.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// Reads an RFC 3339 moment.
pub fn parse(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| format!("`{text}` is not a moment like 2026-11-21T09:00:00.000Z"))
}

/// Writes a moment; `None` when its year has more than four digits.
pub fn show(moment: OffsetDateTime) -> Option<String> {
    let format = format_description!(
        "[year repr:full padding:zero]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    moment.checked_to_offset(UtcOffset::UTC)?.format(&format).ok().filter(|text| text.len() == 24)
}

/// For clap: checks a moment and keeps the client's own writing of it.
pub fn checked(text: &str) -> Result<String, String> {
    parse(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_utc_with_milliseconds() {
        let moment = parse("2026-11-21T10:00:00.5+01:00").unwrap();
        assert_eq!(show(moment).unwrap(), "2026-11-21T09:00:00.500Z");
        assert_eq!(parse(&show(moment).unwrap()).unwrap(), moment);
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for bad in ["", "2026-11-21", "2026-13-01T00:00:00Z", "2026-11-21T09:00:00"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
