//! The shell around openraft: everything between a command and the machine of every node.
//!
//! ```text
//!   any node                         the leader                                        every node
//!   --------                         ----------                                        ----------
//!   Cluster::propose --(encoded)--> Proposer: many commands, one entry, one time
//!                                       |
//!                                    openraft --- append ---> followers (network/) --+
//!                                       |                                            |
//!                                    LogStore (store/) <-----------------------------+  durable before it is acknowledged
//!                                       |
//!                                    committed by a majority
//!                                       |
//!                                    StateMachine (applied.rs) --> Machine::apply --> state, effects
//!   outcome <------(reply)----------    |
//! ```
//!
//! What holds:
//! * An acknowledged command is on the disks of a majority, and survives the loss of power of all nodes at once.
//! * A command is handed to one leader once. An outcome that cannot be known is said to be in doubt.
//! * A vote is on the disk before it is given; a node that lost its disk comes back under another number.
//! * Whatever is read after [`Cluster::read_barrier`] includes everything that was committed before it was called.
//!
//! Only this crate names openraft, and in it only `types.rs` its types' parameters. It knows nothing of devices, clients or
//! what the commands mean.

pub mod applied;
mod cluster;
pub mod codec;
pub mod error;
mod fault;
mod forward;
mod membership;
pub mod network;
pub mod options;
mod propose;
mod start;
mod status;
pub mod store;
pub mod types;

pub use cluster::Cluster;
pub use error::{ClusterError, OpenError, ProposeError};
pub use fault::Fault;
pub use membership::JoinStage;
pub use options::{Options, Timing};
pub use propose::COMMAND_BYTES_MAX;
pub use status::{RaftStatus, Role};
pub use store::data_dir::Identity;
pub use types::{Proposed, ReadKind};
