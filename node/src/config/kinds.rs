//! Single TOML values turned into our types, each refusal with a remedy.
//!
//! It knows nothing of files, keys and lines; [`super::source`] adds those.

use labkeeper_model::Name;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::de::DeValue;

/// Why a value is unusable, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What is wrong, to be read after the key.
    pub(super) what: String,
    /// What to do.
    pub(super) remedy: String,
}

impl Wrong {
    /// A refusal with its remedy.
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }

    /// The refusal of a value of the wrong TOML kind; `wanted` is a kind with its article.
    pub(super) fn kind(wanted: &str, got: &DeValue<'_>) -> Self {
        let remedy = if wanted == "a text" { "put it in quotes".to_owned() } else { format!("write {wanted}") };
        Self::new(format!("takes {wanted}, not {}", kind_in_words(got)), remedy)
    }
}

const fn kind_in_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a real number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Any text.
pub(super) fn text(value: &DeValue<'_>) -> Result<String, Wrong> {
    Ok(borrowed(value)?.to_owned())
}

fn borrowed<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Wrong> {
    value.as_str().ok_or_else(|| Wrong::kind("a text", value))
}

/// A name of a node, segment, device, tag or alarm.
pub(super) fn name(value: &DeValue<'_>) -> Result<Name, Wrong> {
    let text = borrowed(value)?;
    Name::new(text).map_err(|why| Wrong::new(format!("{text:?}: {why}"), "choose a name like \"chiller-1\""))
}

/// A real number; an integer counts as one.
pub(super) fn number(value: &DeValue<'_>) -> Result<f64, Wrong> {
    let parsed = match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse().ok(),
        _ => None,
    };
    parsed.ok_or_else(|| Wrong::kind("a number", value))
}

/// True or false.
pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| Wrong::kind("true or false", value))
}

/// A whole number in a range.
pub(super) fn whole(range: RangeInclusive<i64>) -> impl Fn(&DeValue<'_>) -> Result<i64, Wrong> {
    move |value| {
        let DeValue::Integer(integer) = value else { return Err(Wrong::kind("a whole number", value)) };
        i64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| range.contains(n)).ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            Wrong::new(format!("{integer} is not between {from} and {to}"), format!("give a whole number from {from} to {to}"))
        })
    }
}

/// A duration in whole milliseconds, which is what travels between nodes: `"100ms"`, `"1.5s"`, `"1m 30s"`.
pub(super) fn duration(value: &DeValue<'_>) -> Result<Duration, Wrong> {
    const REMEDY: &str = "write it like \"100ms\" or \"1.5s\"";
    let text = value.as_str().ok_or_else(|| Wrong::new(format!("takes a duration, not {}", kind_in_words(value)), REMEDY))?;
    let wrong = |why: &str| Wrong::new(format!("{text:?} {why}"), REMEDY);
    let duration = humantime::parse_duration(text).map_err(|_| wrong("is not a duration"))?;
    if duration.subsec_nanos() % 1_000_000 != 0 {
        return Err(wrong("is finer than a millisecond"));
    }
    Ok(duration)
}

/// One of a fixed set of words.
pub(super) fn word<T: Copy>(words: &'static [(T, &'static str)]) -> impl Fn(&DeValue<'_>) -> Result<T, Wrong> {
    move |value| {
        let text = borrowed(value)?;
        words.iter().find(|(_, word)| *word == text).map(|(meaning, _)| *meaning).ok_or_else(|| {
            let known: Vec<String> = words.iter().map(|(_, word)| format!("{word:?}")).collect();
            Wrong::new(format!("there is no {text:?} here"), format!("choose one of {}", known.join(", ")))
        })
    }
}

/// A list of values of one kind.
pub(super) fn list<T>(item: impl Fn(&DeValue<'_>) -> Result<T, Wrong>) -> impl Fn(&DeValue<'_>) -> Result<Vec<T>, Wrong> {
    move |value| {
        let array = value.as_array().ok_or_else(|| Wrong::kind("a list", value))?;
        array.iter().map(|element| item(element.get_ref())).collect()
    }
}

/// Whether a text is `host:port` with a port that can be connected to.
pub(crate) fn is_host_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let host_ok = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/');
        host_ok && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed<T>(toml: &str, kind: impl Fn(&DeValue<'_>) -> Result<T, Wrong>) -> Result<T, String> {
        let value = DeValue::parse(toml).expect("TOML");
        kind(value.get_ref()).map_err(|wrong| format!("{}; {}", wrong.what, wrong.remedy))
    }

    #[test]
    fn durations_are_whole_milliseconds() {
        assert_eq!(parsed("'100ms'", duration), Ok(Duration::from_millis(100)));
        assert_eq!(parsed("'1.5s'", duration), Ok(Duration::from_millis(1500)));
        assert_eq!(parsed("'1m 30s'", duration), Ok(Duration::from_secs(90)));
        assert_eq!(parsed("'0.25 h'", duration), Ok(Duration::from_secs(900)));
        for bad in ["'100'", "100", "'1.5'", "'.5s'", "'-1s'", "'1.5.5s'", "''", "'1e3s'"] {
            assert!(parsed(bad, duration).is_err(), "{bad}");
        }
        let fine = parsed("'1500us'", duration).expect_err("finer than a millisecond");
        assert_eq!(fine, "\"1500us\" is finer than a millisecond; write it like \"100ms\" or \"1.5s\"");
    }

    #[test]
    fn numbers_are_checked_against_their_range() {
        assert_eq!(parsed("0x10", whole(0..=255)), Ok(16));
        assert!(parsed("256", whole(0..=255)).is_err());
        assert!(parsed("1.0", whole(0..=255)).is_err());
        assert_eq!(parsed("1_000", number), Ok(1000.0));
        assert_eq!(parsed("-2.5e3", number), Ok(-2500.0));
        assert!(parsed("'5'", number).is_err());
    }

    #[test]
    fn a_word_that_is_not_known_names_those_that_are() {
        const WORDS: &[(u8, &str)] = &[(1, "big"), (2, "little")];
        assert_eq!(parsed("'little'", word(WORDS)), Ok(2));
        assert_eq!(parsed("'middle'", word(WORDS)), Err("there is no \"middle\" here; choose one of \"big\", \"little\"".into()));
    }

    #[test]
    fn host_and_port_are_both_needed() {
        assert!(is_host_port("10.1.0.40:502") && is_host_port("[::1]:502") && is_host_port("plc.lab:502"));
        for bad in ["10.1.0.40", ":502", "host:", "host:0", "host:65536", "ho st:1", "http://x:1"] {
            assert!(!is_host_port(bad), "{bad}");
        }
    }
}
