//! An entry of the audit as exports have it: a JSON object on a line, or a line of CSV. Every entry carries the hash before it, so that a
//! file can be checked by itself, wherever it was cut.

use super::super::error::CliError;
use super::super::output::row;
use super::super::value;
use labkeeper_machine::AuditEntry;
use labkeeper_machine::chain::{Hash, ORIGIN};
use labkeeper_model::{CommandId, ErrorCode, Timestamp};
use labkeeper_proto::v1;
use serde::{Deserialize, Serialize};

/// An entry. Its keys, and their order, are a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditRow {
    pub(super) number: u64,
    log_index: u64,
    time: String,
    by: String,
    action: String,
    target: String,
    detail: String,
    before: String,
    after: String,
    reason: String,
    command_id: Option<String>,
    refused: Option<String>,
    /// Hexadecimal, as [`AuditRow::hash`].
    hash_before: String,
    pub(super) hash: Option<String>,
}

impl AuditRow {
    /// An entry as a node tells it, with the hash of the one before; that may be empty, of a version that knew none.
    pub(super) fn new(hash_before: &[u8], wire: v1::AuditEntry) -> Self {
        let some = |text: String| (!text.is_empty()).then_some(text);
        let hash_before = if hash_before.is_empty() { &ORIGIN } else { hash_before };
        Self {
            number: wire.number,
            log_index: wire.log_index,
            time: value::time(Timestamp(wire.time_unix_ns)),
            by: wire.actor,
            action: wire.action,
            target: wire.target,
            detail: wire.detail,
            before: wire.before,
            after: wire.after,
            reason: wire.reason,
            command_id: some(wire.command_id),
            refused: some(wire.refused),
            hash_before: to_hex(hash_before),
            hash: some(to_hex(&wire.hash)),
        }
    }

    /// The hash before it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn anchor(&self) -> Result<Hash, String> {
        from_hex(&self.hash_before).ok_or_else(|| format!("entry {}: hash_before is no hash", self.number))
    }

    /// The entry that it says, for its hash to be computed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn entry(&self) -> Result<AuditEntry, String> {
        let wrong = |key: &str, text: &str| format!("entry {}: {key} {text:?} is not understood", self.number);
        let time: jiff::Timestamp = self.time.parse().map_err(|_| wrong("time", &self.time))?;
        let code = |text: &String| text.strip_prefix("LAB")?.parse().ok().and_then(ErrorCode::from_number);
        Ok(AuditEntry {
            number: self.number,
            log_index: self.log_index,
            time: Timestamp(i64::try_from(time.as_nanosecond()).map_err(|_| wrong("time", &self.time))?),
            actor: self.by.clone(),
            action: self.action.clone(),
            target: self.target.clone(),
            detail: self.detail.clone(),
            reason: self.reason.clone(),
            before: self.before.clone(),
            after: self.after.clone(),
            command_id: self.command_id.as_ref().map(|id| CommandId::parse(id).ok_or_else(|| wrong("command_id", id))).transpose()?,
            refused: self.refused.as_ref().map(|text| code(text).ok_or_else(|| wrong("refused", text))).transpose()?,
            hash: self.hash.as_ref().map(|hash| from_hex(hash).ok_or_else(|| wrong("hash", hash))).transpose()?,
        })
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    let mut hash = ORIGIN;
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

/// As rows of a table, the first one their heads.
pub(super) fn table(rows: &[AuditRow]) -> Vec<Vec<String>> {
    let heads = row(["NUMBER", "TIME", "BY", "ACTION", "TARGET", "DETAIL", "REASON", "REFUSED"]);
    let cells = |entry: &AuditRow| {
        let refused = entry.refused.as_deref().unwrap_or("");
        row([&entry.number.to_string(), &entry.time, &entry.by, &entry.action, &entry.target, &entry.detail, &entry.reason, refused])
    };
    std::iter::once(heads).chain(rows.iter().map(cells)).collect()
}

/// As JSON lines.
///
/// # Errors
/// None that can be made to happen.
pub(super) fn to_jsonl(rows: &[AuditRow]) -> Result<String, CliError> {
    let line = |row| serde_json::to_string(row).map(|line| line + "\n");
    rows.iter().map(line).collect::<Result<_, _>>().map_err(|error| CliError::internal(format!("writing JSON: {error}")))
}

/// As CSV, with a line of names.
///
/// # Errors
/// None that can be made to happen.
pub(super) fn to_csv(rows: &[AuditRow]) -> Result<String, CliError> {
    let wrong = |error: &dyn std::fmt::Display| CliError::internal(format!("writing CSV: {error}"));
    let mut writer = csv::Writer::from_writer(vec![]);
    rows.iter().try_for_each(|row| writer.serialize(row)).map_err(|error| wrong(&error))?;
    let bytes = writer.into_inner().map_err(|error| wrong(&error))?;
    String::from_utf8(bytes).map_err(|error| wrong(&error))
}

/// The entries of a file, whichever of the two formats it has.
///
/// # Errors
/// Where it is not what an export writes.
pub(super) fn parse(text: &str) -> Result<Vec<AuditRow>, String> {
    if text.starts_with('{') || text.is_empty() {
        let line = |(i, line): (usize, &str)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", i + 1));
        return text.lines().enumerate().map(line).collect();
    }
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().map_err(|error| error.to_string())
}
