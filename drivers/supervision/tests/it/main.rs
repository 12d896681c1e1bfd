//! What the crate promises, seen from outside: real tasks on a paused clock. Where a test blocks a thread the clock is real.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests state their expectations by panicking, and the children here do so on purpose"
)]

mod children;
mod hang;
mod limits;
mod order;
mod panics;
mod strategies;
mod stuck;
mod support;
mod tree;
