//! Supervision as in Erlang/OTP, on tokio: a tree of tasks in which a fault is met by a restart, at the lowest level that cures it.
//!
//! ```text
//!   system.rs  the whole tree: look at it, change it          children.rs  a handle on one supervisor
//!        │                                                        │
//!        ▼                                                        ▼
//!   cell.rs    one status per child ◄──shows── tree.rs  the shell: one task per supervisor ◄── command.rs
//!                                                │ asks                    │ spawns
//!                                                ▼                         ▼
//!   group.rs   which children run, in which      decide.rs intensity.rs    incarnation.rs  one task per child
//!              order they start and stop         backoff.rs check.rs       context.rs      what it is given
//! ```
//!
//! `group`, `decide`, `intensity`, `backoff` and `check` are pure: time and chance are passed in. The rest waits and spawns.
//!
//! Promises, in the words of OTP: children are started in order, each when those before it are ready, and stopped in reverse
//! order, each within its deadline and aborted after it. A failed child is restarted with those that depend on it, within a limit;
//! beyond it, the fault goes up to the next supervisor, or the child alone is quarantined. There are never two incarnations
//! of one child: a successor is started only when everything of its predecessor has been dropped, also when it was aborted.
//! When a supervisor goes, in whatever way, everything below it goes too.
//!
//! ```
//! use labkeeper_supervision::{ChildSpec, State, Strategy, SupervisorSpec, System};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = ChildSpec::worker("bus", |context| async move {
//!     context.ready();
//!     context.cancelled().await;
//!     Ok(())
//! });
//! let spec = SupervisorSpec { strategy: Strategy::OneForOne, intensity: 5, period: Duration::from_secs(10), children: vec![bus] };
//! let (system, root) = System::new("node", spec)?;
//! let stop = tokio_util::sync::CancellationToken::new();
//! let running = tokio::spawn(root.run(stop.clone()));
//!
//! let mut changes = system.changes();
//! changes.wait_for(|_| system.find("node/bus").is_some_and(|bus| bus.state == State::Running)).await?;
//! stop.cancel();
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! It knows nothing of devices, nodes or leases, and has no state outside of a [`System`] but the process's panic hook. It cannot
//! end a child that blocks its thread: such a child is shown as stopping and busy, and is not replaced.

mod backoff;
mod cell;
mod check;
mod children;
mod command;
mod context;
mod decide;
mod exit;
mod group;
mod incarnation;
mod intensity;
mod member;
mod panic;
mod spec;
mod status;
mod system;
mod tree;

pub use backoff::Backoff;
pub use check::{SpecError, SpecFault};
pub use children::Children;
pub use command::CommandError;
pub use context::Context;
pub use decide::{Scope, Verdict, decide};
pub use exit::{Exit, GaveUp, Panic, Reason};
pub use intensity::RestartWindow;
pub use spec::{ChildError, ChildFuture, ChildSpec, OnGiveUp, Restart, Role, Start, Strategy, SupervisorSpec};
pub use status::{ChildStatus, Kind, MailboxStats, State};
pub use system::{Root, System};

/// The monotonic clock, which a test can pause.
fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}
