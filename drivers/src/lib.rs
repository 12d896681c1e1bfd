//! The device side: what talks to instruments, and a simulated plant to talk to.
//!
//! ```text
//!   handle ──writes──►┐                       ┌── turn.rs      whose turn is it?      (pure)
//!          ──reads───►│  bus/  one task per   ├── schedule.rs  due, late, skipped     (pure)
//!   sink  ◄─samples───┘        connection ────┼── pace.rs      the real interval      (pure)
//!                                 │           ├── health.rs    up, down, when again   (pure)
//!                                 │           ├── plan.rs      tags -> few requests   (pure)
//!                                 │           └── fence.rs     a device's epoch       (pure)
//!                          driver.rs (trait), departure.rs (may it leave?)
//!                                 │
//!                          modbus/  register.rs exception.rs mbap.rs (pure), client.rs transport.rs
//!                                 │
//!                          link.rs, gate.rs: one socket ═══════ a device, or sim/ (the simulated plant)
//! ```
//!
//! Decisions are in the pure files, which take the time and every random number as arguments; `bus/`, `modbus/client.rs` and `link.rs` are
//! the shell that reads the clock and waits for the network.
//!
//! The crate knows nothing of clusters, leases, setpoints or history. Whoever may write is decided by the permit of the bus and the
//! guard that comes with each write; what becomes of a sample is the sink's business.

pub mod bus;
pub mod cells;
pub mod clock;
pub mod departure;
pub mod driver;
pub mod fence;
pub mod gate;
pub mod health;
pub mod link;
pub mod modbus;
mod pace;
pub mod plan;
pub mod schedule;
pub mod sim;
mod turn;

pub use bus::{BusFactory, BusHandle, BusOptions, BusSpec, BusStats, BusTask, DeviceStats, Milestones, Sink, WriteEntry, Written, buses};
pub use cells::Cells;
pub use clock::{Clock, SystemClock};
pub use departure::Departure;
pub use driver::{Cause, Driver, DriverError, Obstacle, Target, WriteError};
pub use health::HealthState;
