//! Modbus over TCP.
//!
//! `register.rs` gives cells a meaning, `exception.rs` names what devices refuse with, `mbap.rs` checks frame headers;
//! those three are pure. `client.rs` is the driver, on the `tokio-modbus` crate.
//!
//! Sources: MODBUS Application Protocol Specification V1.1b3 (the protocol data unit) and MODBUS Messaging on TCP/IP
//! Implementation Guide V1.0b (the header before it).

pub mod client;
pub mod exception;
pub mod mbap;
pub mod register;

pub use client::ModbusTcp;
pub use exception::Exception;
