//! The columns of each sheet: heads that say the unit, and the keys of the site file that they stand for.
//!
//! `in_unit` is the tag's own engineering unit, which the column `unit` shows. Heads are a promise: sheets are kept, and taken back later.

use super::Sheet;
use super::cell::Kind::{self, Action, Flag, Number, Seconds, Text, Value, Word};

/// The tag that a row is about, `segment/device/tag`.
pub(super) const TAG: &str = "tag";
/// The alarm that a row is about.
pub(super) const ALARM: &str = "alarm";
/// Whether the alarm is to go.
pub(super) const REMOVE: &str = "remove";
/// In the sheet of alarms, the tag's unit: to be read, not changed.
pub(super) const UNIT: &str = "unit";

/// A column that stands for a key.
#[derive(Clone, Copy)]
pub(super) struct Column {
    /// Its name in the first row.
    pub(super) head: &'static str,
    /// The key in the table of the tag or alarm, and in the table under it.
    pub(super) path: &'static [&'static str],
    /// What its cells hold.
    pub(super) kind: Kind,
    /// Whether it belongs to what raises the alarm: such keys are written together, as a type has its own.
    pub(super) is_of_type: bool,
}

const fn key(head: &'static str, path: &'static [&'static str], kind: Kind) -> Column {
    Column { head, path, kind, is_of_type: false }
}

const fn of_type(head: &'static str, path: &'static [&'static str], kind: Kind) -> Column {
    Column { head, path, kind, is_of_type: true }
}

const ALARMS: &[Column] = &[
    key("priority", &["priority"], Word),
    of_type("type", &["type"], Word),
    of_type("limit_in_unit", &["limit"], Number),
    of_type("lolo_in_unit", &["lolo"], Number),
    of_type("lo_in_unit", &["lo"], Number),
    of_type("hi_in_unit", &["hi"], Number),
    of_type("hihi_in_unit", &["hihi"], Number),
    of_type("from", &["from"], Word),
    of_type("rate_in_unit_per_s", &["per_s"], Number),
    of_type("over_s", &["over"], Seconds),
    of_type("value_in_unit", &["value"], Value),
    of_type("tolerance_in_unit", &["tolerance"], Number),
    of_type("settle_s", &["settle"], Seconds),
    of_type("after_s", &["after"], Seconds),
    of_type("expr", &["expr"], Text),
    key("deadband_in_unit", &["deadband"], Number),
    key("on_delay_s", &["on_delay"], Seconds),
    key("off_delay_s", &["off_delay"], Seconds),
    key("class", &["class"], Word),
    key("suppress_when", &["suppress_when"], Text),
    key("re_alarm_s", &["re_alarm"], Seconds),
    key("guidance", &["guidance"], Text),
    key("consequence", &["consequence"], Text),
    key("response_time_s", &["response_time"], Seconds),
    key("link", &["link"], Text),
];

const TAGS: &[Column] = &[
    key("description", &["description"], Text),
    key("register", &["register"], Word),
    key("type", &["type"], Word),
    key("word_order", &["word_order"], Word),
    key("access", &["access"], Word),
    key("unit", &["unit"], Text),
    key("scale_in_unit_per_count", &["scale"], Number),
    key("offset_in_unit", &["offset"], Number),
    key("deadband_in_unit", &["deadband"], Number),
    key("min_in_unit", &["limits", "min"], Number),
    key("max_in_unit", &["limits", "max"], Number),
    key("readback", &["verify", "readback"], Word),
    key("tolerance_in_unit", &["verify", "tolerance"], Number),
    key("timeout_s", &["verify", "timeout"], Seconds),
    key("takeover", &["takeover"], Word),
    key("safe_in_unit", &["safe"], Value),
    key("dangerous", &["dangerous"], Flag),
    key("action", &["action"], Action),
    key("select_s", &["select"], Seconds),
    key("ramp_in_unit_per_s", &["ramp"], Number),
];

impl Sheet {
    /// The columns that stand for keys.
    pub(super) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Alarms => ALARMS,
            Self::Tags => TAGS,
        }
    }

    /// The columns before them: what a row is about.
    pub(super) const fn leading(self) -> &'static [&'static str] {
        match self {
            Self::Alarms => &[TAG, ALARM, REMOVE, UNIT],
            Self::Tags => &[TAG],
        }
    }

    /// Those that a sheet must have.
    pub(super) const fn needed(self) -> &'static [&'static str] {
        match self {
            Self::Alarms => &[TAG, ALARM],
            Self::Tags => &[TAG],
        }
    }

    /// Every head, in the order in which they are exported.
    pub(super) fn heads(self) -> Vec<&'static str> {
        self.leading().iter().copied().chain(self.columns().iter().map(|column| column.head)).collect()
    }
}
