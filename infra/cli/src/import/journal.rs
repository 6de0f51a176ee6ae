//! The journal of an import: one line a finished row, after a header that says which import it belongs to.
//!
//! Invariant: a row is written down only once all of it is in the store (or rejected for good), so a row that is
//! missing is simply imported again, with the same ids. What it does not do: it never decides anything the server
//! decides; losing it costs time, not correctness. A last line that was cut short is dropped.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use booking_store::BookingCode;
use serde::{Deserialize, Serialize};

use crate::error::Error;

const KIND: &str = "bookings-import/1";

/// Which import a journal belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    journal: String,
    file: String,
    sha256: String,
    format: String,
    code_length: usize,
    url: String,
}

impl Header {
    /// The header of an import; `file` is only for people.
    pub fn new(file: &Path, sha256: &str, format: &str, code_length: usize, url: &str) -> Self {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self {
            journal: KIND.to_owned(),
            file: name,
            sha256: sha256.to_owned(),
            format: format.to_owned(),
            code_length,
            url: url.to_owned(),
        }
    }

    /// What keeps `self` from going on with a journal of `found`.
    fn differs(&self, found: &Header) -> Option<String> {
        let compare = |what: &str, ours: &str, theirs: &str| {
            (ours != theirs).then(|| format!("{what} is {ours} now and was {theirs}"))
        };
        compare("its version", &self.journal, &found.journal)
            .or_else(|| compare("the file's SHA-256", &self.sha256, &found.sha256))
            .or_else(|| compare("--format", &self.format, &found.format))
            .or_else(|| compare("--code-length", &self.code_length.to_string(), &found.code_length.to_string()))
            .or_else(|| compare("--url", &self.url, &found.url))
    }
}

/// One finished row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Entry {
    /// All its events are in the store.
    Imported {
        /// Where the row begins.
        line: u64,
        /// The code it has.
        booking_code: BookingCode,
        /// The claim that won, counted from 0.
        claim: u16,
        /// How many events it has.
        events: usize,
        /// How many of them were answered `pending`.
        pending: u64,
        /// How many codes were taken by others.
        collisions: u64,
    },
    /// It will not be imported.
    Rejected {
        /// Where the row begins.
        line: u64,
        /// Why.
        rejected: String,
    },
}

/// The rows that need no more work, as little of each as is needed.
#[derive(Debug, Default, Clone)]
pub struct Done(HashMap<u64, Option<u16>>);

impl Done {
    /// Whether the row is finished.
    pub fn contains(&self, line: u64) -> bool {
        self.0.contains_key(&line)
    }

    /// The claim that won, if the row was imported.
    pub fn claim(&self, line: u64) -> Option<u16> {
        self.0.get(&line).copied().flatten()
    }

    /// How many rows are finished.
    pub fn len(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many rows were imported.
    pub fn imported(&self) -> u64 {
        u64::try_from(self.0.values().flatten().count()).unwrap_or(u64::MAX)
    }

    fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Imported { line, claim, .. } => self.0.insert(*line, Some(*claim)),
            Entry::Rejected { line, .. } => self.0.insert(*line, None),
        };
    }
}

/// A journal open for writing; nobody else can open it meanwhile.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens or creates the journal of this import, and reads what is done.
    pub fn open(path: &Path, header: &Header, restart: bool) -> Result<(Self, Done), Error> {
        let failed = |source| Error::file("open the journal", path, source);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        file.try_lock().map_err(|_| {
            Error::Journal(format!(
                "another import is using the journal {}; give this one its own by --journal",
                path.display()
            ))
        })?;
        if restart {
            file.set_len(0).map_err(failed)?;
        }
        let (found, whole) = load(path, &file, header)?;
        file.set_len(whole).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut journal = Self { path: path.to_owned(), file };
        if found.is_none() {
            journal.write(header)?;
        }
        Ok((journal, found.unwrap_or_default()))
    }

    /// Reads the journal of this import, and changes nothing.
    pub fn read(path: &Path, header: &Header) -> Result<Done, Error> {
        let file = File::open(path).map_err(|source| Error::file("open the journal", path, source))?;
        let (found, _) = load(path, &file, header)?;
        found.ok_or_else(|| Error::Journal(format!("the journal {} is empty", path.display())))
    }

    /// Writes one finished row down.
    pub fn record(&mut self, entry: &Entry) -> Result<(), Error> {
        self.write(entry)
    }

    /// Makes what is written survive a power cut.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|source| Error::file("write the journal", &self.path, source))
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let failed = |source| Error::file("write the journal", &self.path, source);
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        // One write a line: a process that is killed leaves at most a last line cut short.
        self.file.write_all(&text).map_err(failed)
    }
}

