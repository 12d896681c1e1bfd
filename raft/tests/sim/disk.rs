//! A disk that takes its time and forgets what was not synced.
//!
//! ```text
//!   submit --> queue --(0.1 to 8 ms)--> durable --> done            power loss: the queue is gone, whoever holds a handle from
//!                                                                   before can never read or write again
//! ```

use bytes::Bytes;
use futures::future::BoxFuture;
use labkeeper_raft::store::disk::{Disk, Op};
use labkeeper_raft::store::snapshots::SnapshotDisk;
use labkeeper_raft::store::writer::{Rounds, Submission, When, Writer};
use openraft_rt::AsyncRuntime as _;
use openraft_rt_sim::SimRuntime;
use parking_lot::{Mutex, MutexGuard};
use rand::RngExt as _;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A number below `n` from the run's seed.
pub(crate) fn random(n: u64) -> u64 {
    SimRuntime::thread_rng().random_range(0..n)
}

/// What survives a loss of power, and how often that happened.
#[derive(Default)]
struct Plates {
    keys: BTreeMap<Vec<u8>, Bytes>,
    files: BTreeMap<String, Bytes>,
    losses: u64,
}

/// The disk of one node. Clones are handles of the same life of the node.
#[derive(Clone, Default)]
pub(crate) struct SimDisk {
    plates: Arc<Mutex<Plates>>,
    life: u64,
    queue: Arc<Mutex<Queue>>,
    /// The planted fault: says "done" before it is.
    lies: bool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Submission>,
    rounds: Rounds,
    busy: bool,
}

impl SimDisk {
    pub(crate) fn new(lies: bool) -> Self {
        Self { lies, ..Self::default() }
    }

    /// Takes the power away and gives it back: a handle for the node's next life.
    pub(crate) fn lose_power(&self) -> Self {
        let mut plates = self.plates.lock();
        plates.losses += 1;
        Self { plates: self.plates.clone(), life: plates.losses, queue: Arc::default(), lies: self.lies }
    }

    fn plates(&self) -> io::Result<MutexGuard<'_, Plates>> {
        let plates = self.plates.lock();
        if plates.losses == self.life { Ok(plates) } else { Err(io::Error::other("the node is off")) }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.plates().is_ok()
    }

    async fn work(self) {
        loop {
            SimRuntime::sleep(Duration::from_micros(100 + random(8_000))).await;
            let round = {
                let mut queue = self.queue.lock();
                let Queue { waiting, rounds, .. } = &mut *queue;
                let round = rounds.gather(|| waiting.pop_front());
                if round.is_none() {
                    queue.busy = false;
                    return;
                }
                round
            };
            if let Some(round) = round {
                let result = self.commit(round.ops);
                if !self.is_on() {
                    return;
                }
                for done in round.dones {
                    done(result.as_ref().copied().map_err(|e| io::Error::other(e.to_string())));
                }
            }
        }
    }
}

impl Writer for SimDisk {
    fn submit(&self, mut submission: Submission) {
        if self.lies
            && let When::Now(done) = &mut submission.when
        {
            std::mem::replace(done, Box::new(drop))(Ok(()));
        }
        let mut queue = self.queue.lock();
        queue.waiting.push_back(submission);
        if !std::mem::replace(&mut queue.busy, true) {
            drop(queue);
            let _runs_on = SimRuntime::spawn(self.clone().work());
        }
    }
}

impl Disk for SimDisk {
    fn commit(&self, ops: Vec<Op>) -> io::Result<()> {
        let mut plates = self.plates()?;
        for op in ops {
            match op {
                Op::Put(key, value) => drop(plates.keys.insert(key, value.into())),
                Op::Remove(key) => drop(plates.keys.remove(&key)),
            }
        }
        Ok(())
    }

    fn range(&self, from: &[u8], to: &[u8]) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        Ok(self.plates()?.keys.range(from.to_vec()..to.to_vec()).map(|(k, v)| (k.clone(), v.clone())).collect())
    }
}

impl SnapshotDisk for SimDisk {
    fn save(&self, name: &str, pieces: &[&[u8]]) -> io::Result<()> {
        self.plates()?.files.insert(name.to_owned(), pieces.concat().into());
        Ok(())
    }

    fn load(&self, name: &str) -> io::Result<Bytes> {
        self.plates()?.files.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn keep_only(&self, name: &str) -> io::Result<()> {
        self.plates()?.files.retain(|other, _| other == name);
        Ok(())
    }

    fn offload(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            SimRuntime::sleep(Duration::from_micros(100 + random(20_000))).await;
            work();
        })
    }
}
