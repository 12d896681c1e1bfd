//! Modbus over TCP.
//!
//! `register.rs` gives cells a meaning, `exception.rs` names what devices refuse with, `mbap.rs` checks frame headers;
//! those three are pure. `transport.rs` is what lies between the socket and the `tokio-modbus` crate, `client.rs` the driver on top.
//!
//! Sources: MODBUS Application Protocol Specification V1.1b3 (the protocol data unit) and MODBUS Messaging on TCP/IP
//! Implementation Guide V1.0b (the header before it).

pub mod client;
pub mod exception;
pub mod mbap;
pub mod register;
mod transport;

pub use client::ModbusTcp;
pub use exception::Exception;
