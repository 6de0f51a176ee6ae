//! The rejects file: one JSON line a rejected row, made when the first is rejected.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::import::booking::Rejection;

/// Where rejected rows go.
#[derive(Debug)]
pub struct Rejects {
    path: PathBuf,
    file: Option<File>,
}

impl Rejects {
    /// `resumed` keeps what an earlier run of the same import wrote.
    pub fn new(path: &Path, resumed: bool) -> Result<Self, Error> {
        if !resumed && path.exists() {
            std::fs::remove_file(path).map_err(|source| Error::file("remove the old rejects file", path, source))?;
        }
        Ok(Self { path: path.to_owned(), file: None })
    }

    /// Writes a rejected row.
    pub fn write(&mut self, rejection: &Rejection) -> Result<(), Error> {
        let failed = |source| Error::file("write the rejects file", &self.path, source);
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(OpenOptions::new().create(true).append(true).open(&self.path).map_err(failed)?),
        };
        let mut text = serde_json::to_vec(rejection).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        file.write_all(&text).map_err(failed)
    }
}
