//! The processes of a demonstration, and that none of them outlives it.
//!
//! ```text
//! started --ends by itself, or is killed--> ended (why) --started again--> started
//!    ^ \__frozen__v
//!    +--thawed-- stopped in its tracks: its connections stay open, and nobody answers
//! ```
//!
//! Three bonds, from gentle to certain: an orderly stop (SIGTERM, then SIGKILL); killed when dropped; and killed by the
//! kernel when this process is gone, whatever ended it (see [`crate::cli::parent`]).

use super::dir::Dir;
use crate::cli::error::CliError;
use crate::cli::parent::child_arguments;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout_at};

/// How long an orderly stop may take: a node's own bound is 8 s, and a second to spare for a busy machine.
const STOP_MAX: Duration = Duration::from_secs(9);

/// One process: how to start it, and whether it runs.
#[derive(Debug)]
pub(super) struct Process {
    /// `sim`, `lab-a`, ...
    pub(super) name: String,
    arguments: Vec<String>,
    dir: Dir,
    child: Option<Child>,
    /// Whether it is stopped in its tracks.
    is_frozen: bool,
    /// How it ended last.
    ended: Option<ExitStatus>,
}

impl Process {
    /// A process of this very program with other arguments; it is not started yet. It logs to `NAME.log`.
    #[must_use]
    pub(super) fn new(dir: &Dir, name: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).chain(child_arguments()).collect();
        Self { name: name.to_owned(), arguments, dir: dir.clone(), child: None, is_frozen: false, ended: None }
    }

    /// Starts it, if it does not run; lets it go on, if it is frozen. Must be called on the thread that lives as long as the program.
    ///
    /// # Errors
    /// The log or the program cannot be opened.
    pub(super) fn start(&mut self) -> Result<(), CliError> {
        if self.is_running() {
            self.thaw();
            return Ok(());
        }
        let fault = |error: std::io::Error| CliError::internal(format!("starting {}: {error}", self.name));
        let log_path = self.dir.file(&format!("{}.log", self.name));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log_path).map_err(fault)?;
        let mut command = Command::new(std::env::current_exe().map_err(fault)?);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(log.try_clone().map_err(fault)?).stderr(log);
        // A group of its own: Ctrl-C goes to this program alone, which then stops the others in order.
        command.process_group(0).kill_on_drop(true);
        (self.child, self.is_frozen) = (Some(command.spawn().map_err(fault)?), false);
        Ok(())
    }

    /// Whether it runs.
    pub(super) fn is_running(&mut self) -> bool {
        let Some(child) = &mut self.child else { return false };
        match child.try_wait() {
            Ok(Some(status)) => {
                (self.child, self.ended) = (None, Some(status));
                false
            }
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Whether it runs and is not frozen.
    pub(super) fn is_up(&mut self) -> bool {
        self.is_running() && !self.is_frozen
    }

    /// How it fares, for people: its process id, or how it ended.
    pub(super) fn state(&mut self) -> String {
        if self.is_running() {
            let pid = self.child.as_ref().and_then(Child::id);
            let frozen = if self.is_frozen { ", frozen" } else { "" };
            return pid.map_or_else(|| "running".to_owned(), |pid| format!("pid {pid}{frozen}"));
        }
        self.ended.map_or_else(|| "not started".to_owned(), |status| format!("down: {status}"))
    }

    /// The last line of its log.
    #[must_use]
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.dir.file(&format!("{}.log", self.name))).unwrap_or_default();
        log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
    }

    /// Kills it at once, as a power cut would, and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself in this moment, which is as good.
            let _ = child.kill().await;
        }
        self.is_running();
    }

    /// Stops it in its tracks, as swapping or a paused virtual machine would.
    pub(super) fn freeze(&mut self) {
        self.signal(Signal::STOP);
        self.is_frozen = self.is_running();
    }

    /// Lets it go on where it was frozen.
    pub(super) fn thaw(&mut self) {
        self.signal(Signal::CONT);
        self.is_frozen = false;
    }

    fn terminate(&mut self) {
        self.signal(Signal::TERM);
        // A frozen process hears nothing before it goes on.
        self.thaw();
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.as_ref().and_then(Child::id).and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself in this moment; whoever looks next sees that.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Stops processes in an orderly way, all at the same time; whoever takes too long is killed.
pub(super) async fn stop(processes: &mut [Process]) {
    let give_up = Instant::now() + STOP_MAX;
    processes.iter_mut().for_each(Process::terminate);
    for process in processes {
        if let Some(child) = &mut process.child
            && timeout_at(give_up, child.wait()).await.is_err()
        {
            process.kill().await;
        }
    }
}
