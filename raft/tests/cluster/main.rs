//! Real nodes within one process: founding, joining, proposing, failing, leaving.

#![expect(clippy::panic, reason = "tests state their expectations by panicking")]

mod harness;
mod life;
