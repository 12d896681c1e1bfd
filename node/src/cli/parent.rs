//! Ending with the process that started this one, so that a demonstration that is killed leaves nothing behind.
//!
//! The kernel does it: whatever becomes of the parent, even by SIGKILL, this process gets SIGKILL in the same moment. A
//! node must bear that anyway.

use super::error::CliError;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// Arguments of commands that may be children.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct ParentArgs {
    /// End when the process of this id ends, which must have started this one
    #[arg(long, value_name = "PID", hide = true)]
    end_with: Option<i32>,
}

/// The arguments that bind a child to this process. The bond is to the thread that starts the child, so start it
/// on one that lives as long as the process.
#[must_use]
pub(super) fn child_arguments() -> [String; 2] {
    ["--end-with".to_owned(), std::process::id().to_string()]
}

/// Binds this process to its parent, if the arguments ask for it.
///
/// # Errors
/// The parent has ended in the meantime, or the kernel refuses.
pub(super) fn end_with(args: &ParentArgs) -> Result<(), CliError> {
    let Some(parent) = args.end_with else { return Ok(()) };
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| CliError::internal(format!("binding to the parent: {error}")))?;
    // It may have ended before the bond was made.
    if getppid().map(Pid::as_raw_pid) == Some(parent) {
        Ok(())
    } else {
        Err(CliError::internal(format!("process {parent}, which started this one, has ended")))
    }
}
