//! Every write that arrived at the plant, in the order in which it was decided, with its time and sender.
//!
//! Tests read it to see who wrote what: two owners that drive one device, a write after a lease ended, a write that should
//! never have been sent. So a write is logged before it is answered, whether it was carried out or not.

use crate::cells::Cells;
use labkeeper_model::Epoch;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Most records kept in memory: at some 200 bytes each, 20 MB. The file has all of them.
const RECORDS_MAX: usize = 100_000;

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteOutcome {
    /// The device took the value.
    Applied,
    /// The device refused it with an exception.
    Refused,
    /// A fault swallowed it: neither carried out nor answered.
    Ignored,
}

/// One write request. In the file one JSON object per line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteRecord {
    /// When it arrived, UTC in nanoseconds since 1970, by the clock of the machine that runs the plant.
    pub time_unix_ns: i64,
    /// Who sent it: the address and port of the other end.
    pub peer: String,
    /// The device that it was for.
    pub device: String,
    /// The device's unit identifier.
    pub unit: u8,
    /// Modbus function: 5, 6, 15 or 16.
    pub function: u8,
    /// `coil` or `holding`.
    pub table: String,
    /// The first cell, zero-based.
    pub address: u16,
    /// The values: booleans for coils, raw words for holding registers.
    pub values: Cells,
    /// What became of it.
    pub outcome: WriteOutcome,
    /// The epoch that its connection has claimed the device with; of a claim, the claimed one. `null` without a claim.
    pub epoch: Option<Epoch>,
    /// Whether it is a claim of the device's fence.
    pub claim: bool,
    /// When it was decided, in nanoseconds of the boot clock of the machine that runs the plant.
    pub time_boot_ns: u64,
}

/// The log: in memory, and in a file if there is one.
#[derive(Debug, Default)]
pub(super) struct WriteLog {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    records: VecDeque<WriteRecord>,
    file: Option<File>,
}

impl WriteLog {
    /// A log that appends to a file, or one in memory only.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        Ok(Self { inner: Mutex::new(Inner { records: VecDeque::new(), file }) })
    }

    /// Appends a record. The line is with the operating system when this returns, so it outlives the process. The write is short
    /// and to a local file, and the plant has nothing better to do than to wait for it.
    pub(super) fn append(&self, record: WriteRecord) {
        let mut inner = self.inner.lock();
        if let Some(file) = &mut inner.file {
            let line = serde_json::to_string(&record).map(|line| line + "\n");
            if let Err(error) = line.map_err(io::Error::from).and_then(|line| file.write_all(line.as_bytes())) {
                tracing::error!(%error, "the plant's write log cannot be written");
            }
        }
        if inner.records.len() == RECORDS_MAX {
            inner.records.pop_front();
        }
        inner.records.push_back(record);
    }

    /// The records in memory, oldest first.
    pub(super) fn records(&self) -> Vec<WriteRecord> {
        self.inner.lock().records.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_one_json_object_per_line_and_is_appended_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("writes.jsonl");
        let record = |address, values| WriteRecord {
            time_unix_ns: 1,
            peer: "127.0.0.1:40000".into(),
            device: "chiller-1".into(),
            unit: 1,
            function: 6,
            table: "holding".into(),
            address,
            values,
            outcome: WriteOutcome::Applied,
            epoch: (address == 1).then_some(7),
            claim: false,
            time_boot_ns: 2,
        };
        let records = [record(1, Cells::Words(vec![7, 8])), record(2, Cells::Bits(vec![true]))];
        for record in &records {
            WriteLog::open(Some(&path)).unwrap().append(record.clone());
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let back: Vec<WriteRecord> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(back, records);
        assert!(text.starts_with(r#"{"time_unix_ns":1,"peer":"127.0.0.1:40000","device":"chiller-1","unit":1,"function":6,"table":"holding","address":1,"values":[7,8],"outcome":"applied","epoch":7,"claim":false,"time_boot_ns":2}"#), "{text}");
    }
}
