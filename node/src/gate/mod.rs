//! The gate: a small mode of the program that stands on a device's side of the network and lets only the newest owner through.
//!
//! A node that is frozen between looking at its clock and sending writes late, and a plain device cannot tell. The gate can: whoever connects
//! says its segment's epoch first, and nothing of an older epoch passes from then on.
//!
//! ```text
//!  node ──► claim line ──► older than what is remembered ──────────────────────────► STALE epoch=N, closed
//!              │ none within a second, or something else ───────────────────────────► BAD why, closed
//!              ▼
//!           newer: kept on disk ──► every earlier connection cut by a reset ──► device connected ──► OK ──► bytes, both ways
//!                                                                                     └ not: closed without an answer
//! ```
//!
//! Three things make the answer OK a promise. The epoch is on disk before, so that a gate that restarts still knows it. The earlier
//! connection is reset before, which drops what the kernel still queues for the device. And each piece of what a node sends is handed over under
//! the same lock under which the right to send is taken away (see [`turn`]).
//!
//! What had left for the device before the claim counts as before it. The gate does not know who a node is: it stands in the same trusted
//! network as the device, which believes everybody. It knows nothing of consensus, of leases, or of what the device speaks.

mod claim;
mod ledger;
mod memory;
mod pipe;
mod server;
mod turn;

pub use memory::MemoryError;
pub use server::{Gate, GateOptions};
