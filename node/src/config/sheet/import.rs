//! A sheet taken back into the site file that it came from.
//!
//! All or nothing: either there is the text of a site file that was checked as a whole, or every cell that is wrong. What the check finds is
//! told at the cell that it comes from.

use super::cell::{decode, encode};
use super::column::{Column, REMOVE, UNIT};
use super::complaints::Complaints;
use super::export::cells;
use super::read::{Row, rows};
use super::{Sheet, document};
use crate::config::kinds::Wrong;
use crate::config::{ConfigError, SiteFile, site_toml, toml_alarm};
use labkeeper_model::ErrorCode;
use labkeeper_model::site::{SiteSpec, TagSpec, ValueType};
use toml_edit::{DocumentMut, InlineTable, Value};

/// What became of a site file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The file as it is to be.
    pub text: String,
    /// What it declared before.
    pub before: SiteSpec,
    /// What it is to declare, and what somebody should look at.
    pub after: SiteFile,
}

/// Takes a sheet into a site file; the names of both are for messages.
///
/// # Errors
/// [`ConfigError`]: the site file is refused as it is, or `sheet_invalid` with every cell that cannot be taken over.
pub fn import((text, file): (&str, &str), sheet: Sheet, (bytes, sheet_file): (&[u8], &str)) -> Result<Imported, ConfigError> {
    let before = SiteFile::parse(text, file)?.site;
    let document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| ConfigError::unreadable(ErrorCode::SiteUnreadable, file, error.message()))?;
    let mut complaints = Complaints::new(sheet_file);
    let rows = rows(bytes, sheet, &mut complaints);
    let mut merge = Merge { sheet, site: &before, document, complaints };
    rows.iter().for_each(|row| merge.take(row));
    let Merge { mut document, complaints, .. } = merge;
    complaints.finish()?;
    let text = document.to_string();
    let after = SiteFile::parse(&text, file).map_err(|error| at_cells(error, sheet, &rows, &mut document, sheet_file))?;
    Ok(Imported { text, before, after })
}

struct Merge<'s> {
    sheet: Sheet,
    site: &'s SiteSpec,
    document: DocumentMut,
    complaints: Complaints,
}

