//! Owning segments: the shells around what `labkeeper_ownership` decides.
//!
//! ```text
//!  session ──► tenure ◄── asked right before each write            leader: ends sessions, looks again at placements
//!                │
//!  replicated ─► keeper ──► segment ──► buses ──► devices
//!  state                       └──────► control: takeover, a job for each command, reach
//!                                          └──► reporter ──► log         probes: tries others' devices when asked
//! ```
//!
//! The node drives a device only while its lease outlasts the write and the replicated state names it as the segment's owner, under the
//! epoch by which it was granted. Both are asked immediately before each write.

pub mod action_runner;
pub mod board;
pub mod context;
pub mod control;
pub mod errand;
pub mod glide;
pub mod guardian;
pub mod interlocks;
pub mod keeper;
pub mod leader;
pub mod node_clock;
pub mod probes;
pub mod quarantine;
pub mod ramp_runner;
pub mod reporter;
pub mod runner;
pub mod segment;
pub mod session;
pub mod sink;
pub mod subtree;
pub mod tenure;
