//! How much disk a log takes that is written to for long: bounded by what is kept, not by what was ever written.

use labkeeper_raft::store::log::LogStore;
use labkeeper_raft::store::sled::SledDisk;
use labkeeper_raft::store::writer::{Writer, WriterThread};
use labkeeper_raft::types::{EncodedBatch, Entry, LeaderId, LogId, Payload};
use openraft::storage::{RaftLogReader as _, RaftLogStorage as _, RaftLogStorageExt as _};
use openraft_rt_tokio::TokioRuntime;
use std::sync::Arc;

const ENTRIES: u64 = 200_000;
/// A setpoint with its frame.
const ENTRY_BYTES: usize = 250;
const APPENDED_AT_A_TIME: u64 = 100;
/// As in `Options`: a snapshot each 20,000 entries, 5,000 of which are kept.
const SNAPSHOT_EVERY: u64 = 20_000;
const KEPT: u64 = 5_000;
/// The most that the log may ever take. At most 25,000 entries are there at a time: 7 MB with their keys. sled writes whole segments
/// of 512 KiB and frees one only when everything in it is gone, and keeps what the pages were before until it moves them.
const DISK_BYTES_MAX: u64 = 48 * 1024 * 1024;

fn entry(index: u64) -> Entry {
    let bytes: Vec<u8> = index.to_be_bytes().into_iter().cycle().take(ENTRY_BYTES).collect();
    Entry { log_id: LogId { leader_id: LeaderId { term: 1, node_id: 1 }, index }, payload: Payload::Normal(EncodedBatch(bytes.into())) }
}

#[tokio::test]
async fn two_hundred_thousand_entries_take_no_more_disk_than_what_is_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = Arc::new(SledDisk::open(dir.path()).expect("a database"));
    let writer: Arc<dyn Writer> = Arc::new(WriterThread::start(disk.clone(), |_| {}).expect("a thread"));
    let (mut log, _) = LogStore::<TokioRuntime>::open(disk.clone(), writer).expect("an empty log");
    let (mut largest, mut first_round) = (0, 0);
    for from in (0..ENTRIES).step_by(usize::try_from(APPENDED_AT_A_TIME).expect("small")) {
        log.blocking_append((from..from + APPENDED_AT_A_TIME).map(entry)).await.expect("room");
        let written = from + APPENDED_AT_A_TIME;
        if written.is_multiple_of(SNAPSHOT_EVERY) {
            log.purge(entry(written - KEPT - 1).log_id).await.expect("room");
        }
        largest = largest.max(disk.size_on_disk().expect("readable"));
        if written == 2 * SNAPSHOT_EVERY {
            first_round = largest;
        }
    }
    let written = ENTRIES * ENTRY_BYTES as u64;
    println!(
        "{ENTRIES} entries, {} MB written: the log took {:.1} MB at most, {:.1} MB after the first two rounds",
        written / 1_000_000,
        largest as f64 / 1e6,
        first_round as f64 / 1e6
    );
    assert!(largest <= DISK_BYTES_MAX, "{largest} bytes");
    assert_eq!(log.try_get_log_entries(..).await.expect("readable").first(), Some(&entry(ENTRIES - KEPT)));
}
