//! What a node decides about the segments that it owns, as pure cores: may I drive, who must be given up, how is a segment taken over,
//! what is left to write. Time comes in, actions go out; the node's shells carry them out, and so does the simulation.
//!
//! ```text
//!              own boot clock            replicated state                 buses
//!                   |                          |                            |
//!   lease    may I write? --- Open, Renew --> log          Fence ---------> cut
//!   expiry   whose session is over? --------> log          (leader only)
//!   duty     which segments, which epoch? <----+---------- take, let go --> start, stop
//!   takeover read first, then reconcile <------+---------- milestones <---- |
//!   reach    should another try? -----------> log                           |
//!   job      one setpoint to its device <------+---------- read, write ---> |
//!   approach one setpoint, step by step (ramp) +---------- read, write ---> |
//!   action   one action, at most once <--------+---------- intent, write -> |
//!   interlock may its tags be driven? <--------+---------- inputs <-------- |
//! ```
//!
//! Every core with time has the same verbs: `handle_*(.., now)` takes what happened, `poll_timeout` says when to be called again and why,
//! `handle_timeout(now)` takes that a time has come. What a core wants done is returned as data.
//!
//! Nothing here knows of sockets, tasks, consensus or bytes, and nothing reads a clock (`clippy.toml` refuses it).

pub mod action;
pub mod approach;
pub mod duty;
pub mod expiry;
pub mod interlock;
pub mod job;
pub mod lease;
pub mod ramp;
pub mod reach;
pub mod reconcile;
pub mod takeover;

pub use labkeeper_model::Moment;
