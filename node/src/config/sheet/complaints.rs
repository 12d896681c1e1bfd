//! What is wrong with a sheet, all of it at once: the row as the spreadsheet numbers it, and the column by its head.

use crate::config::kinds::Wrong;
use crate::config::{ConfigError, Finding};
use labkeeper_model::ErrorCode;
use labkeeper_model::site::Severity;

/// What was found wrong so far.
pub(super) struct Complaints {
    file: String,
    findings: Vec<Finding>,
}

impl Complaints {
    /// None yet about the sheet of this name.
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), findings: vec![] }
    }

    /// Remembers an error.
    pub(super) fn error(&mut self, row: usize, column: &str, wrong: Wrong) {
        let Wrong { what, remedy } = wrong;
        let (file, key) = (self.file.clone(), column.to_owned());
        self.findings.push(Finding { severity: Severity::Error, file, line: Some(row), key, what, remedy });
    }

    /// Whether the sheet can be taken over.
    ///
    /// # Errors
    /// Everything that was found.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        if self.findings.is_empty() {
            return Ok(());
        }
        Err(ConfigError { code: ErrorCode::SheetInvalid, findings: self.findings })
    }
}
