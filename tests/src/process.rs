//! One process of a test: started, killed, paused, and never left behind.
//!
//! Dropping it kills it. If the test itself is killed, nothing drops, so every process runs under `setpriv --pdeathsig
//! KILL`: the kernel ends it with the thread that started it. Start processes from the test's own task, not from a
//! spawned one, whose thread may end sooner.

use crate::wait;
use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A running (or ended) process whose output goes to a file.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the `labkeeper` program; its output is appended to `log`.
    ///
    /// # Errors
    /// When the program or the log file cannot be opened.
    pub fn labkeeper(name: &str, args: &[&str], log: &Path) -> anyhow::Result<Self> {
        Self::start(name, &program()?, args, log)
    }

    /// As [`Process::labkeeper`], behind a command that takes the program as its arguments (`nsenter --net=...`), with
    /// environment variables.
    ///
    /// # Errors
    /// When the program or the log file cannot be opened.
    pub fn labkeeper_behind(name: &str, enter: &[String], args: &[&str], env: &[(String, String)], log: &Path) -> anyhow::Result<Self> {
        let program = program()?.display().to_string();
        let line: Vec<&str> = enter.iter().map(String::as_str).chain([program.as_str()]).chain(args.iter().copied()).collect();
        Self::spawn(name, &line, env, log)
    }

    /// Starts any program; its output is appended to `log`.
    ///
    /// # Errors
    /// When the program or the log file cannot be opened.
    pub fn start(name: &str, program: &Path, args: &[&str], log: &Path) -> anyhow::Result<Self> {
        let program = program.display().to_string();
        let line: Vec<&str> = [program.as_str()].into_iter().chain(args.iter().copied()).collect();
        Self::spawn(name, &line, &[], log)
    }

    fn spawn(name: &str, line: &[&str], env: &[(String, String)], log: &Path) -> anyhow::Result<Self> {
        let output = File::options().create(true).append(true).open(log).with_context(|| format!("opening {}", log.display()))?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(line)
            .envs(env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("starting setpriv (package util-linux)")?;
        Ok(Self { name: name.to_owned(), child, log: log.to_path_buf() })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power cut would: no handler runs. Returns when it is gone.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("a process has a positive number")?;
        kill_process(pid, signal).with_context(|| format!("sending {signal:?} to {}", self.name))
    }

    /// Its exit status if it has ended.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// When it has not ended by the deadline.
    pub async fn end(&mut self, deadline: Duration) -> anyhow::Result<ExitStatus> {
        let what = format!("{} to end", self.name);
        let child = std::cell::RefCell::new(&mut self.child);
        wait::until(&what, deadline, || async { child.borrow_mut().try_wait()?.context("it runs") }).await
    }

    /// Fails if it has ended.
    ///
    /// # Errors
    /// When it has ended: with its exit status and the end of its log.
    pub fn must_run(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.ended()? {
            bail!("{} ended with {status}\n{}", self.name, self.log_tail(30));
        }
        Ok(())
    }

    /// Everything that it has written.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The last lines that it has written, under a heading with the file's path.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        let log = self.log();
        let all: Vec<&str> = log.lines().collect();
        let tail = &all[all.len().saturating_sub(lines)..];
        format!("--- {} ({}), last {} of {} lines\n{}\n", self.name, self.log.display(), tail.len(), all.len(), tail.join("\n"))
    }

    /// Fails if it has panicked: no input and no fault may do that.
    ///
    /// # Errors
    /// When its log has a panic.
    pub fn must_not_have_panicked(&self) -> anyhow::Result<()> {
        ensure!(!self.log().contains("panicked at"), "{} panicked\n{}", self.name, self.log_tail(60));
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under test: `LABKEEPER_BIN`, or what `make build` builds.
///
/// # Errors
/// When there is none, or it is older than its own sources.
pub fn program() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("LABKEEPER_BIN") {
        return Ok(path.into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| crate::repo::root().join("target"), PathBuf::from);
    let program = target.join("debug/labkeeper");
    let built = std::fs::metadata(&program).with_context(|| format!("{} is missing: run `make build`", program.display()))?.modified()?;
    // Cargo's own list of what the program was built from.
    let sources = std::fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    for source in sources.split_whitespace().skip(1) {
        let changed = std::fs::metadata(source).and_then(|m| m.modified()).is_ok_and(|changed| changed > built);
        ensure!(!changed, "{} is older than {source}: run `make build`", program.display());
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(dir: &Path) -> Process {
        Process::start("sleeper", Path::new("sleep"), &["1000"], &dir.join("log")).unwrap()
    }

    fn exists(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let pid = sleeper(dir.path()).child.id();
        assert!(!exists(pid), "it was dropped at once");
    }

    #[test]
    fn a_process_dies_with_the_thread_that_started_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_path_buf();
        // `forget` stands for a test that is itself killed: nothing is dropped.
        let pid = std::thread::spawn(move || {
            let process = sleeper(&path);
            // Killed before `setpriv` has asked for the signal, it would live on.
            while std::fs::read_to_string(format!("/proc/{}/comm", process.child.id())).unwrap() != "sleep\n" {
                std::thread::yield_now();
            }
            let pid = process.child.id();
            std::mem::forget(process);
            pid
        });
        let pid = pid.join().unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let began = std::time::Instant::now();
        while !state().contains(") Z ") && began.elapsed() < Duration::from_secs(5) {
            std::thread::yield_now();
        }
        assert!(state().contains(") Z "), "it still runs: {}", state());
    }

    #[tokio::test]
    async fn an_ended_process_says_how_it_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mut process = Process::start("false", Path::new("false"), &[], &dir.path().join("log")).unwrap();
        assert_eq!(process.end(wait::SOON).await.unwrap().code(), Some(1));
        assert!(process.must_run().unwrap_err().to_string().contains("false ended with exit status: 1"));
    }
}
