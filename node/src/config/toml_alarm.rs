//! Alarms and their classes, written out as they are read.

use super::site_toml::{any_value, duration, set_duration, set_text};
use labkeeper_model::site::{AlarmClass, AlarmKind, AlarmSpec, Levels};
use toml_edit::{Array, InlineTable, Table, Value, value};

pub(super) fn alarms(alarms: &[AlarmSpec]) -> Array {
    let mut array = Array::new();
    for alarm in alarms {
        let mut element = Value::InlineTable(inline(alarm));
        element.decor_mut().set_prefix("\n  ");
        array.push_formatted(element);
    }
    array.set_trailing("\n");
    array.set_trailing_comma(true);
    array
}

/// One alarm as a table in one line.
pub(super) fn inline(alarm: &AlarmSpec) -> InlineTable {
    let mut inline = InlineTable::new();
    inline.insert("name", alarm.name.as_str().into());
    inline.insert("type", alarm.kind.word().into());
    kind(&mut inline, &alarm.kind);
    if alarm.deadband != 0.0 {
        inline.insert("deadband", alarm.deadband.into());
    }
    let mut time = |key: &str, time: std::time::Duration| {
        if !time.is_zero() {
            inline.insert(key, duration(time).into());
        }
    };
    time("on_delay", alarm.on_delay);
    time("off_delay", alarm.off_delay);
    time("re_alarm", alarm.re_alarm.unwrap_or_default());
    time("response_time", alarm.guidance.response_time.unwrap_or_default());
    inline.insert("priority", alarm.priority.as_str().into());
    let class = alarm.class.as_ref().map_or("", |class| class.as_str());
    let suppress_when = alarm.suppress_when.as_deref().unwrap_or("");
    let guidance = &alarm.guidance;
    let texts = [
        ("class", class),
        ("guidance", &guidance.action),
        ("consequence", &guidance.consequence),
        ("link", &guidance.link),
        ("suppress_when", suppress_when),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        inline.insert(key, text.into());
    }
    inline
}

fn kind(inline: &mut InlineTable, kind: &AlarmKind) {
    match kind {
        AlarmKind::Levels(Levels { lolo, lo, hi, hihi }) if kind.word() == "levels" => {
            for (key, limit) in [("lolo", lolo), ("lo", lo), ("hi", hi), ("hihi", hihi)] {
                if let Some(limit) = limit {
                    inline.insert(key, (*limit).into());
                }
            }
        }
        AlarmKind::Levels(Levels { lolo, lo, hi, hihi }) => {
            let limit = lolo.or(*lo).or(*hi).or(*hihi);
            inline.insert("limit", limit.unwrap_or_default().into());
        }
        AlarmKind::Deviation { from, limit } => {
            inline.insert("limit", (*limit).into());
            if let Some(from) = from {
                inline.insert("from", from.as_str().into());
            }
        }
        AlarmKind::Rate { per_s, over } => {
            inline.insert("per_s", (*per_s).into());
            inline.insert("over", duration(*over).into());
        }
        AlarmKind::Equals { value } => {
            inline.insert("value", any_value(value));
        }
        AlarmKind::Changed => {}
        AlarmKind::Discrepancy { tolerance, settle } => {
            inline.insert("tolerance", (*tolerance).into());
            inline.insert("settle", duration(*settle).into());
        }
        AlarmKind::Stale { after } => {
            inline.insert("after", duration(*after).into());
        }
        AlarmKind::Expression { source } => {
            inline.insert("expr", source.as_str().into());
        }
    }
}

pub(super) fn class(class: &AlarmClass) -> Table {
    let (mut table, default) = (Table::new(), AlarmClass::default());
    set_text(&mut table, "description", &class.description);
    if !class.shelvable {
        table["shelvable"] = value(false);
    }
    if class.max_shelve != default.max_shelve {
        set_duration(&mut table, "max_shelve", Some(class.max_shelve));
    }
    for (key, flag) in [("needs_comment", class.needs_comment), ("latching", class.latching), ("highly_managed", class.highly_managed)] {
        if flag {
            table[key] = value(true);
        }
    }
    table
}
