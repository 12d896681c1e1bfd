//! One cell: a value of the site file as a spreadsheet shows it, and back.
//!
//! An empty cell is a key that is left out. Texts that a spreadsheet would take for a formula get an apostrophe in front, and so do those
//! that begin with one, so that the first apostrophe of a text is never its own.
//!
//! It knows nothing of rows, and of what keys mean nothing.

use crate::config::kinds::Wrong;
use crate::config::site_toml::duration;
use labkeeper_model::site::ValueType;
use std::time::Duration;
use toml_edit::{InlineTable, Value};

/// What a text must not begin with in a cell (OWASP, "CSV Injection"), and the apostrophe that says so.
const FORMULA_STARTS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];
/// Longest time: 30 years. What makes sense for a key is checked with the whole site.
const TIME_MAX: Duration = Duration::from_secs(1_000_000_000);
/// What stands before the name of the tag that counts an action; no name has a colon.
const PROBE: &str = "probe:";

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A name, a path, or one of a few words: none of them begins like a formula or has spaces around it.
    Word,
    /// A real number.
    Number,
    /// A time in seconds.
    Seconds,
    /// `true`, or nothing.
    Flag,
    /// A value of the row's tag.
    Value,
    /// `true`, or `probe:` and the tag that counts.
    Action,
}

/// A value as a cell.
pub(super) fn encode(kind: Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Seconds, Value::String(text)) => match humantime::parse_duration(text.value()) {
            Ok(time) => time.as_secs_f64().to_string(),
            Err(_) => text.value().clone(),
        },
        (Kind::Text | Kind::Value, Value::String(text)) => escape(text.value()),
        (Kind::Action, Value::InlineTable(table)) => {
            format!("{PROBE}{}", table.get("probe").and_then(Value::as_str).unwrap_or_default())
        }
        (_, Value::String(text)) => text.value().clone(),
        (_, Value::Integer(whole)) => whole.value().to_string(),
        (_, Value::Float(number)) => number.value().to_string(),
        (_, Value::Boolean(flag)) => flag.value().to_string(),
        // No other kind of value is under any of the columns.
        (_, other) => other.to_string(),
    }
}

/// A cell as a value; `None` if it is empty. `value_type` is the tag's.
pub(super) fn decode(kind: Kind, cell: &str, value_type: ValueType) -> Result<Option<Value>, Wrong> {
    let word = cell.trim();
    let is_text = kind == Kind::Text || (kind == Kind::Value && matches!(value_type, ValueType::Text(_)));
    if cell.is_empty() || (word.is_empty() && !is_text) {
        return Ok(None);
    }
    match kind {
        Kind::Text => Ok(Some(unescape(cell).into())),
        Kind::Word => Ok(Some(word.into())),
        Kind::Number => number(word).map(|number| Some(number.into())),
        Kind::Seconds => seconds(word).map(|time| Some(duration(time).into())),
        Kind::Flag => flag(word).map(|flag| flag.then(|| true.into())),
        Kind::Value => tag_value(cell, value_type).map(Some),
        Kind::Action => match word.strip_prefix(PROBE) {
            Some(probe) => Ok(Some(Value::InlineTable(InlineTable::from_iter([("probe", probe.trim())])))),
            None => flag(word).map(|flag| flag.then(|| true.into())),
        },
    }
}

fn escape(text: &str) -> String {
    if text.starts_with(FORMULA_STARTS) { format!("'{text}") } else { text.to_owned() }
}

/// Lines of a cell end as the spreadsheet's system ends them; those of a site file end in a line feed.
fn unescape(cell: &str) -> String {
    cell.strip_prefix('\'').unwrap_or(cell).replace("\r\n", "\n")
}

fn number(word: &str) -> Result<f64, Wrong> {
    let wrong = |what: &str, remedy: &str| Wrong::new(format!("{word:?} {what}"), remedy);
    if word.contains(',') {
        let remedy = "write it like 1000.5: with a point, and nothing between thousands (set the numbers of the spreadsheet to English)";
        return Err(wrong("has a comma", remedy));
    }
    let number: Option<f64> = word.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| wrong("is not a number", "write it like 0.5, without a unit"))
}

