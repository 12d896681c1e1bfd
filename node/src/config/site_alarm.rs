//! Alarms and their classes in `site.toml`.
//!
//! ```toml
//! alarms = [
//!   { name = "hot", type = "hi", limit = 30.0, deadband = 0.5, priority = "high", guidance = "open the bypass" },
//!   { name = "range", type = "levels", lolo = 2.0, lo = 5.0, hi = 30.0, hihi = 35.0, priority = "medium" },
//! ]
//! [classes.personnel]
//! highly_managed = true
//! ```

use super::kinds::{self, Wrong};
use super::site_fence::any_value;
use super::source::Table;
use labkeeper_model::TagPath;
use labkeeper_model::site::{AlarmClass, AlarmKind, AlarmSpec, Guidance, Levels, Priority};
use std::time::Duration;
use toml::de::DeValue;

/// How long a write is given to settle where a discrepancy names nothing: as long as it has to be verified.
const SETTLE_DEFAULT: Duration = labkeeper_model::site::TagSpec::VERIFY_TIMEOUT_DEFAULT;

/// Reads one alarm. `None` if it lacks what nobody can guess; then the reason is among the findings.
pub(super) fn read(table: Table<'_>) -> Option<AlarmSpec> {
    let name = table.need("name", "\"high\"", kinds::name);
    let kind = table.need("type", "\"hi\"", kind_word).and_then(|word| kind(&table, word));
    let priority = table.need("priority", "\"high\"", kinds::word(&Priority::ALL));
    let spec = AlarmSpec {
        deadband: table.get("deadband", kinds::number).unwrap_or(0.0),
        on_delay: table.get("on_delay", kinds::duration).unwrap_or_default(),
        off_delay: table.get("off_delay", kinds::duration).unwrap_or_default(),
        class: table.get("class", kinds::name),
        guidance: guidance(&table),
        re_alarm: table.get("re_alarm", kinds::duration),
        suppress_when: table.get("suppress_when", kinds::text),
        ..AlarmSpec::default()
    };
    table.finish();
    Some(AlarmSpec { name: name?, kind: kind?, priority: priority?, ..spec })
}

fn kind_word(value: &DeValue<'_>) -> Result<&'static str, Wrong> {
    let text = kinds::text(value)?;
    let known = || AlarmKind::WORDS.map(|word| format!("{word:?}")).join(", ");
    let word = AlarmKind::WORDS.into_iter().find(|word| *word == text);
    word.ok_or_else(|| Wrong::new(format!("there is no {text:?} here"), format!("choose one of {}", known())))
}

fn kind(table: &Table<'_>, word: &str) -> Option<AlarmKind> {
    let limit = || table.need("limit", "30.0", kinds::number);
    let levels = |set: fn(&mut Levels) -> &mut Option<f64>| {
        let mut levels = Levels::default();
        *set(&mut levels) = Some(limit()?);
        Some(AlarmKind::Levels(levels))
    };
    match word {
        "hihi" => levels(|levels| &mut levels.hihi),
        "hi" => levels(|levels| &mut levels.hi),
        "lo" => levels(|levels| &mut levels.lo),
        "lolo" => levels(|levels| &mut levels.lolo),
        "levels" => {
            let [lolo, lo, hi, hihi] = ["lolo", "lo", "hi", "hihi"].map(|key| table.get(key, kinds::number));
            Some(AlarmKind::Levels(Levels { lolo, lo, hi, hihi }))
        }
        "deviation" => Some(AlarmKind::Deviation { from: table.get("from", tag), limit: limit()? }),
        "rate" => {
            let (per_s, over) = (table.need("per_s", "0.5", kinds::number), table.need("over", "\"10s\"", kinds::duration));
            Some(AlarmKind::Rate { per_s: per_s?, over: over? })
        }
        "equals" => Some(AlarmKind::Equals { value: table.need("value", "true", any_value)? }),
        "changed" => Some(AlarmKind::Changed),
        "discrepancy" => {
            let tolerance = table.need("tolerance", "0.5", kinds::number);
            let settle = table.get("settle", kinds::duration).unwrap_or(SETTLE_DEFAULT);
            Some(AlarmKind::Discrepancy { tolerance: tolerance?, settle })
        }
        "stale" => Some(AlarmKind::Stale { after: table.need("after", "\"30s\"", kinds::duration)? }),
        _ => Some(AlarmKind::Expression { source: table.need("expr", "\"cryo/chiller-1/flow < 2\"", kinds::text)? }),
    }
}

/// A tag by its path.
pub(super) fn tag(value: &DeValue<'_>) -> Result<TagPath, Wrong> {
    let text = kinds::text(value)?;
    TagPath::parse(&text).map_err(|why| Wrong::new(format!("{text:?}: {why}"), "write it like \"cryo/chiller-1/flow\""))
}

fn guidance(table: &Table<'_>) -> Guidance {
    Guidance {
        action: table.get("guidance", kinds::text).unwrap_or_default(),
        consequence: table.get("consequence", kinds::text).unwrap_or_default(),
        response_time: table.get("response_time", kinds::duration),
        link: table.get("link", kinds::text).unwrap_or_default(),
    }
}

/// Reads one class.
pub(super) fn class(table: Table<'_>) -> AlarmClass {
    let default = AlarmClass::default();
    let class = AlarmClass {
        description: table.get("description", kinds::text).unwrap_or_default(),
        shelvable: table.get("shelvable", kinds::flag).unwrap_or(default.shelvable),
        max_shelve: table.get("max_shelve", kinds::duration).unwrap_or(default.max_shelve),
        needs_comment: table.get("needs_comment", kinds::flag).unwrap_or_default(),
        latching: table.get("latching", kinds::flag).unwrap_or_default(),
        highly_managed: table.get("highly_managed", kinds::flag).unwrap_or_default(),
    };
    table.finish();
    class
}
