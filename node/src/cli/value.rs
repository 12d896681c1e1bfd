//! Values between the command line, JSON and the wire.

use labkeeper_model::{Timestamp, Value};
use serde_json::json;
use std::time::Duration;

/// What a person typed as a value: `true` and `false`, whole numbers, real numbers (`nan` too, which nodes refuse as a
/// setpoint), and whatever is left is text.
#[must_use]
pub(super) fn parse(text: &str) -> Value {
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(value) = text.parse() {
        return Value::I64(value);
    }
    if let Ok(value) = text.parse() {
        return Value::U64(value);
    }
    text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::F64)
}

/// The value as JSON's own type; NaN and infinity, which JSON lacks, are null.
#[must_use]
pub(super) fn to_json(value: Option<&Value>) -> serde_json::Value {
    match value {
        None => serde_json::Value::Null,
        Some(Value::Bool(v)) => json!(v),
        Some(Value::I64(v)) => json!(v),
        Some(Value::U64(v)) => json!(v),
        Some(Value::F64(v)) => json!(v),
        Some(Value::Text(v)) => json!(v),
    }
}

/// The value for people: real numbers with six significant digits, which is more than any sensor here has, and very
/// small or large ones (pressures) with an exponent.
#[must_use]
pub(super) fn to_text(value: Option<&Value>) -> String {
    match value {
        None => "-".to_owned(),
        Some(Value::F64(v)) if v.is_finite() => {
            let rounded: f64 = format!("{v:.5e}").parse().unwrap_or(*v);
            let size = rounded.abs();
            if size != 0.0 && !(1e-3..1e9).contains(&size) { format!("{rounded:e}") } else { rounded.to_string() }
        }
        Some(other) => other.to_string(),
    }
}

/// RFC 3339 in UTC: `2026-03-01T12:00:00.123456789Z`.
#[must_use]
pub(super) fn time(time: Timestamp) -> String {
    // Every 64-bit count of nanoseconds lies between the years 1677 and 2262, which jiff can hold.
    jiff::Timestamp::from_nanosecond(i128::from(time.0)).unwrap_or_default().to_string()
}

/// How long ago, for people: `0.3 s`, `12 s`, `5 min`, `2 h`, `3 d`.
#[must_use]
pub(super) fn age(time: Timestamp, now: Timestamp) -> String {
    span(now.saturating_since(time))
}

/// How long, for people: as [`age`].
#[must_use]
pub(super) fn span(span: Duration) -> String {
    match span.as_secs_f64() {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3_600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_the_narrowest_kind() {
        assert_eq!(parse("true"), Value::Bool(true));
        assert_eq!(parse("-5"), Value::I64(-5));
        assert_eq!(parse("18446744073709551615"), Value::U64(u64::MAX));
        assert_eq!(parse("12.5"), Value::F64(12.5));
        assert_eq!(parse("1e3"), Value::F64(1000.0));
        assert!(matches!(parse("nan"), Value::F64(v) if v.is_nan()), "nodes refuse it, with their code");
        assert_eq!(parse("True"), Value::Text("True".into()));
        assert_eq!(parse("12 bar"), Value::Text("12 bar".into()));
        assert_eq!(parse(""), Value::Text(String::new()));
    }

    #[test]
    fn json_has_its_own_types() {
        let all = [Value::Bool(true), Value::I64(-1), Value::U64(u64::MAX), Value::F64(0.5), Value::F64(f64::NAN), Value::Text("x".into())];
        let texts: Vec<String> = all.iter().map(|v| to_json(Some(v)).to_string()).collect();
        assert_eq!(texts, ["true", "-1", "18446744073709551615", "0.5", "null", "\"x\""]);
        assert_eq!(to_json(None), serde_json::Value::Null);
    }

    #[test]
    fn people_see_six_digits() {
        let text = |v: f64| to_text(Some(&Value::F64(v)));
        assert_eq!(text(f64::from(12.3f32)), "12.3");
        assert_eq!(text(3.2e-7), "3.2e-7");
        assert_eq!(
            (text(0.0), text(-0.001), text(1013.25), text(123_456_789.0)),
            ("0".into(), "-0.001".into(), "1013.25".into(), "123457000".into())
        );
        assert_eq!(text(f64::NAN), "NaN");
    }

    #[test]
    fn times_are_utc_and_ages_are_short() {
        assert_eq!(time(Timestamp(1_772_366_400_123_000_000)), "2026-03-01T12:00:00.123Z");
        let age_of = |seconds: i64| age(Timestamp(0), Timestamp(seconds * 1_000_000_000));
        assert_eq!([age_of(1), age_of(60), age_of(600), age_of(7_200), age_of(200_000)], ["1.0 s", "60 s", "10 min", "2 h", "2 d"]);
        assert_eq!(age(Timestamp(5), Timestamp(0)), "0.0 s", "a clock ahead of ours is no age");
    }
}
