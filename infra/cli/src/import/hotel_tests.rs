use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::import::booking::Row;
use crate::import::csv::CsvRows;

const GOOD: [(&str, &str); 22] = [
    ("hotel", "Resort Hotel"),
    ("is_canceled", "0"),
    ("lead_time", "8"),
    ("arrival_date_year", "2015"),
    ("arrival_date_month", "July"),
    ("arrival_date_day_of_month", "9"),
    ("stays_in_weekend_nights", "1"),
    ("stays_in_week_nights", "2"),
    ("adults", "2"),
    ("children", "NA"),
    ("babies", "0"),
    ("meal", "BB"),
    ("country", "NULL"),
    ("market_segment", "Direct"),
    ("reserved_room_type", "A"),
    ("assigned_room_type", "C"),
    ("booking_changes", "3"),
    ("deposit_type", "No Deposit"),
    ("customer_type", "Transient"),
    ("adr", "79.26"),
    ("reservation_status", "Check-Out"),
    ("reservation_status_date", "7/12/2015"),
];

fn mapped(changes: &[(&str, &str)]) -> Result<Booking, Rejection> {
    let value = |name: &str, good: &'static str| {
        changes.iter().find(|change| change.0 == name).map_or(good.to_owned(), |change| change.1.to_owned())
    };
    let header = csv::StringRecord::from(GOOD.map(|cell| cell.0).to_vec());
    let record = csv::StringRecord::from(GOOD.map(|cell| value(cell.0, cell.1)).to_vec());
    booking(17, &record, &Columns::find(&header).unwrap())
}

fn data(event: &PlannedEvent) -> Value {
    serde_json::from_str(event.data.get()).unwrap()
}

#[test]
fn a_stay_becomes_priced_amended_and_checked_out() {
    let booking = mapped(&[]).unwrap();
    let course: Vec<_> =
        booking.events.iter().map(|e| (e.event_type.as_str(), e.occurred_at.as_deref().unwrap())).collect();
    let expected = [
        ("BookingPriced", "2015-07-01T00:00:00.000Z"),
        ("BookingAmended", "2015-07-03T00:00:00.000Z"),
        ("BookingAmended", "2015-07-05T00:00:00.000Z"),
        ("BookingAmended", "2015-07-07T00:00:00.000Z"),
        ("BookingCheckedOut", "2015-07-12T00:00:00.000Z"),
    ];
    assert_eq!(course, expected);
    let priced = "{\"hotel\":\"Resort Hotel\",\"arrival_date\":\"2015-07-09\",\"nights\":3,\"currency\":\"EUR\",\
        \"price_per_night\":\"79.26\",\"total\":\"237.78\",\"adults\":2,\"children\":null,\"babies\":0,\"meal\":\"BB\",\
        \"country\":null,\"market_segment\":\"Direct\",\"reserved_room_type\":\"A\",\"customer_type\":\"Transient\",\
        \"deposit_type\":\"No Deposit\"}";
    assert_eq!(booking.events[0].data.get(), priced);
    assert_eq!(data(&booking.events[2])["amendment"], 2);
    assert_eq!(data(&booking.events[2])["total"], "237.78");
    let end = json!({"date":"2015-07-12","currency":"EUR","total":"237.78","assigned_room_type":"C"});
    assert_eq!(data(&booking.events[4]), end);
    assert_eq!(booking.events[4].metadata.as_ref().unwrap().get(), "{\"source\":\"hotel-bookings\",\"line\":17}");
}

#[test]
fn a_booking_cancelled_early_is_not_amended_after_its_end() {
    let cancelled = mapped(&[
        ("is_canceled", "1"),
        ("reservation_status", "Canceled"),
        ("reservation_status_date", "2015-07-05"),
        ("booking_changes", "1"),
    ])
    .unwrap();
    let times: Vec<_> = cancelled.events.iter().map(|e| e.occurred_at.as_deref().unwrap()).collect();
    assert_eq!(times, ["2015-07-01T00:00:00.000Z", "2015-07-03T00:00:00.000Z", "2015-07-05T00:00:00.000Z"]);
    assert_eq!(cancelled.events[2].event_type.as_str(), "BookingCancelled");
    let no_show = mapped(&[("is_canceled", "1"), ("reservation_status", "No-Show")]).unwrap();
    assert_eq!(no_show.events.last().unwrap().event_type.as_str(), "BookingNoShow");
}

