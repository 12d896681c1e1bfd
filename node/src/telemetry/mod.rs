//! Samples of all nodes, merged on every node, and their way to whoever watches.
//!
//! ```text
//!  bus ──► deadband ──► latest ──► subscription ──► gRPC watch, live socket, /metrics
//!   │                     ▲   └──► WatchOwned ────► the other nodes
//!   │                     └─────── relay ◄───────── the other nodes' WatchOwned
//!   ├──► fresh ──► inputs: what conditions are evaluated over
//!   └──► detect: alarms ──► log
//! ```
//!
//! Nothing here waits for a consumer: each subscription keeps at most one entry per tag, the latest, and counts what it
//! skipped. Telemetry never goes through consensus.

pub mod deadband;
pub mod detect;
pub mod filter;
pub mod fresh;
pub mod inputs;
pub mod latest;
pub mod readings;
pub mod relay;
pub mod subscription;
