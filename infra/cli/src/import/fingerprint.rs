//! What a file is, so that a journal can tell its own file from another; and how many rows to expect.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::Error;

/// A file's content in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// SHA-256 of all of it, in hexadecimal.
    pub sha256: String,
    /// How many lines it has.
    pub lines: u64,
}

/// Reads the file once from end to end.
pub fn fingerprint(path: &Path) -> Result<Fingerprint, Error> {
    let failed = |source| Error::file("read", path, source);
    let mut file = File::open(path).map_err(|source| Error::file("open", path, source))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let (mut lines, mut last) = (0u64, b'\n');
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
        hash.update(chunk);
        lines += chunk.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        last = chunk.last().copied().unwrap_or(last);
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Fingerprint { sha256, lines: lines + u64::from(last != b'\n') })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_last_line_without_its_end() {
        let folder = tempfile::tempdir().unwrap();
        for (text, lines) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2)] {
            let path = folder.path().join("x");
            std::fs::write(&path, text).unwrap();
            assert_eq!(fingerprint(&path).unwrap().lines, lines, "{text:?}");
        }
        std::fs::write(folder.path().join("abc"), "abc").unwrap();
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fingerprint(&folder.path().join("abc")).unwrap().sha256, known);
    }
}
