//! Bytes on disk and wire <-> the machine's and openraft's types: the only such place.
//!
//! ```text
//!   Command ---encode---> CommandRecord bytes --+
//!   Command ---encode---> CommandRecord bytes --+--> Batch bytes (time, commands) --> LogEntry --> disk, wire
//!                                               (once, by the proposer; copied, never encoded again)
//! ```
//!
//! Formats are promises: golden bytes in `tests/golden` hold what earlier versions wrote. Decoding is total: any bytes give a
//! value or a [`CodecError`].

mod alarms;
mod authority;
pub mod command;
mod field;
mod interlocks;
pub mod log;
mod notices;
mod operate;
pub mod reply;
pub mod rpc;
pub mod snapshot;
mod tenure;

use labkeeper_proto::convert::ConvertError;

/// Bytes that are not what they should be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CodecError {
    /// Not a message.
    #[error("not a message: {0}")]
    Bytes(#[from] prost::DecodeError),
    /// A message that makes no sense.
    #[error(transparent)]
    Meaning(#[from] ConvertError),
}
