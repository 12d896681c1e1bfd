//! How a command of the command line fails: what goes to stderr, and the exit code.
//!
//! | exit code | meaning |
//! |---|---|
//! | 1 | it was tried and failed |
//! | 2 | bad usage, or a file that is refused: nothing was tried |

use crate::compose::StartError;
use crate::config::{ConfigError, as_clause};
use labkeeper_model::ErrorCode;
use labkeeper_proto::v1;
use serde::Serialize;
use std::fmt;
use std::process::ExitCode;

/// A failure, ready to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CliError {
    /// What goes to stderr: `LAB4001 no_leader: what, where; what to do`, a line for each finding of a refused file.
    text: String,
    /// 1 or 2.
    exit: u8,
}

impl CliError {
    /// It was tried and failed.
    #[must_use]
    pub(super) fn failed(code: ErrorCode, message: impl AsRef<str>) -> Self {
        Self::failed_with(code, message, code.remedy())
    }

    /// It was tried and failed, with a remedy that fits better than the code's own.
    #[must_use]
    pub(super) fn failed_with(code: ErrorCode, message: impl AsRef<str>, remedy: &str) -> Self {
        Self { text: line(&code.to_string(), message.as_ref(), remedy), exit: 1 }
    }

    /// It was tried and failed, with the answering node's own code and remedy.
    #[must_use]
    pub(super) fn answered(error: &v1::Error) -> Self {
        Self { text: line(&error.code, &error.message, &error.remedy), exit: 1 }
    }

    /// What was asked for makes no sense; nothing was tried.
    #[must_use]
    pub(super) fn usage(code: ErrorCode, message: impl AsRef<str>, remedy: &str) -> Self {
        Self { text: line(&code.to_string(), message.as_ref(), remedy), exit: 2 }
    }

    /// A fault of the program or its computer, with what was being done.
    #[must_use]
    pub(super) fn internal(what: impl AsRef<str>) -> Self {
        Self::failed(ErrorCode::Internal, what)
    }

    /// The reader of standard output is gone (`labkeeper get ... | head`): nothing to tell, and nobody to tell it to.
    #[must_use]
    pub(super) const fn output_closed() -> Self {
        Self { text: String::new(), exit: 0 }
    }

    /// The process's exit code.
    #[must_use]
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }
}

/// One line: code and word, what, what to do.
fn line(code: &str, message: &str, remedy: &str) -> String {
    let word = code.strip_prefix("LAB").and_then(|n| n.parse().ok()).and_then(ErrorCode::from_number).map(ErrorCode::name);
    let head = word.map_or_else(|| code.to_owned(), |word| format!("{code} {word}"));
    let message = message.trim_end_matches('.');
    let text = if remedy.is_empty() { format!("{head}: {message}") } else { format!("{head}: {message}; {}", as_clause(remedy)) };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for CliError {}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self { text: error.to_string(), exit: 2 }
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        Self::failed(error.code, error.message)
    }
}

impl From<clap::Error> for CliError {
    /// clap explains itself over several lines; here it is one, without the usage that `--help` has.
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        let lines = text.trim_start_matches("error: ").lines().map(|line| as_clause(line.trim()));
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("usage:"));
        let message = lines.collect::<Vec<_>>().join("; ");
        Self::usage(ErrorCode::BadRequest, message, "")
    }
}

/// An error in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ErrorJson {
    pub(super) code: String,
    pub(super) message: String,
    remedy: String,
}

impl From<v1::Error> for ErrorJson {
    fn from(error: v1::Error) -> Self {
        Self { code: error.code, message: error.message, remedy: error.remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_code_word_and_remedy() {
        let error = CliError::failed(ErrorCode::NoLeader, "two of three\nnodes are down.");
        assert_eq!(
            error.to_string(),
            "LAB4001 no_leader: two of three nodes are down; wait for an election, or start nodes until a majority runs"
        );
        assert_eq!(error.exit, 1);
    }

    #[test]
    fn an_answer_keeps_the_nodes_own_code_and_remedy() {
        let wire = v1::Error { code: "LAB9999".into(), message: "Something new".into(), remedy: "Upgrade this client.".into() };
        assert_eq!(CliError::answered(&wire).to_string(), "LAB9999: Something new; upgrade this client");
    }

    #[test]
    fn a_refused_file_ends_with_two() {
        let error = ConfigError::unreadable(ErrorCode::ConfigUnreadable, "node.toml", "no such file");
        assert_eq!(CliError::from(error).exit, 2);
    }
}
