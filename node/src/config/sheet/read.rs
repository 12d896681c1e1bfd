//! CSV as spreadsheets write it, read into rows that say which declaration each is about.
//!
//! Accepted: a byte order mark; commas, semicolons or tabs between cells; any ends of lines; columns in any order, or left out; rows that
//! are empty. Everything else is a complaint.

use super::Sheet;
use super::column::{ALARM, TAG};
use super::complaints::Complaints;
use crate::config::kinds::Wrong;
use crate::config::source::propose;
use labkeeper_model::{Name, TagPath};
use std::collections::BTreeMap;

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    /// As the spreadsheet numbers it.
    pub(super) number: usize,
    /// The tag that it is about.
    pub(super) tag: TagPath,
    /// The alarm, in a sheet of alarms.
    pub(super) alarm: Option<Name>,
    /// Its cells by head.
    pub(super) cells: BTreeMap<&'static str, String>,
}

/// The rows of a sheet that can be told apart.
pub(super) fn rows(bytes: &[u8], sheet: Sheet, complaints: &mut Complaints) -> Vec<Row> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        complaints.error(1, "", Wrong::new("is not UTF-8", "save it as \"CSV UTF-8\""));
        return vec![];
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter(text)).from_reader(text.as_bytes());
    let mut records = reader.records().zip(1..).filter_map(|(record, number)| Some((record.ok()?, number)));
    let first = records.next().map_or_else(csv::StringRecord::new, |(first, _)| first);
    let Some(heads) = heads(&first, sheet, complaints) else { return vec![] };
    let mut seen = BTreeMap::new();
    let mut rows = vec![];
    for (record, number) in records.filter(|(record, _)| record.iter().any(|cell| !cell.trim().is_empty())) {
        let Some(row) = row(&record, number, &heads, sheet, complaints) else { continue };
        match seen.insert((row.tag.clone(), row.alarm.clone()), number) {
            Some(first) => complaints.error(number, TAG, Wrong::new(format!("is in row {first} already"), "keep one of them")),
            None => rows.push(row),
        }
    }
    rows
}

/// What stands between cells: whatever of the usual ones the first line has most of. No head has any of them in it.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or("");
    let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
    // Of equal counts the last counts, which is the comma.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// The head of each column; `None` if what a row is about cannot be told.
fn heads(first: &csv::StringRecord, sheet: Sheet, complaints: &mut Complaints) -> Option<Vec<Option<&'static str>>> {
    let known = sheet.heads();
    let mut heads: Vec<Option<&'static str>> = vec![];
    for text in first.iter().map(str::trim) {
        let head = known.iter().copied().find(|head| *head == text);
        match head {
            None if text.is_empty() => {}
            None => complaints.error(1, text, Wrong::new("unknown column", propose(text, &known))),
            Some(head) if heads.contains(&Some(head)) => complaints.error(1, head, Wrong::new("is there twice", "keep one of them")),
            Some(_) => {}
        }
        heads.push(head);
    }
    let missing: Vec<_> = sheet.needed().iter().filter(|needed| !heads.contains(&Some(**needed))).collect();
    for head in &missing {
        let remedy = "keep the first row of the export, with commas, semicolons or tabs between its cells";
        complaints.error(1, head, Wrong::new("is missing from the first row", remedy));
    }
    missing.is_empty().then_some(heads)
}

fn row(
    record: &csv::StringRecord,
    number: usize,
    heads: &[Option<&'static str>],
    sheet: Sheet,
    complaints: &mut Complaints,
) -> Option<Row> {
    let strays = record.iter().zip(heads.iter().map(Option::is_some).chain(std::iter::repeat(false)));
    if let Some((stray, _)) = strays.into_iter().find(|(cell, has_head)| !has_head && !cell.trim().is_empty()) {
        let what = format!("has {stray:?} in a column without a head");
        complaints.error(number, "", Wrong::new(what, "put texts with commas in quotes, and write numbers with a point"));
        return None;
    }
    // Spreadsheets leave out empty cells at the end of a row.
    let cells = heads.iter().zip(record.iter().chain(std::iter::repeat("")));
    let cells: BTreeMap<_, _> = cells.filter_map(|(head, cell)| Some(((*head)?, cell.to_owned()))).collect();
    let tag = cells.get(TAG).map_or("", |cell| cell.trim());
    let tag = TagPath::parse(tag).map_err(|why| {
        complaints.error(number, TAG, Wrong::new(format!("{tag:?}: {why}"), "write it like cryo/chiller-1/flow"));
    });
    let alarm = match sheet {
        Sheet::Tags => None,
        Sheet::Alarms => {
            let text = cells.get(ALARM).map_or("", |cell| cell.trim());
            let wrong = |why| complaints.error(number, ALARM, Wrong::new(format!("{text:?}: {why}"), "choose a name like high"));
            Some(Name::new(text).map_err(wrong).ok()?)
        }
    };
    Some(Row { number, tag: tag.ok()?, alarm, cells })
}
