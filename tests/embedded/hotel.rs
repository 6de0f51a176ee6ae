//! Bookings as the importer makes them of the hotel file: the real one if `BOOKINGS_CSV` names it, otherwise rows of the
//! same shape.

use std::fmt::Write as _;
use std::path::Path;

use bookings::import::booking::{Booking, Row};
use bookings::import::booking_codes::{derive, event_id};
use bookings::import::csv::CsvRows;
use futures::StreamExt as _;
use serde_json::json;

use crate::system::System;

/// Bookings made up when there is no file.
const MADE_UP: u32 = 400;
/// Appends at a time.
const WRITERS: usize = 12;

const HEADER: &str = "hotel,is_canceled,lead_time,arrival_date_year,arrival_date_month,arrival_date_day_of_month,\
    stays_in_weekend_nights,stays_in_week_nights,adults,children,babies,meal,country,market_segment,\
    reserved_room_type,assigned_room_type,booking_changes,deposit_type,customer_type,adr,reservation_status,\
    reservation_status_date\n";

/// All bookings.
pub(crate) fn bookings() -> Vec<Booking> {
    #[expect(clippy::disallowed_methods, reason = "a test reads its own switch")]
    let file = std::env::var("BOOKINGS_CSV").ok();
    let text = file.map_or_else(made_up, |file| std::fs::read(file).unwrap());
    let rows = CsvRows::new(Path::new("bookings.csv"), text.as_slice(), |_| false).unwrap();
    let bookings = rows.filter_map(|row| match row.unwrap() {
        Row::Booking(booking) => Some(*booking),
        Row::Rejected(_) | Row::Done => None,
    });
    let bookings: Vec<_> = bookings.collect();
    assert!(bookings.len() >= MADE_UP as usize, "rows are rejected: {}", bookings.len());
    bookings
}

/// Rows with every end, up to four changes, stays of up to nine nights.
fn made_up() -> Vec<u8> {
    let mut rows = HEADER.to_owned();
    for n in 0..MADE_UP {
        let (end, cancelled) = [("Check-Out", 0), ("Canceled", 1), ("No-Show", 1)][n as usize % 3];
        let (lead, changes, nights) = (n % 300, n * 7 % 5, n % 9);
        writeln!(
            rows,
            "Resort Hotel,{cancelled},{lead},2016,July,{day},1,{nights},2,0,0,BB,PRT,Direct,C,A,{changes},No Deposit,\
             Transient,{price:.2},{end},8/{day}/2016",
            day = n % 28 + 1,
            price = f64::from(n) * 1.37,
        )
        .unwrap();
    }
    rows.into_bytes()
}

/// Appends all events of the bookings, several bookings at a time, each event by itself.
pub(crate) async fn append(system: &System, bookings: &[Booking]) {
    let appended = bookings.iter().map(|booking| async move {
        let code = derive(&booking.identity, 0, 10);
        for (place, event) in booking.events.iter().enumerate() {
            let event = json!({
                "event_id": event_id(&booking.identity, place, &code),
                "type": event.event_type.as_str(),
                "occurred_at": event.occurred_at,
                "data": event.data,
                "metadata": event.metadata,
            });
            let body = json!({"expected_version": place, "events": [event]});
            system.deliver(code.as_str(), &body.to_string()).await;
        }
    });
    futures::stream::iter(appended).buffer_unordered(WRITERS).collect::<()>().await;
}
