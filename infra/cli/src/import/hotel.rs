//! A row of the hotel file as the events of one booking.
//!
//! * `BookingPriced` on the day of booking: arrival less `lead_time` days. Total = `adr` × nights, exact.
//! * `BookingAmended`, `booking_changes` times, evenly between booking and arrival (or an earlier end). The data set
//!   holds one price a booking and no history of it, so every amendment repeats the final total and says so.
//! * the end on `reservation_status_date`: `BookingCheckedOut`, `BookingCancelled` or `BookingNoShow`.
//!
//! The data set has no times of day and no currency: events happen at midnight UTC, prices are in euro (Portugal).

use std::collections::HashMap;

use booking_store::EventType;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::to_raw_value;
use time::{Date, Duration, Month, OffsetDateTime};

use crate::import::booking::{Booking, Identity, PlannedEvent, Rejection};
use crate::import::{dates, money};
use crate::timestamp;

/// The columns that are read; the file may have others.
const COLUMNS: [&str; 22] = [
    "hotel",
    "is_canceled",
    "lead_time",
    "arrival_date_year",
    "arrival_date_month",
    "arrival_date_day_of_month",
    "stays_in_weekend_nights",
    "stays_in_week_nights",
    "adults",
    "children",
    "babies",
    "meal",
    "country",
    "market_segment",
    "reserved_room_type",
    "assigned_room_type",
    "booking_changes",
    "deposit_type",
    "customer_type",
    "adr",
    "reservation_status",
    "reservation_status_date",
];

const CURRENCY: &str = "EUR";
const NO_PRICE_HISTORY: &str = "the data set holds only the final price";

/// Where each column stands.
#[derive(Debug, Clone)]
pub struct Columns(HashMap<&'static str, usize>);

impl Columns {
    /// Finds the columns in the header row; names all that are missing.
    pub fn find(header: &csv::StringRecord) -> Result<Self, String> {
        let place = |name: &&'static str| header.iter().position(|cell| cell.trim() == *name).map(|at| (*name, at));
        let found: HashMap<_, _> = COLUMNS.iter().filter_map(place).collect();
        let missing: Vec<_> = COLUMNS.iter().filter(|name| !found.contains_key(*name)).copied().collect();
        if missing.is_empty() {
            Ok(Self(found))
        } else {
            Err(format!("this is not the hotel file: its first line lacks {}", missing.join(", ")))
        }
    }
}

/// One row's cells, by column.
struct Cells<'a> {
    line: u64,
    record: &'a csv::StringRecord,
    columns: &'a Columns,
}

impl<'a> Cells<'a> {
    fn text(&self, column: &str) -> &'a str {
        self.columns.0.get(column).and_then(|at| self.record.get(*at)).unwrap_or_default().trim()
    }

    /// `NULL`, `NA` and nothing at all are nothing.
    fn optional(&self, column: &str) -> Option<&'a str> {
        Some(self.text(column)).filter(|text| !matches!(*text, "" | "NULL" | "NA"))
    }

    fn required(&self, column: &str) -> Result<&'a str, Rejection> {
        self.optional(column).ok_or_else(|| self.wrong(column, "is missing"))
    }

    fn wrong(&self, column: &str, reason: impl Into<String>) -> Rejection {
        Rejection::field(self.line, column, reason)
    }

    fn whole(&self, column: &str, most: u32) -> Result<u32, Rejection> {
        let text = self.required(column)?;
        let number = text.parse().ok().filter(|number| *number <= most && text.bytes().all(|b| b.is_ascii_digit()));
        number.ok_or_else(|| self.wrong(column, format!("`{text}` is no whole number from 0 to {most}")))
    }

    fn optional_whole(&self, column: &str, most: u32) -> Result<Option<u32>, Rejection> {
        self.optional(column).map(|_| self.whole(column, most)).transpose()
    }
}

/// How a booking ended.
#[derive(Debug, Clone, Copy)]
enum End {
    CheckedOut,
    Cancelled,
    NoShow,
}

/// The dates of a booking, in an order that can be.
struct Course {
    booked: Date,
    arrival: Date,
    ended: Date,
    end: End,
}

#[derive(Serialize)]
struct Priced<'a> {
    hotel: &'a str,
    arrival_date: String,
    nights: u32,
    currency: &'static str,
    price_per_night: &'a str,
    total: &'a str,
    adults: u32,
    children: Option<u32>,
    babies: Option<u32>,
    meal: Option<&'a str>,
    country: Option<&'a str>,
    market_segment: Option<&'a str>,
    reserved_room_type: Option<&'a str>,
    customer_type: Option<&'a str>,
    deposit_type: Option<&'a str>,
}

#[derive(Serialize)]
struct Amended<'a> {
    amendment: u32,
    currency: &'static str,
    total: &'a str,
    note: &'static str,
}

#[derive(Serialize)]
struct CheckedOut<'a> {
    date: String,
    currency: &'static str,
    total: &'a str,
    assigned_room_type: Option<&'a str>,
}

#[derive(Serialize)]
struct NotStayed<'a> {
    date: String,
    deposit_type: Option<&'a str>,
}

#[derive(Serialize)]
struct Source {
    source: &'static str,
    line: u64,
}

