//! What was acknowledged is there again: after the process is killed, and after the power is cut.
//!
//! The writing is done by a child process: this program again, told so by its environment. It writes to the real log store and
//! says on its output what has been acknowledged.

#![expect(clippy::panic, clippy::print_stderr, reason = "tests state their expectations by panicking, and say what they could not undo")]

mod child;
mod kill;
mod power_cut;
