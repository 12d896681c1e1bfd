//! The simulated plant: devices with real physics behind real Modbus TCP servers, shipped in the product.
//!
//! ```text
//!   plant.rs ─── starts, stops, ticks ──► device.rs: image + model + fault + fence, write_log.rs
//!      │                                      ▲             │        │
//!   server.rs ── sockets, frames ──► units.rs ┘          image.rs  model.rs: chiller furnace vacuum plc bank
//!   (shell)                         pdu.rs (pure)        (pure)    (pure: step(dt))
//! ```
//!
//! It exists for the demo, for trying out a site file without hardware, and for tests: faults can be switched on per
//! device, and every write that arrives is logged with its time, its sender and the sender's epoch, so a test can see who wrote what.
//! A device whose declaration says so compares epochs, or serves one connection only.
//!
//! The servers have their own small codec instead of `tokio-modbus`'s, because that one panics on some malformed requests
//! (a "write multiple coils" with more coils than bytes), and because faults need bytes that no codec would send.
//!
//! It knows nothing of tags: a device is its registers, and a site file declares what they mean.

pub mod bank;
pub mod chiller;
mod device;
pub mod fault;
mod fence;
pub mod furnace;
pub mod image;
pub mod model;
mod pdu;
mod physics;
pub mod plant;
pub mod plc;
mod server;
mod units;
pub mod vacuum;
pub mod write_log;

pub use fault::Fault;
pub use fence::FenceMode;
pub use plant::{Bind, Plant, PlantError, PlantOptions};
pub use server::SecondConnection;
pub use write_log::{WriteOutcome, WriteRecord};
