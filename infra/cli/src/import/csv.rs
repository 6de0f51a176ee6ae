//! The hotel file, a row at a time.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::import::booking::{Rejection, Row};
use crate::import::hotel::{self, Columns};

/// Reads the rows of a CSV file; a row that cannot be read is rejected, and reading goes on.
pub struct CsvRows<R, D> {
    path: PathBuf,
    records: ::csv::StringRecordsIntoIter<R>,
    columns: Columns,
    done: D,
}

impl<D: Fn(u64) -> bool> CsvRows<File, D> {
    /// Opens a file; `done` says which lines are not wanted any more.
    pub fn open(path: &Path, done: D) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::file("open", path, source))?;
        Self::new(path, file, done)
    }
}

impl<R: Read, D: Fn(u64) -> bool> CsvRows<R, D> {
    /// Reads the header row.
    pub fn new(path: &Path, input: R, done: D) -> Result<Self, Error> {
        let mut reader = ::csv::ReaderBuilder::new().from_reader(input);
        let header = reader.headers().map_err(|error| broken(path, error))?;
        let columns = Columns::find(header).map_err(|what| Error::Usage(format!("{}: {what}", path.display())))?;
        Ok(Self { path: path.to_owned(), records: reader.into_records(), columns, done })
    }
}

impl<R: Read, D: Fn(u64) -> bool> Iterator for CsvRows<R, D> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.records.next()? {
            Ok(record) => {
                let line = record.position().map_or(0, ::csv::Position::line);
                let row =
                    if (self.done)(line) { Row::Done } else { hotel::booking(line, &record, &self.columns).into() };
                Ok(row)
            }
            Err(error) => match error.position().map(::csv::Position::line) {
                Some(line) if !error.is_io_error() => {
                    Ok(if (self.done)(line) { Row::Done } else { Row::Rejected(Rejection::row(line, reason(&error))) })
                }
                _ => Err(broken(&self.path, error)),
            },
        })
    }
}

fn reason(error: &::csv::Error) -> String {
    if let ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        return format!("has {len} cells where the first line has {expected_len}");
    }
    if let ::csv::ErrorKind::Utf8 { err, .. } = error.kind() {
        return format!("cell {} is not UTF-8", err.field() + 1);
    }
    error.to_string()
}

fn broken(path: &Path, error: ::csv::Error) -> Error {
    Error::file("read", path, error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "hotel,is_canceled,lead_time,arrival_date_year,arrival_date_month,arrival_date_day_of_month,\
        stays_in_weekend_nights,stays_in_week_nights,adults,children,babies,meal,country,market_segment,\
        reserved_room_type,assigned_room_type,booking_changes,deposit_type,customer_type,adr,reservation_status,\
        reservation_status_date\n";
    const GOOD: &str =
        "Resort Hotel,0,7,2015,July,1,0,1,1,0,0,BB,GBR,Direct,A,C,0,No Deposit,Transient,75,Check-Out,7/2/2015\n";

    fn rows(text: &[u8], done: impl Fn(u64) -> bool) -> Vec<Row> {
        CsvRows::new(Path::new("x.csv"), text, done).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn goes_on_after_rows_that_cannot_be_read() {
        let mut text = format!("{HEADER}{GOOD}too,few\n{GOOD}").into_bytes();
        text.extend_from_slice(b"\xff");
        text.extend_from_slice(GOOD.as_bytes());
        text.extend_from_slice(GOOD.as_bytes());
        let rows = rows(&text, |_| false);
        let shown: Vec<String> = rows
            .iter()
            .map(|row| match row {
                Row::Booking(booking) => format!("{} ok", booking.line),
                Row::Rejected(rejection) => rejection.to_string(),
                Row::Done => "done".to_owned(),
            })
            .collect();
        let expected =
            ["2 ok", "line 3: has 2 cells where the first line has 22", "4 ok", "line 5: cell 1 is not UTF-8", "6 ok"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn lines_that_are_done_are_not_read_again() {
        let rows = rows(format!("{HEADER}{GOOD}bad\n{GOOD}").as_bytes(), |line| line < 4);
        assert!(matches!(rows[..], [Row::Done, Row::Done, Row::Booking(_)]));
    }

    #[test]
    fn another_file_is_refused_with_every_missing_column() {
        let error = CsvRows::new(Path::new("x.csv"), b"hotel,adr\n1,2\n".as_slice(), |_| false).err().unwrap();
        assert!(error.to_string().contains("lacks is_canceled, lead_time,"), "{error}");
    }
}