/// What is done, if there is a header, and the length of the part that is whole.
fn load(path: &Path, file: &File, header: &Header) -> Result<(Option<Done>, u64), Error> {
    let mut input = BufReader::new(file);
    let (mut done, mut whole, mut number) = (None::<Done>, 0u64, 0u64);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read =
            input.read_until(b'\n', &mut text).map_err(|source| Error::file("read the journal", path, source))?;
        if text.last() != Some(&b'\n') {
            return Ok((done, whole));
        }
        number += 1;
        let understood = match done.as_mut() {
            None => match serde_json::from_slice::<Header>(&text) {
                Ok(found) => {
                    same_import(path, header, &found)?;
                    done = Some(Done::default());
                    true
                }
                Err(_) => false,
            },
            Some(done) => serde_json::from_slice(&text).map(|entry| done.add(&entry)).is_ok(),
        };
        if !understood {
            return Err(Error::Journal(format!(
                "line {number} of {} is no journal line; use another --journal, or --restart to write this one anew",
                path.display()
            )));
        }
        whole += u64::try_from(read).unwrap_or(u64::MAX);
    }
}

fn same_import(path: &Path, header: &Header, found: &Header) -> Result<(), Error> {
    match header.differs(found) {
        None => Ok(()),
        Some(what) => Err(Error::Journal(format!(
            "the journal {} belongs to another import: {what}; use another --journal, or --restart to forget it",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    fn header(url: &str) -> Header {
        Header::new(Path::new("some/where/x.csv"), "abc", "csv", 8, url)
    }

    fn entry(line: u64) -> Entry {
        let booking_code = "ABCD".parse().unwrap();
        Entry::Imported { line, booking_code, claim: 2, events: 3, pending: 1, collisions: 2 }
    }

    fn written() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let (mut journal, done) = Journal::open(&path, &header("u"), false).unwrap();
        assert!(done.is_empty());
        journal.record(&entry(2)).unwrap();
        journal.record(&Entry::Rejected { line: 3, rejected: "bad".into() }).unwrap();
        journal.record(&entry(4)).unwrap();
        journal.sync().unwrap();
        (folder, path)
    }

    #[test]
    fn goes_on_where_it_was() {
        let (_folder, path) = written();
        let (_journal, done) = Journal::open(&path, &header("u"), false).unwrap();
        assert_eq!((done.len(), done.imported()), (3, 2));
        assert_eq!((done.claim(2), done.claim(3), done.contains(3), done.contains(5)), (Some(2), None, true, false));
    }

    #[test]
    fn is_nobody_elses() {
        let (_folder, path) = written();
        let error = Journal::open(&path, &header("v"), false).unwrap_err().to_string();
        assert!(error.contains("--url is v now and was u"), "{error}");
        let (open, _) = Journal::open(&path, &header("u"), false).unwrap();
        let error = Journal::open(&path, &header("u"), false).unwrap_err().to_string();
        assert!(error.contains("another import is using"), "{error}");
        drop(open);
        let (_, done) = Journal::open(&path, &header("v"), true).unwrap();
        assert!(done.is_empty());
    }

    #[test]
    fn damage_in_the_middle_is_an_error() {
        let (_folder, path) = written();
        let text = std::fs::read_to_string(&path).unwrap().replacen("\"line\":2", "\"line\":-", 1);
        std::fs::write(&path, text).unwrap();
        assert!(Journal::open(&path, &header("u"), false).unwrap_err().to_string().contains("line 2 of"));
        std::fs::write(&path, "line,booking\n").unwrap();
        assert!(Journal::open(&path, &header("u"), false).unwrap_err().to_string().contains("no journal line"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn cut_anywhere_it_keeps_the_whole_lines_and_goes_on(cut in 0usize..1000) {
            let (_folder, path) = written();
            let text = std::fs::read(&path).unwrap();
            let cut = cut % (text.len() + 1);
            std::fs::write(&path, &text[..cut]).unwrap();
            let whole = text[..cut].iter().filter(|byte| **byte == b'\n').count() as u64;
            let (mut journal, done) = Journal::open(&path, &header("u"), false).unwrap();
            prop_assert_eq!(done.len(), whole.saturating_sub(1));
            journal.record(&entry(9)).unwrap();
            let again = Journal::read(&path, &header("u")).unwrap();
            prop_assert_eq!(again.len(), done.len() + 1);
            prop_assert!(again.contains(9));
        }
    }
}
