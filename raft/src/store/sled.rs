//! sled as a [`Disk`], made durable.
//!
//! sled's own `flush` hands the data to the kernel (`sync_file_range`) but never asks the disk for it: after a power cut every
//! acknowledged entry can be gone. So each commit is an atomic batch, a flush, and then `fdatasync` on sled's own file; its
//! background flusher is off, as nothing may reach the file but through here. The power-cut test (`tests/durability`) passes with
//! the `fdatasync` and fails without it.
//!
//! What sled cannot do is tell a damaged end of its file from a write that was cut off. Of 60 single bytes flipped all over a file,
//! 34 were noticed when it was opened and 15 did no harm; 11, in its last segments, cost the entries from there on, silently. A log
//! that was emptied like that is noticed (`start::check_birth`), one that lost its tail is not: as everywhere in Raft, a disk may
//! lose its power, but not its memory.

use crate::store::disk::{Disk, Op};
use crate::store::files;
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// sled's own cache. The log's newest 8 MiB are in memory anyway; this is for followers that are behind and for the pages that
/// sled writes to. 32 MiB is half of what a snapshot interval of small entries takes.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// A sled database in a directory.
pub struct SledDisk {
    db: sled::Db,
    tree: sled::Tree,
    file: File,
    durable: bool,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SledError {
    /// The operating system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The database is damaged, in sled's own words.
    #[error("the log's database is damaged: {0}")]
    Damaged(String),
}

impl SledDisk {
    /// Opens or creates the database in a directory of its own.
    ///
    /// # Errors
    /// [`SledError`]; sled meets some kinds of damage with a panic, which is caught here.
    pub fn open(path: &Path) -> Result<Self, SledError> {
        Self::open_with(path, true)
    }

    /// As [`SledDisk::open`], but commits are only flushed, not synced: what sled promises by itself. For the test that shows
    /// that this loses data.
    ///
    /// # Errors
    /// As [`SledDisk::open`].
    #[doc(hidden)]
    pub fn open_without_fdatasync(path: &Path) -> Result<Self, SledError> {
        Self::open_with(path, false)
    }

    fn open_with(path: &Path, durable: bool) -> Result<Self, SledError> {
        files::create_dir(path)?;
        let config = sled::Config::new().path(path).flush_every_ms(None).cache_capacity(CACHE_BYTES);
        let opened = catch_unwind(AssertUnwindSafe(|| -> sled::Result<_> {
            let db = config.open()?;
            let tree = db.open_tree("raft")?;
            db.flush()?;
            Ok((db, tree))
        }));
        let (db, tree) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(sled::Error::Io(error))) => return Err(SledError::Io(error)),
            Ok(Err(error)) => return Err(SledError::Damaged(error.to_string())),
            Err(panic) => return Err(SledError::Damaged(words(&*panic))),
        };
        let file = File::options().read(true).write(true).open(path.join("db"))?;
        if durable {
            // The files and their names, which no later fdatasync covers.
            for name in ["db", "conf"] {
                File::open(path.join(name))?.sync_all()?;
            }
            files::sync_dir(path)?;
        }
        Ok(Self { db, tree, file, durable })
    }

    /// How many bytes the database takes on its disk.
    ///
    /// # Errors
    /// The operating system's.
    pub fn size_on_disk(&self) -> io::Result<u64> {
        self.db.size_on_disk().map_err(to_io)
    }
}

impl Disk for SledDisk {
    fn commit(&self, ops: Vec<Op>) -> io::Result<()> {
        let mut batch = sled::Batch::default();
        for op in ops {
            match op {
                Op::Put(key, value) => batch.insert(key, value),
                Op::Remove(key) => batch.remove(key),
            }
        }
        // sled meets an error of its file with a panic in places.
        let flushed = catch_unwind(AssertUnwindSafe(|| {
            self.tree.apply_batch(batch)?;
            self.db.flush()
        }));
        match flushed {
            Ok(result) => result.map_err(to_io)?,
            Err(panic) => return Err(io::Error::other(words(&*panic))),
        };
        if self.durable { self.file.sync_data() } else { Ok(()) }
    }

    fn range(&self, from: &[u8], to: &[u8]) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        let read = catch_unwind(AssertUnwindSafe(|| {
            self.tree.range(from..to).map(|pair| pair.map(|(k, v)| (k.to_vec(), Bytes::copy_from_slice(&v)))).collect()
        }));
        read.unwrap_or_else(|panic| Err(sled::Error::ReportableBug(words(&*panic)))).map_err(to_io)
    }
}

fn to_io(error: sled::Error) -> io::Error {
    match error {
        sled::Error::Io(error) => error,
        error => io::Error::other(error.to_string()),
    }
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked without a word".to_owned())
}