/// The booking of a row.
pub fn booking(line: u64, record: &csv::StringRecord, columns: &Columns) -> Result<Booking, Rejection> {
    let cells = Cells { line, record, columns };
    let course = course(&cells)?;
    let nights = cells.whole("stays_in_weekend_nights", 1_000)? + cells.whole("stays_in_week_nights", 1_000)?;
    let price = money::parse_price(cells.required("adr")?).map_err(|reason| cells.wrong("adr", reason))?;
    let total = money::total(price, nights).map_err(|reason| cells.wrong("adr", reason))?;
    let total = money::show(total);
    let mut events = vec![priced(&cells, &course, price, nights, &total)?];
    let changes = cells.whole("booking_changes", 1_000)?;
    for amendment in 1..=changes {
        let data = Amended { amendment, currency: CURRENCY, total: &total, note: NO_PRICE_HISTORY };
        events.push(event(&cells, "BookingAmended", amended_at(&course, amendment, changes), &data)?);
    }
    events.push(ended(&cells, &course, &total)?);
    let identity = Identity::of(line, record.iter().map(str::as_bytes));
    Ok(Booking { line, identity, code: None, events })
}

fn priced(
    cells: &Cells<'_>,
    course: &Course,
    price: Decimal,
    nights: u32,
    total: &str,
) -> Result<PlannedEvent, Rejection> {
    let data = Priced {
        hotel: cells.required("hotel")?,
        arrival_date: dates::show(course.arrival),
        nights,
        currency: CURRENCY,
        price_per_night: &money::show(price),
        total,
        adults: cells.whole("adults", 1_000)?,
        children: cells.optional_whole("children", 1_000)?,
        babies: cells.optional_whole("babies", 1_000)?,
        meal: cells.optional("meal"),
        country: cells.optional("country"),
        market_segment: cells.optional("market_segment"),
        reserved_room_type: cells.optional("reserved_room_type"),
        customer_type: cells.optional("customer_type"),
        deposit_type: cells.optional("deposit_type"),
    };
    event(cells, "BookingPriced", dates::start_of_day(course.booked), &data)
}

fn ended(cells: &Cells<'_>, course: &Course, total: &str) -> Result<PlannedEvent, Rejection> {
    let at = dates::start_of_day(course.ended);
    let date = dates::show(course.ended);
    let not_stayed = |date| NotStayed { date, deposit_type: cells.optional("deposit_type") };
    match course.end {
        End::CheckedOut => {
            let assigned_room_type = cells.optional("assigned_room_type");
            event(cells, "BookingCheckedOut", at, &CheckedOut { date, currency: CURRENCY, total, assigned_room_type })
        }
        End::Cancelled => event(cells, "BookingCancelled", at, &not_stayed(date)),
        End::NoShow => event(cells, "BookingNoShow", at, &not_stayed(date)),
    }
}

fn course(cells: &Cells<'_>) -> Result<Course, Rejection> {
    let year = u16::try_from(cells.whole("arrival_date_year", 9_999)?).unwrap_or(u16::MAX);
    let month: Month = cells.required("arrival_date_month")?.parse().map_err(|_| {
        cells.wrong("arrival_date_month", format!("`{}` is no month", cells.text("arrival_date_month")))
    })?;
    let day = u16::try_from(cells.whole("arrival_date_day_of_month", 31)?).unwrap_or(u16::MAX);
    let arrival = dates::from_parts(year, month, day).ok_or_else(|| {
        cells.wrong("arrival_date_day_of_month", format!("{month} {day}, {year} is a day that does not exist"))
    })?;
    let lead = Duration::days(i64::from(cells.whole("lead_time", 10_000)?));
    let booked = arrival.checked_sub(lead).ok_or_else(|| cells.wrong("lead_time", "reaches before all dates"))?;
    let status = cells.required("reservation_status")?;
    let (end, cancelled) = match status {
        "Check-Out" => (End::CheckedOut, 0),
        "Canceled" => (End::Cancelled, 1),
        "No-Show" => (End::NoShow, 1),
        _ => return Err(cells.wrong("reservation_status", format!("`{status}` is not Check-Out, Canceled or No-Show"))),
    };
    if cells.whole("is_canceled", 1)? != cancelled {
        return Err(cells.wrong("is_canceled", format!("contradicts the reservation_status {status}")));
    }
    let column = "reservation_status_date";
    let ended = dates::parse(cells.required(column)?).map_err(|reason| cells.wrong(column, reason))?;
    if ended < booked {
        return Err(cells.wrong(column, format!("is before the day of booking, {}", dates::show(booked))));
    }
    if matches!(end, End::CheckedOut) && ended < arrival {
        return Err(cells.wrong(column, format!("is a check-out before the arrival, {}", dates::show(arrival))));
    }
    Ok(Course { booked, arrival, ended, end })
}

/// The amendments part the time between booking and arrival (or an earlier end) evenly.
fn amended_at(course: &Course, amendment: u32, of: u32) -> OffsetDateTime {
    let open = course.arrival.min(course.ended) - course.booked;
    let seconds = open.whole_seconds() * i64::from(amendment) / (i64::from(of) + 1);
    dates::start_of_day(course.booked) + Duration::seconds(seconds)
}

fn event(cells: &Cells<'_>, name: &str, at: OffsetDateTime, data: &impl Serialize) -> Result<PlannedEvent, Rejection> {
    let broken = |what: String| Rejection::row(cells.line, what);
    let metadata = Source { source: "hotel-bookings", line: cells.line };
    Ok(PlannedEvent {
        event_id: None,
        event_type: EventType::parse(name).map_err(|reason| broken(reason.to_string()))?,
        occurred_at: timestamp::show(at),
        data: to_raw_value(data).map_err(|error| broken(error.to_string()))?,
        metadata: Some(to_raw_value(&metadata).map_err(|error| broken(error.to_string()))?),
    })
}

#[cfg(test)]
#[path = "hotel_tests.rs"]
mod tests;
