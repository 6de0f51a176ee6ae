//! The dates of the hotel file: `7/1/2015` is the first of July, and so is `2015-07-01`. There are no times of day.

use time::{Date, Month, OffsetDateTime, Time};

/// Reads either writing.
pub fn parse(text: &str) -> Result<Date, String> {
    let refused = || format!("`{text}` is no date like 7/1/2015 (month/day/year) or 2015-07-01");
    let (year, month, day) = match (parts(text, '/'), parts(text, '-')) {
        (Some([month, day, year]), _) if month.len() <= 2 && day.len() <= 2 && year.len() == 4 => (year, month, day),
        (_, Some([year, month, day])) if year.len() == 4 && month.len() == 2 && day.len() == 2 => (year, month, day),
        _ => return Err(refused()),
    };
    let number = |digits: &str| digits.parse::<u16>().map_err(|_| refused());
    let month = u8::try_from(number(month)?).ok().and_then(|month| Month::try_from(month).ok());
    let month = month.ok_or_else(|| format!("`{text}` has no such month"))?;
    from_parts(number(year)?, month, number(day)?).ok_or_else(|| format!("`{text}` is a day that does not exist"))
}

/// Three runs of digits between two separators.
fn parts(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let found = [parts.next()?, parts.next()?, parts.next()?];
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (parts.next().is_none() && found.iter().all(digits)).then_some(found)
}

/// A date of a hotel's books: a day that exists, in the years 1900 to 2199.
pub fn from_parts(year: u16, month: Month, day: u16) -> Option<Date> {
    let day = u8::try_from(day).ok()?;
    Date::from_calendar_date(i32::from(year), month, day).ok().filter(|date| (1900..2200).contains(&date.year()))
}

/// The start of that day in UTC: the file knows no time of day and no time zone.
pub fn start_of_day(date: Date) -> OffsetDateTime {
    date.with_time(Time::MIDNIGHT).assume_utc()
}

/// As `2015-07-01`.
pub fn show(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn month_comes_first_between_slashes() {
        assert_eq!(show(parse("7/1/2015").unwrap()), "2015-07-01");
        assert_eq!(show(parse("07/01/2015").unwrap()), "2015-07-01");
        assert_eq!(show(parse("12/31/2015").unwrap()), "2015-12-31");
        assert_eq!(show(parse("2016-02-29").unwrap()), "2016-02-29");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let bad = [
            "",
            "NULL",
            "2015-02-29",
            "2/29/2015",
            "13/1/2015",
            "31/12/2015",
            "0/1/2015",
            "1/0/2015",
            "7/1/15",
            "2015-7-1",
            "1/2/3/2015",
            "2015/07/01",
            "7-1-2015",
            " 7/1/2015",
            "+7/1/2015",
            "1899-01-01",
            "2200-01-01",
            "٧/1/2015",
        ];
        for text in bad {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_writings_mean_the_same_day(day in 2_415_021i32..2_524_593) {
            let date = Date::from_julian_day(day).unwrap();
            let american = format!("{}/{}/{}", u8::from(date.month()), date.day(), date.year());
            prop_assert_eq!(parse(&american).unwrap(), date);
            prop_assert_eq!(parse(&show(date)).unwrap(), date);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9/-]{0,12}|\\PC{0,12}") {
            if let Ok(date) = parse(&text) {
                prop_assert_eq!(parse(&show(date)).unwrap(), date);
            }
        }
    }
}
