//! Starting consensus over what is on the disk: log, snapshot, state machine, network, core; and the tasks that watch it.

use crate::applied::StateMachine;
use crate::cluster::{Member, Shared};
use crate::error::OpenError;
use crate::fault::Faults;
use crate::network::client::Dialer;
use crate::options::config;
use crate::propose::Proposer;
use crate::status::RaftStatus;
use crate::store::data_dir::{DataDir, Identity};
use crate::store::disk::Disk;
use crate::store::layout::{BIRTH, put_mark};
use crate::store::log::LogStore;
use crate::store::recover::{RecoverError, mark};
use crate::store::sled::{SledDisk, SledError};
use crate::store::snapshots::{SnapshotDir, Snapshots};
use crate::store::writer::{Writer, WriterThread};
use crate::types::{Raft, SnapshotMeta};
use bytes::Bytes;
use labkeeper_model::ErrorCode;
use openraft::errors::Fatal;
use openraft_rt::WatchReceiver as _;
use openraft_rt_tokio::TokioRuntime;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Starts consensus under an identity, once. The identity is written down when the log is there: an identity without a log means
/// that the log was lost.
pub(crate) async fn start(shared: &Arc<Shared>, identity: Identity) -> Result<(), OpenError> {
    let task = shared.clone();
    let handle = crate::cluster::Cluster { shared: shared.clone() }.runtime();
    // On consensus' own runtime: what the core starts stays there.
    let member = handle.spawn(async move { open(&task, identity).await }).await;
    let member = member.map_err(|e| OpenError::NotStarted(e.to_string()))??;
    let raft = member.raft.clone();
    if shared.member.set(member).is_err() {
        return Err(OpenError::NotStarted("consensus was started twice".into()));
    }
    // Set together with `member`, under `settling` or before anybody else has the handle.
    let _ = shared.core.set((identity, raft.clone()));
    handle.spawn(watch_status(Arc::downgrade(shared), raft.clone()));
    handle.spawn(watch_recovery(Arc::downgrade(shared), raft));
    Ok(())
}

struct Opened {
    log: LogStore<TokioRuntime>,
    snapshots: Snapshots,
    loaded: Option<(SnapshotMeta, Bytes)>,
    writer: Arc<WriterThread>,
}

async fn open(shared: &Arc<Shared>, identity: Identity) -> Result<Member, OpenError> {
    let task = shared.clone();
    let opened = tokio::task::spawn_blocking(move || open_store(&task.dir, &task.faults)).await;
    let Opened { log, snapshots, loaded, writer } = opened.map_err(|e| OpenError::NotStarted(e.to_string()))??;
    if shared.dir.identity() != Some(identity) {
        shared.dir.settle(identity)?;
    }
    let options = &shared.options;
    let machine = StateMachine::new(shared.replica.clone(), snapshots, loaded);
    let machine = machine.map_err(|e| shared.dir.set_aside(&format!("the snapshot: {e}")))?;
    let config = config(options.timing, options.snapshot_every, options.snapshot_keep)?;
    let dialer = Dialer {
        pool: shared.pool.clone(),
        me: identity,
        replica: shared.replica.clone(),
        addresses: shared.addresses.clone(),
        stalled_after: (options.timing.election_max * 2).max(Duration::from_secs(1)),
    };
    let raft = Raft::new(identity.node_id, config, dialer, log, machine).await;
    let raft = raft.map_err(|e| OpenError::NotStarted(e.to_string()))?;
    Ok(Member { identity, proposer: Proposer::start(raft.clone()), raft, writer })
}

/// Opens log and snapshot. Whatever is damaged is set aside with everything else: half a directory is of no use to anybody.
fn open_store(dir: &DataDir, faults: &Faults) -> Result<Opened, OpenError> {
    let io_error = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => dir.set_aside(&error.to_string()),
        _ => OpenError::io(dir.path(), &error),
    };
    let disk = SledDisk::open(&dir.path().join("log")).map_err(|error| match error {
        SledError::Io(error) => OpenError::io(dir.path(), &error),
        damaged @ SledError::Damaged(_) => dir.set_aside(&damaged.to_string()),
    })?;
    let disk: Arc<dyn Disk> = Arc::new(disk);
    check_birth(dir, &*disk)?;
    let report = faults.clone();
    let failed = move |error: &io::Error| report.report_io("the log cannot be written", error);
    let writer = Arc::new(WriterThread::start(disk.clone(), failed).map_err(io_error)?);
    let shared_writer: Arc<dyn Writer> = writer.clone();
    let (log, snapshot) = LogStore::open(disk, shared_writer.clone()).map_err(|error| match error {
        RecoverError::Io(error) => io_error(error),
        RecoverError::Damage(damage) => dir.set_aside(&damage.to_string()),
    })?;
    let report = faults.clone();
    let failed = move |error: &io::Error| report.report_io("a snapshot cannot be written", error);
    let files = SnapshotDir::open(&dir.path().join("snapshot"), failed).map_err(io_error)?;
    let (snapshots, loaded) = Snapshots::open(Arc::new(files), shared_writer, snapshot).map_err(io_error)?;
    Ok(Opened { log, snapshots, loaded, writer })
}

/// Whether this is the log that the directory began with. sled takes what it cannot read at the end of its file for a write that was
/// cut off, and goes on without it: a file that is damaged from its start on becomes an empty log. A node that went on
/// with that under its old number would break the promises that its votes were.
fn check_birth(dir: &DataDir, disk: &dyn Disk) -> Result<(), OpenError> {
    let birth = mark(disk, BIRTH).map_err(|error| match error {
        RecoverError::Io(error) => OpenError::io(dir.path(), &error),
        RecoverError::Damage(damage) => dir.set_aside(&damage.to_string()),
    })?;
    match birth {
        Some(instance) if *instance == dir.instance() => Ok(()),
        Some(_) => Err(dir.set_aside("the log is that of another directory")),
        None if dir.identity().is_some() => Err(dir.set_aside("the log is empty, but the node belongs to a site")),
        None => disk.commit(vec![put_mark(BIRTH, &dir.instance())]).map_err(|error| OpenError::io(dir.path(), &error)),
    }
}

/// Tells role, term, leader and membership as they change, and the end of the core.
async fn watch_status(shared: std::sync::Weak<Shared>, raft: Raft) {
    let mut changes = raft.server_metrics();
    let mut ended = false;
    loop {
        let server = changes.borrow_and_update().clone();
        let metrics = raft.metrics().borrow_watched().clone();
        let Some(shared) = shared.upgrade() else { return };
        match &metrics.running_state {
            Ok(()) | Err(Fatal::Stopped) => {}
            Err(fatal) => shared.faults.report(ErrorCode::Internal, format!("consensus has stopped: {fatal}")),
        }
        shared.status.send_replace(RaftStatus::of(&server, &metrics));
        drop(shared);
        if ended {
            return;
        }
        // Once more after the end: the core's last word is why.
        ended = changes.changed().await.is_err();
    }
}

async fn watch_recovery(shared: std::sync::Weak<Shared>, raft: Raft) {
    if raft.wait_for_recovery(None).await.is_ok()
        && let Some(shared) = shared.upgrade()
    {
        shared.recovered.send_replace(true);
    }
}
