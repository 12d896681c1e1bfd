//! A declaration written out as `site.toml`, for `labkeeper site show`: what it prints can be edited and applied again.
//!
//! Keys that have their default value are left out, as a person would. Reading the text back gives the same
//! declaration; a test holds the two together.

use super::site_fence::ON_LEASE_LOSS;
use super::site_tag::{ACCESS, TAKEOVER, WORD_ORDER};
use super::{toml_alarm, toml_guard};
use humantime::format_duration;
use labkeeper_model as model;
use labkeeper_model::Name;
use labkeeper_model::site::{ActionSpec, DeviceSpec, Fencing, SiteSpec, TagSpec};
use std::collections::BTreeMap;
use std::time::Duration;
use toml_edit::{DocumentMut, InlineTable, Item, Table, Value, value};

/// The text of a site file that declares `site`.
#[must_use]
pub fn to_toml(site: &SiteSpec) -> String {
    let mut document = DocumentMut::new();
    let mut head = Table::from_iter([("name", site.name.as_str())]);
    if site.failback != Some(SiteSpec::FAILBACK_DEFAULT) {
        head["failback"] = value(site.failback.map_or_else(|| "off".to_owned(), duration));
    }
    document["site"] = Item::Table(head);
    let mut segments = group();
    for (name, segment) in &site.segments {
        let mut table = Table::new();
        set_text(&mut table, "description", &segment.description);
        if let Some(home) = &segment.home {
            table["home"] = value(home.as_str());
        }
        segments[name.as_str()] = Item::Table(table);
    }
    let mut devices = group();
    for (name, device) in &site.devices {
        devices[name.as_str()] = Item::Table(device_table(device));
    }
    let mut all = vec![("segments", segments), ("devices", devices)];
    all.push(("groups", named(&site.groups, |devices| toml_guard::group(devices))));
    all.push(("conditions", named(&site.conditions, toml_guard::condition)));
    all.push(("interlocks", named(&site.interlocks, toml_guard::interlock)));
    all.push(("classes", named(&site.classes, toml_alarm::class)));
    all.push(("notify", named(&site.routes, toml_guard::route)));
    for (key, table) in all {
        if !table.is_empty() {
            document[key] = Item::Table(table);
        }
    }
    if let Some(mail) = &site.mail {
        document["mail"] = Item::Table(toml_guard::mail(mail));
    }
    document.to_string()
}

fn named<T>(things: &BTreeMap<Name, T>, table: impl Fn(&T) -> Table) -> Table {
    let mut tables = group();
    for (name, thing) in things {
        tables[name.as_str()] = Item::Table(table(thing));
    }
    tables
}

/// A table that only holds tables: its own header says nothing and is not printed.
fn group() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

fn device_table(device: &DeviceSpec) -> Table {
    let mut table = Table::new();
    table["segment"] = value(device.segment.as_str());
    set_text(&mut table, "description", &device.description);
    table["driver"] = value(device.driver.as_str());
    table["address"] = value(device.address.as_str());
    table["unit_id"] = value(i64::from(device.unit_id));
    table["poll"] = value(duration(device.poll));
    table["timeout"] = value(duration(device.timeout));
    match &device.fencing {
        Fencing::LeaseOnly => {}
        Fencing::DeviceToken { register } => table["fence"] = value(InlineTable::from_iter([("register", register.to_string())])),
        Fencing::Gate { address } => table["fence"] = value(InlineTable::from_iter([("gate", address.as_str())])),
        word => table["fence"] = value(word.as_str()),
    }
    if let Some(watchdog) = device.watchdog {
        table["watchdog"] = value(duration(watchdog));
    }
    set_word(&mut table, "on_lease_loss", device.on_lease_loss, ON_LEASE_LOSS);
    if let Some(model) = &device.simulate {
        table["simulate"] = value(model.as_str());
    }
    if device.exclusive {
        table["exclusive"] = value(true);
    }
    toml_guard::set_priority(&mut table, "comm_priority", device.comm_priority);
    let mut tags = group();
    for (name, tag) in &device.tags {
        tags[name.as_str()] = Item::Table(tag_table(tag));
    }
    if !tags.is_empty() {
        table["tags"] = Item::Table(tags);
    }
    table
}

