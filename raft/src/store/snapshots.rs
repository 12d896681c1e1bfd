//! Snapshots as files. One counts: the one that the log names. A snapshot is written and synced before it is named, and the
//! others are removed after that, so that a crash at any moment leaves one that is whole.
//!
//! ```text
//!   file    "labsnap1" | crc32, 4 bytes | length of the description, 4 bytes | SnapshotMeta | Snapshot
//!           crc32 is over everything behind it; numbers are little endian
//!   name    <index, 20 digits>-<term>-<node>.snap
//! ```

use crate::codec::log::{decode_meta, encode_meta};
use crate::store::layout::{Damage, SNAPSHOT, put_mark};
use crate::store::log::write;
use crate::store::writer::Writer;
use crate::store::{files, layout};
use crate::types::SnapshotMeta;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::lock::Mutex;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"labsnap1";
/// Magic, checksum, length.
const HEADER_BYTES: usize = 16;

/// Where snapshots are kept, and where the work on them is done so that it holds nothing up.
pub trait SnapshotDisk: Send + Sync + 'static {
    /// Writes a file; it survives a power cut once this returns.
    ///
    /// # Errors
    /// The operating system's.
    fn save(&self, name: &str, pieces: &[&[u8]]) -> io::Result<()>;

    /// Reads a file.
    ///
    /// # Errors
    /// The operating system's.
    fn load(&self, name: &str) -> io::Result<Bytes>;

    /// Removes all files but this one.
    ///
    /// # Errors
    /// The operating system's.
    fn keep_only(&self, name: &str) -> io::Result<()>;

    /// Does long work somewhere else.
    fn offload(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()>;
}

/// The snapshots of one node. Clones share them.
#[derive(Clone)]
pub struct Snapshots {
    disk: Arc<dyn SnapshotDisk>,
    writer: Arc<dyn Writer>,
    /// The name and description of the one that counts. Held while another is made, so that an older one never replaces a newer.
    current: Arc<Mutex<Option<(String, SnapshotMeta)>>>,
}

impl Snapshots {
    /// Takes up the snapshot that the log names. Gives its description and bytes.
    ///
    /// # Errors
    /// The operating system's; kind "invalid data" when the file is missing or damaged.
    pub fn open(
        disk: Arc<dyn SnapshotDisk>,
        writer: Arc<dyn Writer>,
        name: Option<String>,
    ) -> io::Result<(Self, Option<(SnapshotMeta, Bytes)>)> {
        let Some(name) = name else {
            return Ok((Self { disk, writer, current: Arc::default() }, None));
        };
        let file = match disk.load(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(invalid(Damage::Meaning(format!("snapshot {name} is missing"))));
            }
            other => other?,
        };
        let (meta, bytes) = parse(&name, &file).map_err(invalid)?;
        disk.keep_only(&name)?;
        let current = Arc::new(Mutex::new(Some((name, meta.clone()))));
        Ok((Self { disk, writer, current }, Some((meta, bytes))))
    }

    /// Makes a snapshot the one that counts, unless a newer one does. `encode` may take long; it runs elsewhere.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn save(&self, meta: SnapshotMeta, encode: impl FnOnce() -> Bytes + Send + 'static) -> io::Result<Bytes> {
        let mut current = self.current.lock().await;
        let older = current.as_ref().is_some_and(|(_, now)| now.last_log_id >= meta.last_log_id);
        let name = name_of(&meta);
        let (disk, file, description) = (self.disk.clone(), name.clone(), meta.clone());
        let bytes = self
            .offloaded(move || {
                let bytes = encode();
                if !older {
                    save(&*disk, &file, &description, &bytes)?;
                }
                Ok(bytes)
            })
            .await?;
        if !older {
            write(&*self.writer, vec![put_mark(SNAPSHOT, name.as_bytes())]).await?;
            *current = Some((name.clone(), meta));
            let disk = self.disk.clone();
            // What could not be removed is removed at the next start.
            let _ = self.offloaded(move || disk.keep_only(&name)).await;
        }
        Ok(bytes)
    }

    /// The snapshot that counts.
    pub(crate) async fn current(&self) -> io::Result<Option<(SnapshotMeta, Bytes)>> {
        let current = self.current.lock().await;
        let Some((name, _)) = current.clone() else { return Ok(None) };
        let disk = self.disk.clone();
        self.offloaded(move || parse(&name, &disk.load(&name)?).map_err(invalid)).await.map(Some)
    }

    async fn offloaded<T: Send + 'static>(&self, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let (sender, receiver) = futures::channel::oneshot::channel();
        self.disk.offload(Box::new(move || drop(sender.send(work())))).await;
        receiver.await.unwrap_or_else(|_| Err(io::Error::other("the work on a snapshot was given up")))
    }
}

