//! A booking on its way into the store: its events, and the identity all its names are derived from.
//!
//! Invariant: the same row gives the same identity, codes and event ids in every run, so a run may be repeated.

use std::fmt;

use booking_store::{BookingCode, EventType};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::import::booking_codes;
use crate::wire::NewEvent;

/// What makes a row itself: its content and its line, not the file's name or place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity([u8; 32]);

impl Identity {
    /// Two rows of equal content on different lines are two bookings.
    pub fn of<'a>(line: u64, cells: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"bookings-import/1");
        hash.update(line.to_be_bytes());
        for cell in cells {
            hash.update(u64::try_from(cell.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(cell);
        }
        Self(hash.finalize().into())
    }

    /// As bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// An event of a booking, before the booking has its code.
#[derive(Debug, Clone)]
pub struct PlannedEvent {
    /// Given by the file, or else derived.
    pub event_id: Option<Uuid>,
    /// Its type.
    pub event_type: EventType,
    /// When it happened.
    pub occurred_at: Option<String>,
    /// What happened.
    pub data: Box<RawValue>,
    /// About the event.
    pub metadata: Option<Box<RawValue>>,
}

/// One row of the file.
#[derive(Debug, Clone)]
pub struct Booking {
    /// Where it begins in the file, counted from 1.
    pub line: u64,
    /// What its names are derived from.
    pub identity: Identity,
    /// Given by the file, or else derived.
    pub code: Option<BookingCode>,
    /// In order, at least one.
    pub events: Vec<PlannedEvent>,
}

impl Booking {
    /// The code it claims at the given try, counted from 0.
    pub fn code(&self, claim: u16, length: usize) -> BookingCode {
        self.code.clone().unwrap_or_else(|| booking_codes::derive(&self.identity, claim, length))
    }

    /// The id of the event at `index` under this code.
    pub fn event_id(&self, index: usize, code: &BookingCode) -> Uuid {
        let given = self.events.get(index).and_then(|event| event.event_id);
        given.unwrap_or_else(|| booking_codes::event_id(&self.identity, index, code))
    }

    /// The event at `index` as it is sent.
    pub fn to_wire<'a>(&'a self, index: usize, code: &BookingCode) -> Option<NewEvent<'a>> {
        let event = self.events.get(index)?;
        Some(NewEvent {
            event_id: self.event_id(index, code),
            event_type: &event.event_type,
            occurred_at: event.occurred_at.as_deref(),
            data: &event.data,
            metadata: event.metadata.as_deref(),
        })
    }
}

/// Why a row is not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Where the row begins in the file, counted from 1.
    pub line: u64,
    /// The field that is wrong, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong.
    pub reason: String,
}

impl Rejection {
    /// A wrong field.
    pub fn field(line: u64, field: &str, reason: impl Into<String>) -> Self {
        Self { line, field: Some(field.to_owned()), reason: reason.into() }
    }

    /// A wrong row.
    pub fn row(line: u64, reason: impl Into<String>) -> Self {
        Self { line, field: None, reason: reason.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(out, "line {}: {field}: {}", self.line, self.reason),
            None => write!(out, "line {}: {}", self.line, self.reason),
        }
    }
}

/// What a row of the file is.
#[derive(Debug)]
pub enum Row {
    /// To import.
    Booking(Box<Booking>),
    /// Cannot be imported.
    Rejected(Rejection),
    /// Done by an earlier run.
    Done,
}

impl From<Result<Booking, Rejection>> for Row {
    fn from(row: Result<Booking, Rejection>) -> Self {
        match row {
            Ok(booking) => Row::Booking(Box::new(booking)),
            Err(rejection) => Row::Rejected(rejection),
        }
    }
}
