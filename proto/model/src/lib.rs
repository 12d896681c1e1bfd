//! The vocabulary of a lab: names, values, qualities, times, and the site's declaration.
//!
//! Every other crate speaks in these words, so this one depends on nothing, not even on a
//! serialisation library: vocabulary outlives transports. Wire and disk formats live in
//! `labkeeper-proto`, file formats in `node/src/config`.
//!
//! It knows nothing of clocks, networks, consensus or drivers.

mod alarm_id;
mod alarm_word;
pub mod code;
pub mod command;
pub mod lease;
mod moment;
pub mod name;
mod scope;
pub mod selector;
pub mod site;
pub mod time;
pub mod value;

pub use alarm_id::AlarmId;
pub use alarm_word::AlarmWord;
pub use code::ErrorCode;
pub use command::{CommandId, CommandState, WaitLevel};
pub use lease::{LeaseTerms, SessionId};
pub use moment::Moment;
pub use name::{Name, NameError, TagPath};
pub use scope::Scope;
pub use selector::{Selector, SelectorError};
pub use time::Timestamp;
pub use value::{BadReason, Quality, Sample, UncertainReason, Value};

/// A node's number in the cluster. Never used twice: a node that lost its disk comes back as a new node,
/// because its vote and log are gone and the old number's promises with them. It is the log index of the
/// entry that admitted the node (1 for the founding node).
pub type NodeId = u64;

/// The ever-growing number of a segment's ownership, the fencing token. Grows by at least one at each change
/// of owner; a report that carries an older epoch is refused. 0 means "never owned".
pub type Epoch = u64;

/// The ever-growing number of a tag's setpoint, from 1. 0 means "never set".
pub type Revision = u64;

/// The index of an entry in the replicated log.
pub type LogIndex = u64;
