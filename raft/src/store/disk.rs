//! What the log needs of a disk: ordered keys, and batches that are either wholly there after a power cut or not at all.
//!
//! The trait is small so that another engine can take sled's place, and so that the simulation can be one.

use bytes::Bytes;
use std::io;

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets a key.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key; nothing happens if it is not there.
    Remove(Vec<u8>),
}

impl Op {
    /// How many bytes the operation carries.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Put(key, value) => key.len() + value.len(),
            Self::Remove(key) => key.len(),
        }
    }
}

/// Ordered keys with atomic, durable batches.
pub trait Disk: Send + Sync + 'static {
    /// Applies the operations in their order, all or none, and returns once they would survive a power cut.
    ///
    /// # Errors
    /// The operating system's, or "other" for the engine's own. Afterwards nothing may be assumed of what is on the disk.
    fn commit(&self, ops: Vec<Op>) -> io::Result<()>;

    /// The pairs with `from <= key < to` in the order of their keys.
    ///
    /// # Errors
    /// As [`Disk::commit`].
    fn range(&self, from: &[u8], to: &[u8]) -> io::Result<Vec<(Vec<u8>, Bytes)>>;
}
