//! One control node: everything that `labkeeper node` is, and the command line around it.
//!
//! ```text
//!  cli ──────► compose ──► api        gRPC and HTTP: what clients and browsers see
//!                 │    ──► telemetry  samples of all nodes, merged; fan-out to watchers
//!                 │    ──► ownership  which segments do I keep? drive them, report what happened
//!                 └──────► peers      the other nodes: who answers, what they own
//! ```
//!
//! It is the only crate that sees both sides: consensus (`labkeeper-raft`) and devices (`labkeeper-drivers`). Decisions
//! live in small pure files (`*/plan.rs`, `ownership/job.rs`, `telemetry/deadband.rs`); the rest is shell.

pub mod api;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod compose;
pub mod config;
pub mod disk_probe;
pub mod error;
pub mod gate;
pub mod notify;
pub mod observe;
pub mod ownership;
mod parts;
pub mod peers;
mod start;
pub mod telemetry;

/// The software's version, as it is shown and compared between nodes.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
