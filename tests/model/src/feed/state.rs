//! The state of the model: the log, its indexers and its reader, what is accepted, and what the log should hold.

use std::hash::{Hash, Hasher};

use arrayvec::ArrayVec;

use super::Feed;
use super::bug::Bug;
use super::indexer::Indexer;

/// Most events.
pub(crate) const MOST: usize = 5;
/// Most calls that are late at a time.
const LATE: usize = 2;

/// A version of a booking.
pub(crate) type Entry = (u8, u8);
/// Entries in the order of their positions.
pub(crate) type Entries = ArrayVec<Entry, MOST>;

/// Consecutive positions; a partition's tip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Batch {
    /// Positions before it.
    pub before: u8,
    /// What stands at them.
    pub entries: ArrayVec<(u8, u8), MOST>,
}

impl Batch {
    /// Positions up to its end.
    pub(crate) fn end(&self) -> u8 {
        self.before + count(&self.entries)
    }

    /// The last version of a booking.
    pub(crate) fn last_of(&self, booking: u8) -> Option<u8> {
        self.entries.iter().rev().find(|(of, _)| *of == booking).map(|(_, version)| *version)
    }

    /// Its bookings with their last versions.
    pub(crate) fn lasts(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..2).filter_map(|booking| Some((booking, self.last_of(booking)?)))
    }
}

/// How many they are.
pub(crate) fn count(entries: &Entries) -> u8 {
    // At most five.
    u8::try_from(entries.len()).unwrap_or(u8::MAX)
}

/// What the log is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// The tip.
    Tip,
    /// A booking's marker.
    Marker(u8),
    /// All pages.
    Pages,
    /// Keep a page.
    Keep(Batch),
    /// Raise a booking's marker.
    Raise(u8, u8),
    /// Make a batch the tip.
    Commit(Batch),
}

/// What the log answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Tip(Batch),
    Marker(u8),
    Pages(Pages),
    Done,
    Moved(Batch),
}

/// The pages, by their end.
pub(crate) type Pages = [Option<Batch>; MOST + 1];

/// What the reader is at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reader {
    /// Nothing.
    #[default]
    Idle,
    /// It asks for the tip.
    Looking,
    /// It has the tip and asks for the pages.
    Paging(Batch),
    /// It has the pages and asks for the tip: a planted bug.
    Late(Box<[Option<Batch>; MOST + 1]>),
}

/// What should never happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Broken {
    /// A position was given away twice.
    pub position: bool,
    /// A reader has met a hole, or something else than stands there.
    pub read: bool,
}

/// What should happen somewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// A commit was refused, and the batch was another one.
    pub lost_race: bool,
    /// A commit was refused because its very batch is the tip.
    pub own_batch: bool,
    /// A late commit was granted.
    pub late_commit: bool,
    /// Images that were ingested before have led to nothing.
    pub duplicate: bool,
    /// One image has brought several versions.
    pub healed: bool,
    /// A reader has read pages and a tip.
    pub whole_read: bool,
}

/// What has been says nothing of what can be: it tells no two states apart.
impl PartialEq for Seen {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Seen {}

impl Hash for Seen {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// One state of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Accepted versions.
    pub heads: [u8; 2],
    /// The tip.
    pub tip: Batch,
    /// The pages, by their end.
    pub pages: [Option<Batch>; MOST + 1],
    /// The markers.
    pub markers: [u8; 2],
    /// What was committed, in order: what readers must be shown for ever.
    pub log: ArrayVec<(u8, u8), MOST>,
    /// The highest image that an indexer has reported as ingested.
    pub ingested: [u8; 2],
    /// The indexers.
    pub indexers: ArrayVec<Indexer, 2>,
    /// The reader.
    pub reader: Reader,
    /// Reads to come.
    pub reads: u8,
    /// Faults to come.
    pub faults: u8,
    /// Writes that nobody waits for.
    pub late: ArrayVec<Call, LATE>,
    /// What is broken.
    pub broken: Broken,
    /// What has been.
    pub seen: Seen,
}

impl State {
    /// The log acts.
    pub(crate) fn act(&mut self, feed: &Feed, call: Call) -> Answer {
        match call {
            Call::Tip => Answer::Tip(self.tip.clone()),
            Call::Marker(booking) => Answer::Marker(self.markers[usize::from(booking)]),
            Call::Pages => Answer::Pages(self.pages.clone()),
            Call::Keep(batch) => {
                let end = usize::from(batch.end());
                let kept = self.pages[end].get_or_insert_with(|| batch.clone());
                self.broken.position |= *kept != batch;
                Answer::Done
            }
            Call::Raise(booking, version) => {
                let marker = &mut self.markers[usize::from(booking)];
                let lowered = feed.bug == Some(Bug::MarkersLowered);
                *marker = if lowered { version } else { version.max(*marker) };
                Answer::Done
            }
            Call::Commit(batch) => self.commit(feed, batch),
        }
    }

    fn commit(&mut self, feed: &Feed, batch: Batch) -> Answer {
        if self.tip.end() != batch.before && feed.bug != Some(Bug::CommitUnconditional) {
            return Answer::Moved(self.tip.clone());
        }
        if usize::from(batch.before) != self.log.len() || self.log.remaining_capacity() < batch.entries.len() {
            self.broken.position = true;
        } else {
            self.log.extend(batch.entries.iter().copied());
        }
        self.tip = batch;
        Answer::Done
    }

    /// What a reader makes of pages and a tip.
    pub(crate) fn check_read(&mut self, pages: &Pages, tip: &Batch) {
        let mut read = Entries::new();
        while count(&read) < tip.before {
            let next = pages.iter().flatten().find(|page| page.before == count(&read) && page.end() <= tip.before);
            let Some(page) = next else {
                self.broken.read = true;
                return;
            };
            read.extend(page.entries.iter().copied());
        }
        self.seen.whole_read |= !read.is_empty() && !tip.entries.is_empty();
        read.extend(tip.entries.iter().copied());
        self.broken.read |= !self.log.starts_with(&read);
    }
}
