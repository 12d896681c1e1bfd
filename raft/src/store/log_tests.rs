use super::*;
use crate::store::layout::PART_BYTES_MAX;
use crate::store::window::WINDOW_BYTES_MAX;
use crate::store::writer::WriterThread;
use crate::types::{EncodedBatch, LeaderId, Payload};
use bytes::Bytes;
use futures::TryStreamExt as _;
use openraft::storage::RaftLogStorageExt as _;
use openraft_rt_tokio::TokioRuntime;

type Log = LogStore<TokioRuntime>;

/// Keys in memory. What was committed is there for whoever opens the log again.
#[derive(Default)]
struct Shelf(Mutex<BTreeMap<Vec<u8>, Bytes>>);

impl Disk for Shelf {
    fn commit(&self, ops: Vec<Op>) -> io::Result<()> {
        for op in ops {
            match op {
                Op::Put(key, value) => drop(self.0.lock().insert(key, value.into())),
                Op::Remove(key) => drop(self.0.lock().remove(&key)),
            }
        }
        Ok(())
    }

    fn range(&self, from: &[u8], to: &[u8]) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        Ok(self.0.lock().range(from.to_vec()..to.to_vec()).map(|(k, v)| (k.clone(), v.clone())).collect())
    }
}

fn open(shelf: &Arc<Shelf>) -> Log {
    let writer = WriterThread::start(shelf.clone(), |e| panic!("{e}")).expect("a thread");
    Log::open(shelf.clone(), Arc::new(writer)).expect("an intact log").0
}

fn id(term: u64, index: u64) -> LogId {
    LogId { leader_id: LeaderId { term, node_id: 1 }, index }
}

fn entry(term: u64, index: u64, bytes: usize) -> Entry {
    Entry { log_id: id(term, index), payload: Payload::Normal(EncodedBatch(vec![u8::try_from(term).unwrap_or(0); bytes].into())) }
}

async fn ids(log: &mut Log) -> Vec<(u64, u64)> {
    let entries = log.try_get_log_entries(..).await.expect("readable");
    entries.iter().map(|e| (e.log_id.leader_id.term, e.log_id.index)).collect()
}

/// The log as another process would find it, once what was put off has been written too.
async fn reopened(shelf: &Arc<Shelf>, log: Log) -> Log {
    log.write(vec![]).await.expect("room");
    drop(log);
    open(shelf)
}

#[tokio::test]
async fn what_was_cut_off_stays_off() {
    let shelf = Arc::new(Shelf::default());
    let mut log = open(&shelf);
    // One of them in several parts.
    log.blocking_append((0..6).map(|i| entry(1, i, if i == 4 { 2 * PART_BYTES_MAX } else { 10 }))).await.expect("room");
    log.truncate_after(Some(id(1, 2))).await.expect("room");
    assert_eq!(log.get_log_state().await.expect("a state").last_log_id, Some(id(1, 2)));
    let mut log = reopened(&shelf, log).await;
    assert_eq!(ids(&mut log).await, [(1, 0), (1, 1), (1, 2)]);
    log.blocking_append([entry(2, 3, 10)]).await.expect("room");
    let mut log = reopened(&shelf, log).await;
    assert_eq!(ids(&mut log).await, [(1, 0), (1, 1), (1, 2), (2, 3)]);
    log.truncate_after(None).await.expect("room");
    let mut log = reopened(&shelf, log).await;
    assert_eq!(ids(&mut log).await, []);
    assert_eq!(log.get_log_state().await.expect("a state").last_log_id, None);
}

#[tokio::test]
async fn what_was_purged_stays_gone_and_is_remembered() {
    let shelf = Arc::new(Shelf::default());
    let mut log = open(&shelf);
    log.blocking_append((0..2_000).map(|i| entry(1, i, 10))).await.expect("room");
    log.purge(id(1, 1_499)).await.expect("room");
    let mut log = reopened(&shelf, log).await;
    let state = log.get_log_state().await.expect("a state");
    assert_eq!((state.last_purged_log_id, state.last_log_id), (Some(id(1, 1_499)), Some(id(1, 1_999))));
    assert_eq!(ids(&mut log).await.len(), 500);
    // Beyond the end: a snapshot of a leader that was ahead.
    log.purge(id(3, 5_000)).await.expect("room");
    let mut log = reopened(&shelf, log).await;
    let state = log.get_log_state().await.expect("a state");
    assert_eq!((state.last_purged_log_id, state.last_log_id), (Some(id(3, 5_000)), Some(id(3, 5_000))));
    log.blocking_append([entry(3, 5_001, 10)]).await.expect("room");
    let mut log = reopened(&shelf, log).await;
    assert_eq!(ids(&mut log).await, [(3, 5_001)]);
}

