//! Spans of time on the command line: `250ms`, `30s`, `10m`, `2h`; a bare number is seconds.

use std::time::Duration;

/// Reads a span of time.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis_each: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{text}` is no span of time: write 250ms, 30s, 10m or 2h")),
    };
    let number: u64 =
        number.parse().map_err(|_| format!("`{text}` is no span of time: write 250ms, 30s, 10m or 2h"))?;
    number.checked_mul(millis_each).map(Duration::from_millis).ok_or_else(|| format!("`{text}` is too long"))
}

/// Shows a span as a person says it: `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`.
pub fn show(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", span.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("7"), Ok(Duration::from_secs(7)));
        assert_eq!(parse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse("2h"), Ok(Duration::from_secs(7200)));
        for bad in ["", "s", "-1s", "1.5s", "3d", "99999999999999999999h", "18446744073709551615h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shows_spans() {
        assert_eq!(show(Duration::from_millis(420)), "0.4 s");
        assert_eq!(show(Duration::from_secs(12)), "12 s");
        assert_eq!(show(Duration::from_secs(185)), "3 min 5 s");
        assert_eq!(show(Duration::from_secs(3725)), "1 h 2 min");
    }
}
