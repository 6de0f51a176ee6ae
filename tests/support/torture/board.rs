//! What clients tell each other: which bookings there are, how far they are, and what was acknowledged. It may be behind.

use super::chance::Chance;
use super::history::{Expected, Sent, Shown, Told};

/// Bookings taken part in at a time; older ones are left alone, so that each gets enough events.
const LIVELY: usize = 24;
/// Versions up to which clients append at the end. Beyond the booking's last 32 events such an append is not known again.
const MOST_AT_THE_END: u64 = 16;

/// What is known of a booking.
pub(super) struct Known {
    pub(super) code: String,
    pub(super) version: u64,
    /// An event that was confirmed.
    pub(super) confirmed: Option<String>,
    /// Requests that were acknowledged, deferred ones too.
    pub(super) acknowledged: Vec<(Expected, Vec<Sent>)>,
}

/// All that is known.
#[derive(Default)]
pub(super) struct Board {
    bookings: Vec<Known>,
    contested: u64,
}

impl Board {
    /// A code that several clients claim at about the same time.
    pub(super) fn contested(&mut self, prefix: &str) -> String {
        self.contested += 1;
        format!("{prefix}-S{}", self.contested / 4)
    }

    /// One of the bookings that are lively.
    pub(super) fn any(&self, chance: &mut Chance) -> Option<&Known> {
        let last = self.bookings.len().checked_sub(1)?;
        let back = usize::try_from(chance.between(0, LIVELY as u64)).unwrap_or(0);
        self.bookings.get(last.saturating_sub(back))
    }

    /// One to append to at the end.
    pub(super) fn short(&self, chance: &mut Chance) -> Option<&Known> {
        self.any(chance).filter(|known| known.version <= MOST_AT_THE_END)
    }

    /// Takes in what an append was told.
    pub(super) fn appended(&mut self, code: &str, expected: Expected, sent: &[Sent], told: &Told) {
        let version = if let Told::Accepted(receipt) = told {
            receipt.versions.last().map_or(0, |(_, version)| *version)
        } else if let Told::AtVersion(actual) = told {
            *actual
        } else if [Told::Deferred, Told::Taken].contains(told) {
            // There is a booking, or will be; nobody said how far it is.
            0
        } else {
            return;
        };
        let known = self.known(code);
        known.version = known.version.max(version);
        if let Told::Accepted(_) = told {
            known.confirmed = sent.first().map(|event| event.id.clone());
        }
        if matches!(told, Told::Accepted(_) | Told::Deferred) {
            known.acknowledged.push((expected, sent.to_vec()));
        }
    }

    /// Takes in what a read was shown.
    pub(super) fn seen(&mut self, code: &str, events: &[Shown]) {
        if let Some(version) = events.last().and_then(|event| event.version) {
            let known = self.known(code);
            known.version = known.version.max(version);
        }
    }

    fn known(&mut self, code: &str) -> &mut Known {
        let place = self.bookings.iter().position(|known| known.code == code).unwrap_or_else(|| {
            self.bookings.push(Known { code: code.to_owned(), version: 0, confirmed: None, acknowledged: Vec::new() });
            self.bookings.len() - 1
        });
        &mut self.bookings[place]
    }
}
