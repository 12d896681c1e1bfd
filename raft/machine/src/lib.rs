//! The replicated state machine: pure, deterministic, total.

pub mod command;
pub mod dump;
pub mod reply;
pub mod state;
