//! Real nodes within one process: founding, joining, proposing, failing, leaving.

#![expect(clippy::panic, reason = "tests state their expectations by panicking")]

mod bad_input;
mod disk_full;
mod harness;
mod interrupted;
mod life;
mod outcomes;
mod snapshot;