/// A key to set, or to leave out.
type Change = (&'static Column, Option<Value>);

impl Merge<'_> {
    fn take(&mut self, row: &Row) {
        let Some((_, spec)) = self.site.tag(&row.tag) else {
            let what = format!("the site has no tag {}", row.tag);
            return self.complaints.error(row.number, super::column::TAG, Wrong::new(what, "declare it in the site file first"));
        };
        match &row.alarm {
            None => {
                let old = cells(self.sheet.columns(), &site_toml::tag_table(spec));
                let changes = self.changes(row, &old, spec, false);
                if let Some(table) = document::tag(&mut self.document, &row.tag) {
                    changes.into_iter().for_each(|(column, value)| document::set(table, column.path, value));
                }
            }
            Some(alarm) => self.take_alarm(row, alarm.as_str(), spec),
        }
    }

    fn take_alarm(&mut self, row: &Row, name: &str, spec: &TagSpec) {
        if let Some(unit) = row.cells.get(UNIT).filter(|unit| unit.trim() != spec.unit.trim()) {
            let what = format!("{unit:?} is not the unit of the tag, which is {:?}", spec.unit);
            self.complaints.error(row.number, UNIT, Wrong::new(what, "leave it; units are changed in the sheet of tags"));
        }
        let removal = decode(super::cell::Kind::Flag, row.cells.get(REMOVE).map_or("", String::as_str), spec.value_type);
        let is_removed = match removal {
            Ok(flag) => flag.is_some(),
            Err(wrong) => return self.complaints.error(row.number, REMOVE, wrong),
        };
        let known = spec.alarms.iter().find(|alarm| alarm.name.as_str() == name);
        if is_removed {
            return match document::tag(&mut self.document, &row.tag).filter(|_| known.is_some()) {
                Some(table) => document::remove(table, name),
                None => self.complaints.error(row.number, REMOVE, Wrong::new("there is no such alarm", "delete the row")),
            };
        }
        let Some(known) = known else {
            let nothing = vec![String::new(); self.sheet.columns().len()];
            let mut alarm = InlineTable::from_iter([("name", name)]);
            self.changes(row, &nothing, spec, false).into_iter().for_each(|(column, value)| document::set(&mut alarm, column.path, value));
            if let Some(table) = document::tag(&mut self.document, &row.tag) {
                document::add(table, alarm);
            }
            return;
        };
        let old = cells(self.sheet.columns(), &toml_alarm::inline(known));
        let written = document::tag(&mut self.document, &row.tag).and_then(|tag| document::alarm(tag, name)?.get("type")?.as_str());
        let is_spelled_otherwise = written != Some(known.kind.word());
        let changes = self.changes(row, &old, spec, is_spelled_otherwise);
        if let Some(table) = document::tag(&mut self.document, &row.tag).and_then(|tag| document::alarm(tag, name)) {
            changes.into_iter().for_each(|(column, value)| document::set(table, column.path, value));
        }
    }

    /// The keys of a row that differ from what is declared; all those of an alarm's type if that differs, or is written another way.
    fn changes(&mut self, row: &Row, old: &[String], spec: &TagSpec, is_spelled_otherwise: bool) -> Vec<Change> {
        let value_type = row.cells.get("type").and_then(|cell| ValueType::parse(cell.trim())).unwrap_or(spec.value_type);
        let mut cells: Vec<(Change, bool)> = vec![];
        for (column, old) in self.sheet.columns().iter().zip(old) {
            let cell = row.cells.get(column.head).unwrap_or(old);
            match decode(column.kind, cell, value_type) {
                Ok(value) => {
                    let differs = cell != old && value.as_ref().map(|value| encode(column.kind, value)).unwrap_or_default() != *old;
                    cells.push(((column, value), differs));
                }
                // What is declared is not to be put in question by a way of writing it.
                Err(_) if cell == old => {}
                Err(wrong) => self.complaints.error(row.number, column.head, wrong),
            }
        }
        let differs = |decides: fn(&Column) -> bool| cells.iter().any(|((column, _), differs)| *differs && decides(column));
        let is_other_type = differs(|column| column.is_of_type && column.path == ["type"]);
        let takes_type = is_other_type || (is_spelled_otherwise && differs(|column| column.is_of_type));
        let is_taken = |column: &Column, differs: bool| differs || (takes_type && column.is_of_type);
        cells.into_iter().filter(|((column, _), differs)| is_taken(column, *differs)).map(|(change, _)| change).collect()
    }
}

/// What the check of the whole site found, told at the cells that it comes from.
fn at_cells(error: ConfigError, sheet: Sheet, rows: &[Row], document: &mut DocumentMut, sheet_file: &str) -> ConfigError {
    let places: Vec<(String, usize)> = rows.iter().filter_map(|row| Some((key_of(row, document)?, row.number))).collect();
    let mut findings = error.findings;
    for finding in &mut findings {
        let under = |key: &str| finding.key.strip_prefix(key).filter(|rest| rest.is_empty() || rest.starts_with('.')).map(str::to_owned);
        let Some((rest, number)) = places.iter().find_map(|(key, number)| Some((under(key)?, *number))) else { continue };
        let path: Vec<&str> = rest.split('.').filter(|key| !key.is_empty()).collect();
        let column = sheet.columns().iter().find(|column| !path.is_empty() && path.starts_with(column.path));
        finding.key = column.map_or_else(|| path.join("."), |column| column.head.to_owned());
        (finding.file, finding.line) = (sheet_file.to_owned(), Some(number));
    }
    ConfigError { code: ErrorCode::SheetInvalid, findings }
}

/// The key under which a row's declaration is in the file.
fn key_of(row: &Row, document: &mut DocumentMut) -> Option<String> {
    let tag = format!("devices.{}.tags.{}", row.tag.device(), row.tag.tag());
    let Some(alarm) = &row.alarm else { return Some(tag) };
    let place = document::place(document::tag(document, &row.tag)?, alarm.as_str())?;
    Some(format!("{tag}.alarms.{place}"))
}
