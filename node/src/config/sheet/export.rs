//! Declarations written as a sheet. A cell is what the site file would have under its key, and empty where it would have none.

use super::Sheet;
use super::cell::encode;
use super::column::Column;
use crate::config::{site_toml, toml_alarm};
use labkeeper_model::TagPath;
use labkeeper_model::site::SiteSpec;
use toml_edit::{Item, TableLike};

/// The sheet of a site, as CSV: commas, quotes where they are needed, a point in numbers.
///
/// Where there are letters beyond ASCII it begins with a byte order mark, without which Excel takes them for others.
#[must_use]
pub fn export(site: &SiteSpec, sheet: Sheet) -> String {
    let mut writer = csv::Writer::from_writer(vec![]);
    let mut write = |row: &[String]| writer.write_record(row).expect("memory takes every row, and all have a cell for each head");
    write(&sheet.heads().into_iter().map(str::to_owned).collect::<Vec<_>>());
    for (device_name, device) in &site.devices {
        for (name, tag) in &device.tags {
            let path = TagPath::new(&device.segment, device_name, name).to_string();
            match sheet {
                Sheet::Tags => write(&[vec![path], cells(sheet.columns(), &site_toml::tag_table(tag))].concat()),
                Sheet::Alarms => {
                    for alarm in &tag.alarms {
                        let leading = vec![path.clone(), alarm.name.to_string(), String::new(), tag.unit.clone()];
                        write(&[leading, cells(sheet.columns(), &toml_alarm::inline(alarm))].concat());
                    }
                }
            }
        }
    }
    let bytes = writer.into_inner().expect("memory takes every row");
    let text = String::from_utf8(bytes).expect("every cell is a text");
    if text.is_ascii() { text } else { format!("\u{feff}{text}") }
}

/// What the columns show of a table.
pub(super) fn cells(columns: &[Column], table: &dyn TableLike) -> Vec<String> {
    columns.iter().map(|column| cell(column, table).unwrap_or_default()).collect()
}

fn cell(column: &Column, table: &dyn TableLike) -> Option<String> {
    let (first, under) = column.path.split_first()?;
    let mut item = table.get(first)?;
    for key in under {
        item = item.as_table_like()?.get(key)?;
    }
    Item::as_value(item).map(|value| encode(column.kind, value))
}
