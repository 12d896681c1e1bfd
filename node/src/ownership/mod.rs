//! Owning segments: which buses this node runs, and how an outstanding setpoint is brought to its device.
//!
//! ```text
//!  replicated state ──► plan ──► start or stop buses          (level-triggered: state against what runs)
//!          │
//!          └─ outstanding commands ──► job ──► bus ──► device
//!                       ▲               │
//!                       └── reporter ◄──┘   dispatched, written, verified, failed, ... with the epoch
//! ```
//!
//! The node drives a device only while the replicated state names it as the segment's owner, and checks owner, epoch,
//! deadline and that the command still stands immediately before each write.

pub mod keeper;
pub mod plan;
pub mod reporter;
pub mod runner;
pub mod sink;

pub use labkeeper_ownership::job;
