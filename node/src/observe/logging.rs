//! The log: for people on a terminal, JSON otherwise.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// What is logged where `LABKEEPER_LOG` says nothing: our own events, and of libraries only errors. Consensus warns at each attempt to
/// reach a node that is down, many times a second; that is told once, by whoever watches the nodes.
const FILTER_DEFAULT: &str = "error,labkeeper=info,labkeeper_raft=info,labkeeper_drivers=info";

/// Sets up logging to standard error; `LABKEEPER_LOG` filters it (`debug`, `labkeeper=trace`, ...). Called once per process;
/// a second call changes nothing.
pub fn init_logging() {
    let filter = EnvFilter::try_from_env("LABKEEPER_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER_DEFAULT));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let outcome = if std::io::stderr().is_terminal() { builder.try_init() } else { builder.json().flatten_event(true).try_init() };
    // Already set up by whoever embeds this crate: theirs counts.
    drop(outcome);
}
