//! What a node keeps on its disk, and when it counts as kept.
//!
//! ```text
//!   data_dir/
//!     lock            held while a process has the directory open
//!     identity        whose directory it is: format, instance, name, site, number        (data_dir.rs)
//!     log/            sled: vote, entries, committed, purged, name of the snapshot        (sled.rs, layout.rs)
//!     snapshot/       one file for each snapshot; only the named one counts               (snapshots.rs)
//!     damaged-<s>/    what was found damaged, kept for a person to look at
//!
//!   append, save_vote, truncate, purge                        (log.rs)
//!        |  Submission: operations, and whom to tell
//!        v
//!   one writer: takes all that waits, commits it as one       (writer.rs)
//!        |      atomic batch, makes it durable, then tells
//!        v
//!   Disk: ordered keys, atomic durable batches                (disk.rs)
//! ```
//!
//! One writer means one total order of votes and entries. A vote is on the disk before it is given, an entry before it is
//! acknowledged. A disk that failed once is not tried again: what `fsync` dropped is gone without a trace, so the process
//! ends and the next one reads what is really there.

pub mod data_dir;
pub mod disk;
pub(crate) mod files;
pub mod layout;
pub mod log;
pub mod recover;
pub mod sled;
pub mod snapshots;
mod window;
pub mod writer;
