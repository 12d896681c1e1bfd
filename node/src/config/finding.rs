//! What is wrong with a file, said so that a person can mend it: where, what, and what to do.
//!
//! It knows nothing of TOML and of what the files are about.

use labkeeper_model::ErrorCode;
use labkeeper_model::site::Severity;
use std::fmt;

/// One finding about one line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the file is refused because of it.
    pub severity: Severity,
    /// The file, as the person named it.
    pub file: String,
    /// The line, from 1; `None` where the file as a whole is meant.
    pub line: Option<usize>,
    /// The key, from the top: `devices.chiller-1.poll`; empty where no key is meant.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Finding {
    /// Whether the file is refused because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    /// `node.toml:7: listen.grpc: "x" is not an address; write it like "0.0.0.0:7600"`, always one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}; {}", self.what.replace('\n', " "), self.remedy.replace('\n', " "))
    }
}

/// A configuration file that is refused as a whole: nothing of it takes effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The kind of refusal.
    pub code: ErrorCode,
    /// Every finding, errors and warnings, in the order of the lines. Never without an error.
    pub findings: Vec<Finding>,
}

impl ConfigError {
    /// The refusal of a file that could not even be read.
    #[must_use]
    pub fn unreadable(code: ErrorCode, file: &str, why: &str) -> Self {
        let finding = Finding {
            severity: Severity::Error,
            file: file.to_owned(),
            line: None,
            key: String::new(),
            what: why.to_owned(),
            remedy: as_clause(code.remedy()),
        };
        Self { code, findings: vec![finding] }
    }
}

/// A sentence in the middle of a line: without its full stop, and in lower case unless it begins with a name.
#[must_use]
pub(crate) fn as_clause(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) if letters.clone().take_while(|c| c.is_alphabetic()).all(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => sentence.to_owned(),
    }
}

impl fmt::Display for ConfigError {
    /// One line for each finding that is an error: `LAB1001 config_invalid: node.toml:7: ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.findings.iter().filter(|finding| finding.is_error());
        for (i, finding) in errors.enumerate() {
            let line_break = if i > 0 { "\n" } else { "" };
            write!(f, "{line_break}{} {}: {finding}", self.code, self.code.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_become_clauses() {
        assert_eq!(as_clause("Run it again."), "run it again");
        assert_eq!(as_clause("NaN is not a setpoint."), "NaN is not a setpoint");
        assert_eq!(as_clause("PLC is down"), "PLC is down");
        assert_eq!(as_clause(""), "");
    }

    #[test]
    fn a_finding_is_one_line_whatever_is_in_it() {
        let error = ConfigError::unreadable(ErrorCode::ConfigUnreadable, "node.toml", "no such\nfile");
        assert_eq!(error.to_string(), "LAB1002 config_unreadable: node.toml: no such file; check the path and its permissions");
    }
}