#[tokio::test]
async fn a_purge_leaves_no_entry_on_the_disk() {
    let shelf = Arc::new(Shelf::default());
    let mut log = open(&shelf);
    log.blocking_append((0..3_000).map(|i| entry(1, i, 10))).await.expect("room");
    log.purge(id(1, 2_989)).await.expect("room");
    // The removals are put off, some with each round; ten rounds are more than enough.
    for _ in 0..10 {
        log.write(vec![]).await.expect("room");
    }
    let left = shelf.range(&entry_key(0, 0), &layout::entries_end()).expect("readable").len();
    assert_eq!(left, 10);
}

#[tokio::test]
async fn entries_are_read_from_memory_and_disk_as_if_they_were_one() {
    let shelf = Arc::new(Shelf::default());
    let mut log = open(&shelf);
    let size = WINDOW_BYTES_MAX / 40;
    for from in (0..100).step_by(10) {
        log.blocking_append((from..from + 10).map(|i| entry(1, i, size))).await.expect("room");
    }
    let first_in_memory = log.state.lock().window.first().expect("the newest");
    assert!((40..90).contains(&first_in_memory), "{first_in_memory}");
    assert_eq!(ids(&mut log).await, (0..100).map(|i| (1, i)).collect::<Vec<_>>());
    let streamed: Vec<Entry> = log.entries_stream(30..95).await.try_collect().await.expect("readable");
    assert_eq!(streamed, log.try_get_log_entries(30..95).await.expect("readable"));
    let some = log.limited_get_log_entries(30, 95).await.expect("readable");
    assert!(!some.is_empty() && some.len() * size <= READ_BYTES_MAX + size, "{} entries", some.len());
    assert_eq!(some[0].log_id.index, 30);
    let one = log.limited_get_log_entries(99, 100).await.expect("readable");
    assert_eq!(one.len(), 1);
    assert_eq!(log.limited_get_log_entries(100, 200).await.expect("readable"), []);
}

#[tokio::test]
async fn an_entry_larger_than_a_read_is_read_alone() {
    let shelf = Arc::new(Shelf::default());
    let mut log = open(&shelf);
    log.blocking_append([entry(1, 0, 10), entry(1, 1, 3 * READ_BYTES_MAX), entry(1, 2, 10)]).await.expect("room");
    for mut log in [log.clone(), reopened(&shelf, log).await] {
        assert_eq!(log.limited_get_log_entries(0, 3).await.expect("readable").len(), 1);
        assert_eq!(log.limited_get_log_entries(1, 3).await.expect("readable"), [entry(1, 1, 3 * READ_BYTES_MAX)]);
        assert_eq!(ids(&mut log).await.len(), 3);
    }
}

#[tokio::test]
async fn an_entry_that_is_gone_though_it_should_be_there_is_an_error() {
    let shelf = Arc::new(Shelf::default());
    let mut log = open(&shelf);
    log.blocking_append((0..5).map(|i| entry(1, i, 10))).await.expect("room");
    let mut log = reopened(&shelf, log).await;
    shelf.commit(vec![Op::Remove(entry_key(2, 0))]).expect("room");
    let error = log.try_get_log_entries(..).await.expect_err("a hole");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn votes_and_commits_are_there_again() {
    let shelf = Arc::new(Shelf::default());
    let mut log = open(&shelf);
    log.save_vote(&Vote::new_committed(7, 3)).await.expect("room");
    log.save_committed(Some(id(7, 1))).await.expect("room");
    log.blocking_append([entry(7, 0, 1), entry(7, 1, 1)]).await.expect("room");
    let mut log = reopened(&shelf, log).await;
    assert_eq!(log.read_vote().await.expect("readable"), Some(Vote::new_committed(7, 3)));
    assert_eq!(log.read_committed().await.expect("readable"), Some(id(7, 1)), "it went with the next write");
}