/// The table of a tag.
pub(super) fn tag_table(tag: &TagSpec) -> Table {
    let mut table = Table::new();
    set_text(&mut table, "description", &tag.description);
    table["register"] = value(tag.register.to_string());
    table["type"] = value(tag.value_type.to_string());
    set_word(&mut table, "word_order", tag.word_order, WORD_ORDER);
    set_word(&mut table, "access", tag.access, ACCESS);
    set_text(&mut table, "unit", &tag.unit);
    for (key, number, default) in [("scale", tag.scale, 1.0), ("offset", tag.offset, 0.0), ("deadband", tag.deadband, 0.0)] {
        if number.to_bits() != f64::to_bits(default) {
            table[key] = value(number);
        }
    }
    if let Some(limits) = tag.limits {
        table["limits"] = value(InlineTable::from_iter([("min", limits.min), ("max", limits.max)]));
    }
    if let Some(verify) = &tag.verify {
        let mut inline = InlineTable::new();
        inline.insert("readback", verify.readback.as_str().into());
        inline.insert("tolerance", verify.tolerance.into());
        inline.insert("timeout", duration(verify.timeout).into());
        table["verify"] = value(inline);
    }
    set_word(&mut table, "takeover", tag.takeover, TAKEOVER);
    if let Some(safe) = &tag.safe {
        table["safe"] = Item::Value(any_value(safe));
    }
    if tag.dangerous {
        table["dangerous"] = value(true);
    }
    match &tag.action {
        None => {}
        Some(ActionSpec { probe: None }) => table["action"] = value(true),
        Some(ActionSpec { probe: Some(probe) }) => table["action"] = value(InlineTable::from_iter([("probe", probe.as_str())])),
    }
    set_duration(&mut table, "select", tag.select);
    if let Some(ramp) = tag.ramp_per_s {
        table["ramp"] = value(ramp);
    }
    if !tag.alarms.is_empty() {
        table["alarms"] = value(toml_alarm::alarms(&tag.alarms));
    }
    table
}

/// A tag's value as it is written.
pub(super) fn any_value(value: &model::Value) -> Value {
    match value {
        model::Value::Bool(flag) => (*flag).into(),
        model::Value::I64(whole) => (*whole).into(),
        // A declaration with a greater one is refused by its check.
        model::Value::U64(whole) => i64::try_from(*whole).unwrap_or(i64::MAX).into(),
        model::Value::F64(number) => (*number).into(),
        model::Value::Text(text) => text.as_str().into(),
    }
}

pub(super) fn set_text(table: &mut Table, key: &str, text: &str) {
    if !text.is_empty() {
        table[key] = value(text);
    }
}

/// Sets a key to the word of a meaning, unless it is the default.
fn set_word<T: Copy + PartialEq + Default>(table: &mut Table, key: &str, meaning: T, words: &[(T, &'static str)]) {
    if meaning != T::default() {
        table[key] = value(word(meaning, words));
    }
}

fn word<T: PartialEq>(meaning: T, words: &[(T, &'static str)]) -> &'static str {
    // Every list of words has every variant; the round-trip test goes through all of them.
    words.iter().find(|(known, _)| *known == meaning).map_or("", |(_, word)| word)
}

/// Sets a key to a duration, if there is one.
pub(super) fn set_duration(table: &mut Table, key: &str, time: Option<Duration>) {
    if let Some(time) = time {
        table[key] = value(duration(time));
    }
}

pub(super) fn duration(duration: Duration) -> String {
    format_duration(duration).to_string()
}

#[cfg(test)]
#[path = "site_toml_tests.rs"]
mod tests;
