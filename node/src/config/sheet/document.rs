//! The site file as it was written, and single keys of it changed: order, spaces and comments of everything else stay.
//!
//! It knows tables and keys, and that the alarms of a tag are a list of tables with names.

use labkeeper_model::TagPath;
use toml_edit::{Array, DocumentMut, InlineTable, Item, RawString, TableLike, Value};

/// The table of a tag.
pub(super) fn tag<'d>(document: &'d mut DocumentMut, tag: &TagPath) -> Option<&'d mut dyn TableLike> {
    let mut item = document.get_mut("devices")?;
    for key in [tag.device(), "tags", tag.tag()] {
        item = item.as_table_like_mut()?.get_mut(key)?;
    }
    item.as_table_like_mut()
}

/// The table of an alarm of a tag.
pub(super) fn alarm<'d>(tag: &'d mut dyn TableLike, name: &str) -> Option<&'d mut dyn TableLike> {
    match tag.get_mut("alarms")? {
        Item::Value(Value::Array(list)) => {
            let table = list.iter_mut().filter_map(Value::as_inline_table_mut).find(|table| is_named(*table, name));
            table.map(|table| table as &mut dyn TableLike)
        }
        Item::ArrayOfTables(list) => list.iter_mut().find(|table| is_named(*table, name)).map(|table| table as &mut dyn TableLike),
        _ => None,
    }
}

/// The place of an alarm among those of its tag.
pub(super) fn place(tag: &mut dyn TableLike, name: &str) -> Option<usize> {
    match tag.get("alarms")? {
        Item::Value(Value::Array(list)) => list.iter().position(|value| value.as_inline_table().is_some_and(|table| is_named(table, name))),
        Item::ArrayOfTables(list) => list.iter().position(|table| is_named(table, name)),
        _ => None,
    }
}

/// Puts an alarm after the others.
pub(super) fn add(tag: &mut dyn TableLike, alarm: InlineTable) {
    if let Some(Item::ArrayOfTables(list)) = tag.get_mut("alarms") {
        return list.push(alarm.into_table());
    }
    let list = tag.entry("alarms").or_insert_with(|| Item::Value(Array::new().into()));
    let Some(list) = list.as_array_mut() else { return };
    let mut element = Value::InlineTable(alarm);
    match list.iter().last() {
        Some(before) => *element.decor_mut() = before.decor().clone(),
        None => {
            element.decor_mut().set_prefix("\n  ");
            list.set_trailing("\n");
            list.set_trailing_comma(true);
        }
    }
    list.push_formatted(element);
}

/// Takes an alarm away, and the list with the last one.
pub(super) fn remove(tag: &mut dyn TableLike, name: &str) {
    let Some(place) = place(tag, name) else { return };
    let is_empty = match tag.get_mut("alarms") {
        Some(Item::Value(Value::Array(list))) => {
            let gone = list.remove(place);
            keep_comment(list, place, &gone);
            list.is_empty()
        }
        Some(Item::ArrayOfTables(list)) => {
            list.remove(place);
            list.is_empty()
        }
        _ => false,
    };
    if is_empty {
        tag.remove("alarms");
    }
}

/// What stands before an alarm that goes may be said about the one before it, behind its comma.
fn keep_comment(list: &mut Array, place: usize, gone: &Value) {
    let before = gone.decor().prefix().and_then(RawString::as_str).unwrap_or("").trim_end();
    if !before.contains('#') {
        return;
    }
    let joined = |after: Option<&str>| format!("{before}{}", after.unwrap_or("\n"));
    if let Some(next) = list.get_mut(place) {
        let prefix = joined(next.decor().prefix().and_then(RawString::as_str));
        next.decor_mut().set_prefix(prefix);
    } else {
        let trailing = joined(list.trailing().as_str());
        list.set_trailing(trailing);
    }
}

/// Sets the value under a key, or under keys of tables within tables; `None` leaves the key out, and a table with its last key.
pub(super) fn set(table: &mut dyn TableLike, path: &[&str], value: Option<Value>) {
    match (path, value) {
        ([], _) => {}
        ([key], None) => drop(table.remove(key)),
        ([key], Some(mut value)) => match table.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) => {
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => drop(table.insert(key, Item::Value(value))),
        },
        ([key, under @ ..], value) => {
            if value.is_none() && table.get(key).is_none() {
                return;
            }
            let inner = table.entry(key).or_insert_with(|| Item::Value(InlineTable::new().into()));
            let Some(inner) = inner.as_table_like_mut() else { return };
            set(inner, under, value);
            if inner.is_empty() {
                table.remove(key);
            }
        }
    }
}

fn is_named(table: &dyn TableLike, name: &str) -> bool {
    table.get("name").and_then(Item::as_str) == Some(name)
}
