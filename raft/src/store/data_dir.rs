//! Whose a data directory is, and that only one process has it.
//!
//! ```text
//!   (empty) --open--> instance, node name --found or join--> + site, number
//!                          |                                       |
//!                          +-- another name: refused               +-- for good: a lost directory is a new node
//!   anything damaged --> moved to damaged-<seconds since 1970>/, the directory is empty again, and a clear error
//! ```
//!
//! The instance is random and tells a node that asks again from another node of the same name. Knows nothing of consensus.

use crate::error::OpenError;
use crate::store::files;
use crate::store::layout::FORMAT;
use labkeeper_model::{Name, NodeId};
use labkeeper_proto::v1;
use parking_lot::Mutex;
use prost::Message as _;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Who a node is, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub node_id: NodeId,
    /// The site that it belongs to.
    pub site_id: [u8; 16],
}

/// An open data directory. The lock is held as long as this lives.
pub struct DataDir {
    path: PathBuf,
    record: Mutex<v1::DataDirRecord>,
    lock: Mutex<Option<File>>,
}

impl DataDir {
    /// Opens a directory for the node of that name, creating it if there is none.
    ///
    /// # Errors
    /// Every [`OpenError`] but those about consensus itself.
    pub fn open(path: &Path, name: &Name) -> Result<Self, OpenError> {
        files::create_dir(path).map_err(|e| OpenError::io(path, &e))?;
        let lock = lock(path)?;
        let record = match read_identity(path) {
            Ok(Some(record)) => record,
            Ok(None) if path.join("log").exists() => return Err(set_aside(path, "the identity file is missing")),
            Ok(None) => {
                let instance = uuid::Uuid::new_v4().as_bytes().to_vec();
                let record = v1::DataDirRecord { format: FORMAT, instance, node_name: name.to_string(), ..Default::default() };
                write_identity(path, &record).map_err(|e| OpenError::io(path, &e))?;
                record
            }
            Err(Unread::Io(error)) => return Err(OpenError::io(path, &error)),
            Err(Unread::Damaged) => return Err(set_aside(path, "the identity file is not what was written")),
        };
        if record.format > FORMAT {
            return Err(OpenError::Newer { path: path.into(), found: record.format, known: FORMAT });
        }
        if record.node_name != name.as_str() {
            return Err(OpenError::OtherNode { path: path.into(), found: record.node_name, expected: name.to_string() });
        }
        Ok(Self { path: path.into(), record: Mutex::new(record), lock: Mutex::new(Some(lock)) })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The random number that the directory got when it was made.
    #[must_use]
    pub fn instance(&self) -> [u8; 16] {
        // Checked when it was read, random when it was made.
        self.record.lock().instance[..].try_into().unwrap_or_default()
    }

    /// Who the node is; `None` while it belongs to no site.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let record = self.record.lock();
        Some(Identity { node_id: record.node_id, site_id: record.site_id[..].try_into().ok()? })
    }

    /// Gives the node its identity, durably. Once.
    ///
    /// # Errors
    /// The operating system's.
    pub fn settle(&self, identity: Identity) -> Result<(), OpenError> {
        let mut record = self.record.lock();
        let settled = v1::DataDirRecord { site_id: identity.site_id.to_vec(), node_id: identity.node_id, ..record.clone() };
        write_identity(&self.path, &settled).map_err(|e| OpenError::io(&self.path, &e))?;
        *record = settled;
        Ok(())
    }

    /// Lets another process have the directory.
    pub(crate) fn release(&self) {
        drop(self.lock.lock().take());
    }

    /// Moves everything damaged out of the way and says so.
    #[must_use]
    pub fn set_aside(&self, what: &str) -> OpenError {
        set_aside(&self.path, what)
    }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path.join("lock"));
    let file = file.map_err(|e| OpenError::io(path, &e))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::InUse { path: path.into() }),
        Err(error) => Err(OpenError::io(path, &error.into())),
    }
}

enum Unread {
    Io(io::Error),
    Damaged,
}

/// Layout: crc32 of the rest, 4 bytes, little endian; a `DataDirRecord`.
fn read_identity(path: &Path) -> Result<Option<v1::DataDirRecord>, Unread> {
    let bytes = match std::fs::read(path.join("identity")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unread::Io(error)),
    };
    let (crc, rest) = bytes.split_first_chunk::<4>().ok_or(Unread::Damaged)?;
    if u32::from_le_bytes(*crc) != crc32fast::hash(rest) {
        return Err(Unread::Damaged);
    }
    let record = v1::DataDirRecord::decode(rest).map_err(|_| Unread::Damaged)?;
    let readable = record.format > FORMAT || (record.format > 0 && record.instance.len() == 16);
    if readable { Ok(Some(record)) } else { Err(Unread::Damaged) }
}

fn write_identity(path: &Path, record: &v1::DataDirRecord) -> io::Result<()> {
    let bytes = record.encode_to_vec();
    files::write(&path.join("identity"), &[&crc32fast::hash(&bytes).to_le_bytes(), &bytes])
}

/// Moves identity, log and snapshots into a directory of their own below: on the same disk, so that nothing is copied, and
/// beside the lock, so that nobody else takes the directory meanwhile.
fn set_aside(path: &Path, what: &str) -> OpenError {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let free = (0..).map(|n: u32| path.join(if n == 0 { format!("damaged-{seconds}") } else { format!("damaged-{seconds}-{n}") }));
    let Some(kept) = free.into_iter().find(|kept| !kept.exists()) else {
        return OpenError::Unusable { path: path.into(), what: format!("{what}; too many damaged directories are kept") };
    };
    let moved = std::fs::create_dir(&kept).and_then(|()| {
        for part in ["identity", "log", "snapshot"] {
            match std::fs::rename(path.join(part), kept.join(part)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        files::sync_dir(path)
    });
    match moved {
        Ok(()) => OpenError::Corrupt { path: path.into(), what: what.to_owned(), kept },
        Err(error) => OpenError::Unusable { path: path.into(), what: format!("{what}, and it cannot be set aside: {error}") },
    }
}

#[cfg(test)]
#[path = "data_dir_tests.rs"]
mod tests;
