//! The data directory: where the files are, and that only one process uses them.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Memory-backed on the systems that have it.
const MEMORY: &str = "/dev/shm";

/// Why the directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("{} is in use by another booking-store-local; stop that one or choose another --data-dir", .0.display())]
    InUse(PathBuf),
    /// It can't be created, written or locked.
    #[error("cannot use {} as data directory", .path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A directory held by this process until it is dropped.
pub struct DataDir {
    path: PathBuf,
    // Locked as long as it is open, whatever ends the process.
    _lock: File,
    // Dropped last, so that nothing is left open in it.
    _temporary: Option<TempDir>,
}

impl DataDir {
    /// Opens or creates `path`; without one, a directory in memory (or a temporary one) that goes with this value.
    pub fn open(path: Option<&Path>) -> Result<Self, DataDirError> {
        let Some(path) = path else { return Self::temporary() };
        fs::create_dir_all(path).map_err(|source| DataDirError::Unusable { path: path.to_owned(), source })?;
        Self::lock(path.to_owned(), None)
    }

    fn temporary() -> Result<Self, DataDirError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("booking-store-");
        let made = builder.tempdir_in(MEMORY).or_else(|_| builder.tempdir());
        let temporary = made.map_err(|source| DataDirError::Unusable { path: std::env::temp_dir(), source })?;
        Self::lock(temporary.path().to_owned(), Some(temporary))
    }

    fn lock(path: PathBuf, temporary: Option<TempDir>) -> Result<Self, DataDirError> {
        let file = File::create(path.join("lock"));
        let file = file.map_err(|source| DataDirError::Unusable { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, _lock: file, _temporary: temporary }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(DataDirError::Unusable { path, source }),
        }
    }

    /// The engine's file.
    pub fn tables(&self) -> PathBuf {
        self.path.join("tables.sqlite")
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger.sqlite")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_held_by_one_until_it_is_dropped() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let held = DataDir::open(Some(&path)).unwrap();
        assert!(matches!(DataDir::open(Some(&path)), Err(DataDirError::InUse(_))));
        drop(held);
        assert!(DataDir::open(Some(&path)).is_ok());
    }

    #[test]
    fn a_temporary_one_goes_with_its_value() {
        let held = DataDir::open(None).unwrap();
        let path = held.path.clone();
        assert!(path.is_dir());
        drop(held);
        assert!(!path.exists());
    }
}
