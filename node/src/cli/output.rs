//! Standard output: lines for people, or JSON for programs, and tables that line up.
//!
//! It knows nothing of what is printed.

use super::error::CliError;
use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};

/// Where a command prints, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// Whether programs read it: JSON only, nothing else.
    pub(super) json: bool,
}

impl Output {
    /// Prints a line.
    ///
    /// # Errors
    /// The reader is gone, or the disk behind it is full.
    pub(super) fn line(&self, text: impl AsRef<str>) -> Result<(), CliError> {
        self.text(&format!("{}\n", text.as_ref()))
    }

    /// Prints a text as it is.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(super) fn text(&self, text: &str) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => CliError::output_closed(),
            _ => CliError::internal(format!("standard output: {error}")),
        })
    }

    /// Prints a document: indented for itself, or in one line where it is one of a stream.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(super) fn json(&self, value: &impl Serialize, form: Form) -> Result<(), CliError> {
        let text = match form {
            Form::Document => serde_json::to_string_pretty(value),
            Form::Line => serde_json::to_string(value),
        };
        self.line(text.map_err(|error| CliError::internal(format!("writing JSON: {error}")))?)
    }

    /// Prints rows in columns that line up, the first row as their heads.
    ///
    /// # Errors
    /// As [`Output::line`].
    pub(super) fn table(&self, rows: &[Vec<String>]) -> Result<(), CliError> {
        columns(rows).iter().try_for_each(|row| self.line(row))
    }

    /// Whether a person looks at it, so that it can be redrawn in place.
    #[must_use]
    pub(super) fn is_live(&self) -> bool {
        !self.json && std::io::stdout().is_terminal()
    }
}

/// How a JSON document is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The only one.
    Document,
    /// One line of many.
    Line,
}

/// A line on standard error: progress, or what went wrong. Nobody can be told if that fails.
pub(super) fn note(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
}

/// Rows padded so that their columns line up, two spaces between, nothing at the ends.
#[must_use]
pub(super) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let pad = |(cell, width): (&String, &usize)| format!("{cell:<width$}", width = *width);
    rows.iter().map(|row| row.iter().zip(&widths).map(pad).collect::<Vec<_>>().join("  ").trim_end().to_owned()).collect()
}

/// A row of a table.
#[must_use]
pub(super) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_characters_and_end_without_spaces() {
        let rows = [row(["TAG", "VALUE", "UNIT"]), row(["cryo/a/t", "1", "°C"]), row(["b", "22.5", ""])];
        assert_eq!(columns(&rows), ["TAG       VALUE  UNIT", "cryo/a/t  1      °C", "b         22.5"]);
    }
}
