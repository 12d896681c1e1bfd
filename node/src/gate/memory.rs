//! The ledger on disk: a small file that is replaced as a whole, so that a power cut leaves the old one or the new one.
//!
//! ```text
//! write FILE.new ──► fsync it ──► rename it to FILE ──► fsync the directory
//! ```
//!
//! A lock on `FILE.lock` keeps a second gate from the same file: the two would overwrite what the other has to remember.

use super::ledger::Ledger;
use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It cannot be read, written or locked.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another gate has it.
    #[error("{}: another gate uses it", path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// It is not what a gate has written.
    #[error("{}: {what}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

/// The file, held by this gate.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    _lock: File,
}

impl Memory {
    /// Takes the file and reads what it has; a file that is not there yet has nothing.
    ///
    /// # Errors
    /// [`MemoryError`], by what can be done about it.
    pub(super) fn open(path: &Path) -> Result<(Self, Ledger), MemoryError> {
        let lock_path = beside(path, "lock");
        let lock = File::create(&lock_path).map_err(|source| MemoryError::Io { path: lock_path.clone(), source })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(MemoryError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(MemoryError::Io { path: lock_path, source }),
        }
        let ledger = match std::fs::read_to_string(path) {
            Ok(text) => Ledger::parse(&text).map_err(|what| MemoryError::Damaged { path: path.to_owned(), what })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ledger::default(),
            Err(source) => return Err(MemoryError::Io { path: path.to_owned(), source }),
        };
        Ok((Self { path: path.to_owned(), _lock: lock }, ledger))
    }

    /// Replaces what the file has. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// The disk's; then the file has either the old or the new.
    pub(super) fn keep(&self, ledger: &Ledger) -> Result<(), MemoryError> {
        self.replace(ledger.to_text().as_bytes()).map_err(|source| MemoryError::Io { path: self.path.clone(), source })
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let fresh = beside(&self.path, "new");
        let mut file = File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.path)?;
        // A path without a directory lies in the working directory.
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::claim::Claim;

    fn ledger(epoch: u64) -> Ledger {
        Ledger::default().with(&Claim::parse_fields(&format!("segment=cryo epoch={epoch} node=a")).expect("a claim"))
    }

    #[test]
    fn what_was_kept_is_there_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("gate.state");
        let (memory, nothing) = Memory::open(&path).expect("a file");
        assert_eq!(nothing, Ledger::default());
        for epoch in [1, 7] {
            memory.keep(&ledger(epoch)).expect("room");
        }
        drop(memory);
        assert_eq!(Memory::open(&path).expect("the file").1, ledger(7));
    }

    #[test]
    fn one_gate_at_a_time_and_damage_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("gate.state");
        let first = Memory::open(&path).expect("a file");
        assert!(matches!(Memory::open(&path), Err(MemoryError::InUse { .. })));
        drop(first);
        // What an interrupted write left beside the file is nothing.
        std::fs::write(beside(&path, "new"), "labkeeper-gate 1\nsegm").expect("a file");
        assert!(Memory::open(&path).is_ok());
        std::fs::write(&path, "labkeeper-gate 1\nsegm").expect("a file");
        assert!(matches!(Memory::open(&path), Err(MemoryError::Damaged { .. })));
        assert!(matches!(Memory::open(&dir.path().join("no/such/dir")), Err(MemoryError::Io { .. })));
    }
}