#[test]
fn wrong_cells_are_rejected_with_line_and_field() {
    let cases = [
        ("adr", "-6.38", "adr"),
        ("adr", "NULL", "adr"),
        ("adr", "75,5", "adr"),
        ("lead_time", "x", "lead_time"),
        ("lead_time", "-1", "lead_time"),
        ("arrival_date_month", "Juli", "arrival_date_month"),
        ("arrival_date_day_of_month", "32", "arrival_date_day_of_month"),
        ("arrival_date_day_of_month", "0", "arrival_date_day_of_month"),
        ("arrival_date_year", "0015", "arrival_date_day_of_month"),
        ("reservation_status", "Confirmed", "reservation_status"),
        ("reservation_status_date", "7/32/2015", "reservation_status_date"),
        ("reservation_status_date", "6/30/2015", "reservation_status_date"),
        ("reservation_status_date", "7/8/2015", "reservation_status_date"),
        ("is_canceled", "1", "is_canceled"),
        ("booking_changes", "1001", "booking_changes"),
        ("stays_in_week_nights", "2.5", "stays_in_week_nights"),
        ("adults", "", "adults"),
        ("hotel", "", "hotel"),
    ];
    for (column, value, field) in cases {
        let rejection = mapped(&[(column, value)]).expect_err(value);
        assert_eq!((rejection.line, rejection.field.as_deref()), (17, Some(field)), "{rejection}");
    }
}

proptest! {
    #[test]
    fn events_are_in_order_whatever_the_course(
        lead in 0u32..800, after in 0i64..40, changes in 0u32..25, cents in 0u64..1_000_000, week in 0u32..40
    ) {
        let arrival = dates::parse("2016-02-28").unwrap();
        let booking = mapped(&[
            ("arrival_date_year", "2016"), ("arrival_date_month", "February"), ("arrival_date_day_of_month", "28"),
            ("lead_time", &lead.to_string()), ("booking_changes", &changes.to_string()),
            ("stays_in_week_nights", &week.to_string()), ("adr", &format!("{}.{:02}", cents / 100, cents % 100)),
            ("reservation_status_date", &dates::show(arrival + Duration::days(after))),
        ]).unwrap();
        prop_assert_eq!(booking.events.len(), changes as usize + 2);
        let times: Vec<_> = booking.events.iter().map(|e| e.occurred_at.clone().unwrap()).collect();
        prop_assert!(times.is_sorted(), "{:?}", times);
        let total = cents * u64::from(week + 1);
        prop_assert_eq!(&data(&booking.events[0])["total"], &Value::from(format!("{}.{:02}", total / 100, total % 100)));
    }

    #[test]
    fn any_cell_is_read_or_rejected(column in 0usize..22, value in "\\PC{0,20}|[0-9./-]{0,12}") {
        let _ = mapped(&[(GOOD[column].0, &value)]);
    }
}

/// `BOOKINGS_CSV=$PWD/hotel_bookings.csv cargo test -p bookings -- --ignored --nocapture`
#[test]
#[ignore = "needs the real file, which BOOKINGS_CSV names"]
fn every_real_booking_is_understood() {
    let path = PathBuf::from(std::env::var_os("BOOKINGS_CSV").unwrap());
    let (mut bookings, mut events, mut ids) = (0, 0, std::collections::HashSet::new());
    for row in CsvRows::open(&path, |_| false).unwrap() {
        match row.unwrap() {
            Row::Booking(booking) => {
                bookings += 1;
                events += booking.events.len();
                let code = booking.code(0, 8);
                ids.extend((0..booking.events.len()).map(|index| booking.event_id(index, &code)));
            }
            Row::Rejected(rejection) => panic!("{rejection}"),
            Row::Done => unreachable!(),
        }
    }
    assert!(bookings > 0);
    assert_eq!(ids.len(), events);
    println!("{bookings} bookings, {events} events");
}
