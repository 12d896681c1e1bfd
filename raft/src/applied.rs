//! The machine as openraft sees it: committed entries in, replies out, snapshots of the whole.
//!
//! Applying is total. An entry that this version cannot decode is answered with a rejection and passed over, on every replica
//! alike: a panic would come back at each restart.
//!
//! The state is in memory only. After a start it is what the snapshot held, and openraft applies the log from there.

use crate::codec::{CodecError, command, snapshot};
use crate::store::snapshots::Snapshots;
use crate::types::{Entry, LogId, Payload, Replies, Snapshot, SnapshotMeta, StoredMembership, Types};
use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use labkeeper_machine::{Applied, Effect, Machine, Rejection, Stamp};
use labkeeper_model::{ErrorCode, LogIndex};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use openraft_rt::AsyncRuntime;
use parking_lot::{Mutex, RwLock};
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use tokio::sync::{broadcast, watch};

/// Effects that wait for a slow listener. They are hints: a listener that missed some looks at the state, which tells what is but not in
/// which order it came. The largest burst that has an order worth keeping is 10,000 alarms at once; with their names, that many take
/// some 2 MB.
const EFFECTS_WAITING_MAX: usize = 16_384;

/// The state and who watches it. Clones share both.
#[derive(Clone)]
pub struct Replica {
    machine: Arc<RwLock<Machine>>,
    applied: Arc<watch::Sender<LogIndex>>,
    effects: broadcast::Sender<(LogIndex, Effect)>,
}

impl Default for Replica {
    fn default() -> Self {
        Self { machine: Arc::default(), applied: Arc::new(watch::channel(0).0), effects: broadcast::channel(EFFECTS_WAITING_MAX).0 }
    }
}

impl Replica {
    /// Looks at the state. Applying waits meanwhile.
    pub fn read<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        look(&self.machine.read())
    }

    /// The index of the last applied entry, as it grows.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<LogIndex> {
        self.applied.subscribe()
    }

    /// Hints that something changed, with the entry that did it.
    #[must_use]
    pub fn effects(&self) -> broadcast::Receiver<(LogIndex, Effect)> {
        self.effects.subscribe()
    }

    fn replace(&self, machine: Machine) {
        let index = machine.applied();
        *self.machine.write() = machine;
        self.applied.send_replace(index);
        // Everything may be another: whoever looks at effects looks at all of it.
        let _ = self.effects.send((index, Effect::SiteChanged));
        let _ = self.effects.send((index, Effect::NodesChanged));
    }

    fn apply(&self, log_id: &LogId, payload: &Payload) -> Replies {
        let (index, term) = (log_id.index, log_id.leader_id.term);
        let mut machine = self.machine.write();
        let Payload::Normal(batch) = payload else {
            let time = machine.time();
            machine.advance(Stamp { index, time, term });
            return Replies::default();
        };
        let (time, commands) = match command::decode_batch(batch.0.clone()) {
            Ok(batch) => batch,
            Err(error) => {
                let time = machine.time();
                machine.advance(Stamp { index, time, term });
                return Replies(vec![Err(undecodable(&error))]);
            }
        };
        let stamp = Stamp { index, time, term };
        machine.advance(stamp);
        let replies = commands.iter().map(|bytes| match command::decode(bytes) {
            Ok(command) => {
                let Applied { reply, effects } = machine.apply(stamp, command);
                for effect in effects {
                    // No listener is no error.
                    let _ = self.effects.send((index, effect));
                }
                reply
            }
            Err(error) => Err(undecodable(&error)),
        });
        Replies(replies.collect())
    }
}

fn undecodable(error: &CodecError) -> Rejection {
    Rejection::new(ErrorCode::Internal, format!("the log holds a command that this version does not know: {error}"))
}

/// The adapter that openraft drives.
pub struct StateMachine<Rt> {
    replica: Replica,
    position: Arc<Mutex<Position>>,
    snapshots: Snapshots,
    _runtime: PhantomData<fn() -> Rt>,
}

#[derive(Clone, Default)]
struct Position {
    applied: Option<LogId>,
    membership: StoredMembership,
}

impl<Rt> StateMachine<Rt> {
    /// Takes up the state of a snapshot; without one, the state before the first entry.
    ///
    /// # Errors
    /// [`CodecError`] when the snapshot's bytes are none that this version knows.
    pub fn new(replica: Replica, snapshots: Snapshots, loaded: Option<(SnapshotMeta, Bytes)>) -> Result<Self, CodecError> {
        let mut position = Position::default();
        if let Some((meta, bytes)) = loaded {
            replica.replace(Machine::restore(snapshot::decode(&bytes)?));
            position = Position { applied: meta.last_log_id, membership: meta.last_membership };
        }
        Ok(Self { replica, position: Arc::new(Mutex::new(position)), snapshots, _runtime: PhantomData })
    }
}

impl<Rt: AsyncRuntime> RaftStateMachine<Types<Rt>> for StateMachine<Rt> {
    type SnapshotData = Bytes;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        let position = self.position.lock().clone();
        Ok((position.applied, position.membership))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<Types<Rt>>, io::Error>> + Unpin + Send,
    {
        while let Some((Entry { log_id, payload }, responder)) = entries.try_next().await? {
            let replies = self.replica.apply(&log_id, &payload);
            {
                let mut position = self.position.lock();
                position.applied = Some(log_id);
                if let Payload::Membership(membership) = payload {
                    position.membership = StoredMembership::new(Some(log_id), membership);
                }
            }
            // Before the reply: whoever has it may read what it says.
            self.replica.applied.send_replace(log_id.index);
            if let Some(responder) = responder {
                responder.send(replies);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        // No entry is applied meanwhile. A dump takes a few reference counts per record: 100,000 commands, 10,000 audit entries
        // and 10,000 setpoints are some 10 ms.
        let Position { applied, membership } = self.position.lock().clone();
        let meta = SnapshotMeta { last_log_id: applied, last_membership: membership };
        Builder { dump: Some(Arc::new(self.replica.read(Machine::dump))), meta, snapshots: self.snapshots.clone() }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, data: Bytes) -> Result<(), io::Error> {
        // Decoded before it is kept: a snapshot that cannot be used must not replace one that can.
        let dump = snapshot::decode(&data).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        self.snapshots.save(meta.clone(), move || data).await?;
        self.replica.replace(Machine::restore(dump));
        *self.position.lock() = Position { applied: meta.last_log_id, membership: meta.last_membership.clone() };
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        Ok(self.snapshots.current().await?.map(|(meta, snapshot)| Snapshot { meta, snapshot }))
    }
}

/// Turns a dump into a snapshot while the machine goes on.
pub struct Builder {
    dump: Option<Arc<labkeeper_machine::Dump>>,
    meta: SnapshotMeta,
    snapshots: Snapshots,
}

impl<Rt: AsyncRuntime> RaftSnapshotBuilder<Types<Rt>> for Builder {
    type SnapshotData = Bytes;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        let dump = self.dump.take().ok_or_else(|| io::Error::other("a snapshot is built once"))?;
        let bytes = self.snapshots.save(self.meta.clone(), move || snapshot::encode(&dump)).await?;
        Ok(Snapshot { meta: self.meta.clone(), snapshot: bytes })
    }
}
