//! A part of the terminal that is redrawn in place.
//!
//! It knows nothing of what is drawn. The sequences are those of ECMA-48, which every terminal of the last forty years
//! understands.

use super::error::CliError;
use super::output::Output;

/// Rows of a terminal that does not say how many it has.
const ROWS_DEFAULT: usize = 24;
/// Columns of a terminal that does not say how many it has.
const COLUMNS_DEFAULT: usize = 80;

/// Draws lines from the top of the screen, as many as fit, and clears what is below them.
///
/// # Errors
/// The terminal is gone.
pub(super) fn draw(output: Output, lines: &[String]) -> Result<(), CliError> {
    let (rows, columns) = size();
    output.text(&frame(lines, rows, columns))
}

/// Clears the screen and goes to its last row, where one types.
///
/// # Errors
/// The terminal is gone.
pub(super) fn clear(output: Output) -> Result<(), CliError> {
    output.text(&format!("\x1b[2J\x1b[{};1H", size().0))
}

/// As [`draw`], but leaves the last row and the cursor in it alone, so that one can type there meanwhile.
///
/// # Errors
/// The terminal is gone.
pub(super) fn draw_above_prompt(output: Output, lines: &[String]) -> Result<(), CliError> {
    let (rows, columns) = size();
    output.text(&frame_above_prompt(lines, rows, columns))
}

/// Rows and columns of the terminal on standard output.
fn size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_row > 1 && size.ws_col > 0 => (size.ws_row.into(), size.ws_col.into()),
        _ => (ROWS_DEFAULT, COLUMNS_DEFAULT),
    }
}

/// The lines that fit above the last row of a screen. Where there are too many, the last one stays (it has the summary)
/// and the others are cut, with a word about how many are not shown.
fn fit(lines: &[String], rows: usize, columns: usize) -> Vec<String> {
    let room = rows.saturating_sub(1).max(2);
    let mut shown: Vec<String> = lines.to_vec();
    if lines.len() > room {
        let last = shown.pop().unwrap_or_default();
        shown.truncate(room - 1);
        shown.push(format!("... {} more lines; {last}", lines.len() - room));
    }
    shown.iter().map(|line| line.chars().take(columns).collect()).collect()
}

/// The text that draws lines from the top and clears the rest: `ESC[H` home, `ESC[K` clear to the end of the row, `ESC[J` to the
/// end of the screen.
fn frame(lines: &[String], rows: usize, columns: usize) -> String {
    let body: String = fit(lines, rows, columns).iter().map(|line| format!("{line}\x1b[K\r\n")).collect();
    format!("\x1b[H{body}\x1b[J")
}

/// The same without the last row: `ESC 7` and `ESC 8` keep the cursor.
fn frame_above_prompt(lines: &[String], rows: usize, columns: usize) -> String {
    let mut shown = fit(lines, rows, columns);
    shown.resize(rows.saturating_sub(1).max(2), String::new());
    let body: Vec<String> = shown.iter().map(|line| format!("{line}\x1b[K")).collect();
    format!("\x1b7\x1b[H{}\x1b8", body.join("\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_fits_its_screen() {
        let lines: Vec<String> = (0..10).map(|i| format!("line {i}")).collect();
        let drawn = frame(&lines, 5, 80);
        assert_eq!(drawn, "\x1b[Hline 0\x1b[K\r\nline 1\x1b[K\r\nline 2\x1b[K\r\n... 6 more lines; line 9\x1b[K\r\n\x1b[J");
        assert_eq!(frame(&lines[..1], 5, 4), "\x1b[Hline\x1b[K\r\n\x1b[J");
        assert_eq!(frame_above_prompt(&lines[..1], 4, 80), "\x1b7\x1b[Hline 0\x1b[K\r\n\x1b[K\r\n\x1b[K\x1b8");
    }
}
