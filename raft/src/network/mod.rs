//! Consensus over gRPC.
//!
//! ```text
//!   openraft core --Dialer--> Link --+-- append lane ------ one long stream, pipelined --------+--> RaftRpc --> core
//!                                    +-- heartbeat lane --- votes, heartbeats, transfers ------+
//!                                    +-- snapshot lane ---- header, chunks of 1 MiB -----------+
//! ```
//!
//! Each lane is a connection of its own, so that no heartbeat waits behind a snapshot or a megabyte of entries. Every call says
//! which site it belongs to and which node it is for: an address that another node took over answers nothing.

pub(crate) mod client;
pub(crate) mod errors;
pub(crate) mod pool;
pub mod server;
pub(crate) mod tag;

/// Largest message. One entry of the largest command (`propose::COMMAND_BYTES_MAX`, 32 MiB) with its frame fits twice.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most bytes of a snapshot in one message: 100 ms of a 100 Mbit/s network.
pub const CHUNK_BYTES_MAX: usize = 1024 * 1024;
/// Largest snapshot that is taken in: the largest site (100,000 tags) with 100,000 remembered commands is about 100 MB.
pub const SNAPSHOT_BYTES_MAX: u64 = 512 * 1024 * 1024;
