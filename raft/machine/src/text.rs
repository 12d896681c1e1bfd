//! Texts in the state: how long they may be, and how values are written into them.
//!
//! Everything that is kept is bounded, so that 100,000 remembered commands have a size. Texts that are kept are also the same on
//! every node, whatever its compiler: the escapes of `{:?}` follow the Unicode tables of the standard library and would differ
//! between two versions of the program, so quoting is spelled out here.

use crate::reply::Rejection;
use labkeeper_model::{ErrorCode, Timestamp, Value};
use std::fmt::Write;
use std::time::Duration;

/// Longest name of whoever asks, in bytes: twice a node's or a person's name.
pub const ACTOR_LEN_MAX: usize = 128;
/// Longest reason, in bytes: a short paragraph.
pub const REASON_LEN_MAX: usize = 500;
/// Longest text given as a value, in bytes: four times what any tag takes (250), so that "too long" is said with the tag's name.
pub const VALUE_LEN_MAX: usize = 1_000;
/// Longest error message that is kept, in bytes; what is longer is cut.
pub const MESSAGE_LEN_MAX: usize = 500;
/// Longest detail of an audit entry, in bytes; what is longer is cut.
pub const DETAIL_LEN_MAX: usize = 2_000;

/// Refuses a text that is longer than `len_max` bytes.
pub(crate) fn check_len(what: &str, text: &str, len_max: usize) -> Result<(), Rejection> {
    if text.len() <= len_max {
        return Ok(());
    }
    Err(Rejection::new(ErrorCode::BadRequest, format!("{what} has {} bytes, more than {len_max}", text.len())))
}

/// The text, cut to `len_max` bytes at a character's boundary; an ellipsis says that it was cut.
pub(crate) fn cut(mut text: String, len_max: usize) -> String {
    const ELLIPSIS: &str = "...";
    if text.len() > len_max {
        let end = (0..=len_max.saturating_sub(ELLIPSIS.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str(ELLIPSIS);
    }
    text
}

/// A text between quotation marks, with `"`, `\` and control characters of ASCII escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_ascii_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value as people read it; a text in quotation marks.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        number => number.to_string(),
    }
}

/// A value with its unit, if it has one.
pub(crate) fn with_unit(text: &str, unit: &str) -> String {
    if unit.is_empty() { text.to_owned() } else { format!("{text} {unit}") }
}

/// The time of day of a time, by UTC, to the second: for what ends within a day.
pub(crate) fn time_of_day(time: Timestamp) -> String {
    let seconds = time.as_millis().div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} UTC", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A duration in the largest unit that needs no fraction: `2s`, `250ms`, `10us`, `7ns`.
pub(crate) fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (divisor, unit) = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")]
        .into_iter()
        .find(|(divisor, _)| nanos.is_multiple_of(*divisor))
        .unwrap_or((1, "ns"));
    format!("{}{unit}", nanos / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_keeps_its_characters_whole_and_its_bound() {
        assert_eq!(cut("short".into(), 10), "short");
        assert_eq!(cut("0123456789x".into(), 10), "0123456...");
        let cut_in_a_character = cut("\u{e9}".repeat(10), 10);
        assert_eq!(cut_in_a_character, format!("{}...", "\u{e9}".repeat(3)));
        assert_eq!(cut("x".repeat(10), 1), "...");
    }

    #[test]
    fn quoting_escapes_what_would_break_a_line() {
        assert_eq!(quoted("a\"b\\c\n\u{e9}"), "\"a\\\"b\\\\c\\x0a\u{e9}\"");
    }

    #[test]
    fn a_time_of_day_is_that_of_its_day() {
        let cases = [(0, "00:00:00 UTC"), (86_399_999, "23:59:59 UTC"), (86_400_000, "00:00:00 UTC"), (-1, "23:59:59 UTC")];
        for (millis, text) in cases {
            assert_eq!(time_of_day(Timestamp::from_millis(millis)), text);
        }
        assert_eq!(time_of_day(Timestamp(i64::MAX)), "23:47:16 UTC");
    }

    #[test]
    fn durations_have_no_fractions() {
        let cases = [(0, "0s"), (7, "7ns"), (10_000, "10us"), (250_000_000, "250ms"), (1_500_000_000, "1500ms"), (2_000_000_000, "2s")];
        for (nanos, text) in cases {
            assert_eq!(duration(Duration::from_nanos(nanos)), text);
        }
        assert_eq!(duration(Duration::MAX), format!("{}ns", Duration::MAX.as_nanos()));
    }
}