fn save(disk: &dyn SnapshotDisk, name: &str, meta: &SnapshotMeta, bytes: &Bytes) -> io::Result<()> {
    let meta = encode_meta(meta);
    let length = u32::try_from(meta.len()).map_err(|_| io::Error::other("a membership of more than 4 GiB"))?.to_le_bytes();
    let mut hasher = crc32fast::Hasher::new();
    for piece in [&length[..], &meta, bytes] {
        hasher.update(piece);
    }
    disk.save(name, &[MAGIC, &hasher.finalize().to_le_bytes(), &length, &meta, bytes])
}

fn parse(name: &str, file: &Bytes) -> Result<(SnapshotMeta, Bytes), Damage> {
    let header = file.first_chunk::<HEADER_BYTES>().ok_or_else(|| Damage::CutOff(name.to_owned()))?;
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if header[..8] != MAGIC[..] || number(8) != crc32fast::hash(&file[12..]) {
        return Err(Damage::Checksum(name.to_owned()));
    }
    let length = usize::try_from(number(12)).unwrap_or(usize::MAX);
    let end = HEADER_BYTES.saturating_add(length);
    let meta = file.get(HEADER_BYTES..end).ok_or_else(|| Damage::CutOff(name.to_owned()))?;
    let meta = decode_meta(meta).map_err(|e| Damage::Meaning(format!("{name}: {e}")))?;
    Ok((meta, file.slice(end..)))
}

fn name_of(meta: &SnapshotMeta) -> String {
    let (index, term, node) = meta.last_log_id.map_or((0, 0, 0), |id| (id.index, id.leader_id.term, id.leader_id.node_id));
    format!("{index:020}-{term}-{node}.snap")
}

fn invalid(damage: layout::Damage) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, damage)
}

/// Called with an error that makes a snapshot impossible.
type Failed = Box<dyn Fn(&io::Error) + Send + Sync>;

/// Snapshots in a directory, worked on by tokio's threads for blocking work.
pub struct SnapshotDir {
    path: PathBuf,
    failed: Failed,
}

impl SnapshotDir {
    /// Opens or creates the directory. `failed` is called when a snapshot cannot be written: openraft stops then, without
    /// keeping the reason.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(path: &Path, failed: impl Fn(&io::Error) + Send + Sync + 'static) -> io::Result<Self> {
        files::create_dir(path)?;
        Ok(Self { path: path.to_owned(), failed: Box::new(failed) })
    }
}

impl SnapshotDisk for SnapshotDir {
    fn save(&self, name: &str, pieces: &[&[u8]]) -> io::Result<()> {
        files::write(&self.path.join(name), pieces).inspect_err(|error| (self.failed)(error))
    }

    fn load(&self, name: &str) -> io::Result<Bytes> {
        std::fs::read(self.path.join(name)).map(Into::into)
    }

    fn keep_only(&self, name: &str) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name() != name {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn offload(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let task = tokio::task::spawn_blocking(work);
        Box::pin(async move { drop(task.await) })
    }
}

#[cfg(test)]
#[path = "snapshots_tests.rs"]
mod tests;
