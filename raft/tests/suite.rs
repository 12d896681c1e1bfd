//! openraft's own test suite for storage, on the log and state machine over sled.

#![expect(clippy::panic, reason = "tests state their expectations by panicking")]

use labkeeper_raft::applied::{Replica, StateMachine};
use labkeeper_raft::store::log::LogStore;
use labkeeper_raft::store::sled::SledDisk;
use labkeeper_raft::store::snapshots::{SnapshotDir, Snapshots};
use labkeeper_raft::store::writer::{Writer, WriterThread};
use labkeeper_raft::types::Types;
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use openraft_rt_tokio::TokioRuntime;
use std::sync::Arc;
use tempfile::TempDir;

type Config = Types<TokioRuntime>;
type Log = LogStore<TokioRuntime>;
type Machine = StateMachine<TokioRuntime>;

struct OnSled;

impl StoreBuilder<Config, Log, Machine, TempDir> for OnSled {
    async fn build(&self) -> Result<(TempDir, Log, Machine), StorageError<Config>> {
        let dir = tempfile::tempdir().expect("a directory");
        let disk = Arc::new(SledDisk::open(&dir.path().join("log")).expect("an empty database"));
        let writer: Arc<dyn Writer> = Arc::new(WriterThread::start(disk.clone(), |e| panic!("the disk failed: {e}")).expect("a thread"));
        let (log, name) = LogStore::open(disk, writer.clone()).expect("an empty log");
        let files = SnapshotDir::open(&dir.path().join("snapshot"), |e| panic!("a snapshot failed: {e}")).expect("a directory");
        let (snapshots, loaded) = Snapshots::open(Arc::new(files), writer, name).expect("no snapshot");
        let machine = StateMachine::new(Replica::default(), snapshots, loaded).expect("no snapshot");
        Ok((dir, log, machine))
    }
}

#[test]
fn openrafts_suite_passes_on_sled() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(Suite::test_all(OnSled)).expect("the suite");
}
