//! Whether the conditions of alarms hold, found by the owner of a segment from the readings that it takes.
//!
//! ```text
//!   every reading ---> judge: level, change or "cannot tell" --+
//!   time passing ----> freshness: how long nothing usable came -+-> speech: words, few ---> log ---> machine
//!   buses' health ---> comm fault: a device does not answer ----+      ^                              |
//!                                                                      +-- what the machine has ------+
//! ```
//!
//! A *word* says that a condition holds, or ended, or cannot be told. It is no transition: delays, acknowledgement, shelves and latches
//! are the replicated machine's. What is said is level-triggered: a detector compares what it finds with what the machine has, so a word
//! that was lost is said again, and a new owner goes on where the former one stopped, with the hysteresis that was in force.
//!
//! Nothing here knows of sockets, tasks, consensus or bytes, and nothing reads a clock (`clippy.toml` refuses it).

mod budget;
mod comm_fault;
mod detector;
mod freshness;
mod inputs;
mod judge;
mod levels;
mod own;
mod rate;
mod speech;
mod suppression;
mod trigger;
mod watch;
mod word;

pub use budget::{WORD_EVERY, WORDS_AT_ONCE};
pub use comm_fault::{Answering, CommFault};
pub use detector::Detector;
pub use freshness::{START_PATIENCE, patience};
pub use inputs::{Inputs, Now, Written};
pub use labkeeper_model::AlarmWord as Word;
pub use own::{CLOCK_APART_S, ClockWatch, DISK_USED, DiskWatch};
pub use speech::CALM_AFTER;
pub use watch::{Spoken, Watch};
pub use word::{Level, Recorded, SEVERITY_INNER, SEVERITY_OUTER};
