//! The bus against a simulated plant over the loopback, and against a scripted driver under a paused clock.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers state expectations by panicking and print seeds, as tests do"
)]

mod commands;
mod faults;
mod fencing;
mod fuzz;
mod isolation;
mod leaving;
mod pace;
mod restart;
mod rig;
mod scripted;
mod shared;
mod support;
mod takeover;
mod values;
mod writes;
