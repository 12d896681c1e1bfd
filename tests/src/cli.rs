//! The program as a person or a script runs it: arguments in; exit code, output and errors out.

use crate::process::program;
use anyhow::Context as _;
use std::process::{Output, Stdio};
use std::time::Duration;

/// Longest run of one command: the longest wait that the tests ask for (10 s), and as much again for a busy machine.
const RUN_MAX: Duration = Duration::from_secs(20);

/// What a run of the program left behind.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The arguments, for messages.
    pub line: String,
    /// 0 done, 1 failed, 2 bad usage or configuration.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

impl Ran {
    /// Fails unless it exited with `code`.
    ///
    /// # Errors
    /// When it did not: with everything that it printed.
    pub fn with_code(self, code: i32) -> anyhow::Result<Self> {
        anyhow::ensure!(self.code == code, "wanted exit code {code}\n{self:#?}");
        Ok(self)
    }

    /// Its output as one JSON document.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_str(&self.out).with_context(|| format!("not JSON: {self:#?}"))
    }
}

/// Runs `labkeeper ARGS...` against the nodes at `endpoints`; none leaves the program its default.
///
/// # Errors
/// When it cannot be started, or does not end.
pub async fn run(endpoints: &str, args: &[&str]) -> anyhow::Result<Ran> {
    let mut command = tokio::process::Command::new(program()?);
    command.args(args).env_remove("LABKEEPER_ENDPOINTS").stdin(Stdio::null()).kill_on_drop(true);
    if !endpoints.is_empty() {
        command.env("LABKEEPER_ENDPOINTS", endpoints);
    }
    let output = command.output();
    let line = args.join(" ");
    let Output { status, stdout, stderr } =
        tokio::time::timeout(RUN_MAX, output).await.with_context(|| format!("`labkeeper {line}` does not end"))??;
    Ok(Ran {
        code: status.code().with_context(|| format!("`labkeeper {line}` was killed: {status}"))?,
        line,
        out: String::from_utf8(stdout)?,
        err: String::from_utf8(stderr)?,
    })
}