fn seconds(word: &str) -> Result<Duration, Wrong> {
    let wrong = |what: &str| Wrong::new(format!("{word:?} {what}"), "give seconds, like 90 or 0.5");
    let time = Duration::try_from_secs_f64(number(word)?).ok().filter(|time| *time <= TIME_MAX);
    let time = time.ok_or_else(|| wrong("is not a time"))?;
    if time.subsec_nanos() % 1_000_000 == 0 { Ok(time) } else { Err(wrong("is finer than a millisecond")) }
}

/// Spreadsheets write TRUE, and some people 1.
fn flag(word: &str) -> Result<bool, Wrong> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Wrong::new(format!("{word:?} is neither true nor false"), "write true, or leave the cell empty")),
    }
}

fn tag_value(cell: &str, value_type: ValueType) -> Result<Value, Wrong> {
    let word = cell.trim();
    match value_type {
        ValueType::Bool => flag(word).map(Value::from),
        ValueType::Text(_) => Ok(unescape(cell).into()),
        // Beyond 2^53 a real number would be another one.
        kind if kind.is_integer() => match word.parse::<i64>() {
            Ok(whole) => Ok(whole.into()),
            Err(_) => number(word).map(Value::from),
        },
        _ => number(word).map(Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: Kind, cell: &str) -> String {
        decode(kind, cell, ValueType::F32).map(drop).expect_err(cell).what
    }

    #[test]
    fn what_a_spreadsheet_would_calculate_is_text_and_comes_back() {
        for text in ["=1+1", "+a", "-a", "@sum", "\tx", "'", "''=", "plain", "a\nb", " spaced "] {
            let cell = encode(Kind::Text, &text.into());
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
            let back = decode(Kind::Text, &cell, ValueType::F32).expect("a text").expect("not empty");
            assert_eq!(back.as_str(), Some(text));
        }
        assert_eq!(encode(Kind::Number, &(-0.5).into()), "-0.5", "a number is no formula");
    }

    #[test]
    fn numbers_have_a_point_and_no_unit() {
        for (cell, what) in [("0,5", "\"0,5\" has a comma"), ("1,000", "\"1,000\" has a comma"), ("5 K", "\"5 K\" is not a number")] {
            assert_eq!(refused(Kind::Number, cell), what);
        }
        for cell in ["NaN", "inf", "1e999", "0x10", "--1"] {
            assert!(refused(Kind::Number, cell).ends_with("is not a number"), "{cell}");
        }
        assert_eq!(decode(Kind::Number, " 1e3 ", ValueType::F32).expect("a number").and_then(|v| v.as_float()), Some(1000.0));
    }

    #[test]
    fn times_are_seconds_to_the_millisecond() {
        for (cell, text) in [("90", "1m 30s"), ("0.001", "1ms"), ("1.5", "1s 500ms"), ("0", "0s")] {
            let value = decode(Kind::Seconds, cell, ValueType::F32).expect(cell).expect("not empty");
            assert_eq!((value.as_str(), encode(Kind::Seconds, &value).as_str()), (Some(text), cell));
        }
        for cell in ["-1", "0.0005", "1e10", "1m", "1,5"] {
            refused(Kind::Seconds, cell);
        }
    }

    #[test]
    fn a_value_is_of_the_tags_own_type() {
        let value = |cell, kind: &str| decode(Kind::Value, cell, ValueType::parse(kind).expect("a type")).map(|v| v.map(|v| v.to_string()));
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(value("TRUE", "bool"), some("true"));
        assert_eq!(value("9007199254740993", "i64"), some("9007199254740993"));
        assert_eq!(value("21", "f64"), some("21.0"));
        assert_eq!(value("21", "string(4)"), some("\"21\""));
        assert!(value("warm", "f32").is_err() && value("2", "bool").is_err());
    }
}
