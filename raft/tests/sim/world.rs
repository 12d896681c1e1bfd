//! Three nodes, three clients and bad luck: twelve strokes of it, then peace, then the reckoning.

use crate::disk::{SimDisk, random};
use crate::network::{Raft, SimNetwork, Wires};
use crate::oracle::Oracle;
use crate::site::{applying, founding, setting};
use bytes::Bytes;
use labkeeper_machine::{Command, Machine};
use labkeeper_model::{Revision, Timestamp};
use labkeeper_raft::Timing;
use labkeeper_raft::applied::{Replica, StateMachine};
use labkeeper_raft::codec::command::{encode, encode_batch};
use labkeeper_raft::options::config;
use labkeeper_raft::store::log::LogStore;
use labkeeper_raft::store::snapshots::Snapshots;
use labkeeper_raft::types::{EncodedBatch, Member};
use openraft::ReadPolicy;
use openraft_rt::{AsyncRuntime as _, Instant as _};
use openraft_rt_sim::{SimInstant, SimRuntime};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const NODES: [u64; 3] = [1, 2, 3];
const CLIENTS: u64 = 3;
const STROKES: u64 = 12;

/// What is deliberately wrong in a run, to see that the oracle notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Planted {
    /// Disks say "done" before they are.
    pub(crate) acknowledge_before_sync: bool,
    /// A restarted leader goes on without an election: openraft's default, which `options::config` turns off.
    pub(crate) leader_restore: bool,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) violations: Vec<String>,
    pub(crate) acknowledged: usize,
    pub(crate) history: String,
}

#[derive(Clone)]
struct World {
    planted: Planted,
    wires: Arc<Mutex<Wires>>,
    disks: Arc<Mutex<BTreeMap<u64, SimDisk>>>,
    replicas: Arc<Mutex<BTreeMap<u64, Replica>>>,
    oracle: Arc<Mutex<Oracle>>,
    history: Arc<Mutex<String>>,
    started: SimInstant,
    over: Arc<AtomicBool>,
}

/// Plays one seed to its end.
pub(crate) fn play(seed: u64, planted: Planted) -> Outcome {
    SimRuntime::with_seed(seed).block_on(async move {
        let world = World {
            planted,
            wires: Arc::new(Mutex::new(Wires { loss: random(60), ..Wires::default() })),
            disks: Arc::new(Mutex::new(NODES.map(|id| (id, SimDisk::new(planted.acknowledge_before_sync))).into())),
            replicas: Arc::default(),
            oracle: Arc::default(),
            history: Arc::default(),
            started: SimInstant::now(),
            over: Arc::default(),
        };
        world.run().await;
        let mut oracle = world.oracle.lock();
        Outcome {
            violations: std::mem::take(&mut oracle.violations),
            acknowledged: oracle.acknowledged(),
            history: std::mem::take(&mut world.history.lock()),
        }
    })
}

impl World {
    async fn run(&self) {
        for id in NODES {
            self.start(id).await;
        }
        let members: BTreeMap<u64, Member> = NODES.map(|id| (id, Member { grpc: format!("node-{id}:7400") })).into();
        let first = self.raft(1);
        first.initialize(members).await.expect("an empty node");
        for command in [founding(), applying()] {
            while self.propose(command.clone()).await.is_none() {}
        }
        for client in 0..CLIENTS {
            let _runs_on = SimRuntime::spawn(self.clone().write(client));
        }
        let _runs_on = SimRuntime::spawn(self.clone().read());
        let _runs_on = SimRuntime::spawn(self.clone().watch());
        for _ in 0..STROKES {
            SimRuntime::sleep(Duration::from_millis(100 + random(700))).await;
            self.strike().await;
        }
        self.end_in_peace().await;
    }

    /// Starts a node over what its disk holds.
    async fn start(&self, id: u64) {
        let disk = self.disks.lock()[&id].clone();
        let shared = Arc::new(disk.clone());
        let replica = Replica::default();
        let (log, name) = LogStore::open(shared.clone(), shared.clone()).expect("an intact log");
        let (snapshots, loaded) = Snapshots::open(shared.clone(), shared, name).expect("an intact snapshot");
        let machine = StateMachine::new(replica.clone(), snapshots, loaded).expect("an intact snapshot");
        let timing = Timing {
            heartbeat: Duration::from_millis(50),
            election_min: Duration::from_millis(150),
            election_max: Duration::from_millis(300),
        };
        // Few entries between snapshots, so that nodes meet them often.
        let mut config = openraft::Config::clone(&config(timing, 40, 10).expect("times that fit"));
        if self.planted.leader_restore {
            config.enable_leader_restore = None;
        }
        let network = SimNetwork { wires: self.wires.clone(), me: id, disk };
        let raft = Raft::new(id, Arc::new(config), network, log, machine).await.expect("a core");
        self.replicas.lock().insert(id, replica);
        self.wires.lock().nodes.insert(id, raft);
    }

    fn raft(&self, id: u64) -> Raft {
        self.wires.lock().nodes[&id].clone()
    }

    fn any(&self) -> Option<Raft> {
        let wires = self.wires.lock();
        let n = random(wires.nodes.len().max(1) as u64);
        wires.nodes.values().nth(usize::try_from(n).unwrap_or(0)).cloned()
    }

    fn now(&self) -> Duration {
        SimInstant::now() - self.started
    }

    fn tell(&self, what: &str) {
        let _ = writeln!(self.history.lock(), "{:>10} us  {what}", self.now().as_micros());
    }

    /// Proposes to any node; `None` if that led to nothing within 400 ms.
    async fn propose(&self, command: Command) -> Option<()> {
        let Some(raft) = self.any() else {
            SimRuntime::sleep(Duration::from_millis(10)).await;
            return None;
        };
        let time = Timestamp(i64::try_from(self.now().as_nanos()).unwrap_or(0));
        let batch = EncodedBatch(encode_batch(time, vec![encode(&command)]));
        let written = SimRuntime::timeout(Duration::from_millis(400), raft.client_write(batch)).await;
        let written = written.ok().and_then(Result::ok);
        let Some(written) = written else {
            SimRuntime::sleep(Duration::from_millis(1 + random(10))).await;
            return None;
        };
        let index = written.log_id.index;
        if let Some(Ok(reply)) = written.data.0.first() {
            self.tell(&format!("acknowledged {index}"));
            self.oracle.lock().was_acknowledged(index, reply);
        }
        Some(())
    }

    async fn write(self, client: u64) {
        let mut number = 0;
        while !self.over.load(Ordering::Relaxed) {
            number += 1;
            self.propose(setting(client, number)).await;
            SimRuntime::sleep(Duration::from_millis(1 + random(20))).await;
        }
    }

    /// Reads at any node that will take a linearizable read.
    async fn read(self) {
        while !self.over.load(Ordering::Relaxed) {
            SimRuntime::sleep(Duration::from_millis(5 + random(30))).await;
            let Some(raft) = self.any() else { continue };
            let before = self.oracle.lock().newest();
            let policy = if random(2) == 0 { ReadPolicy::ReadIndex } else { ReadPolicy::LeaseRead };
            let barrier = SimRuntime::timeout(Duration::from_millis(400), raft.ensure_linearizable(policy)).await;
            let id = *raft.node_id();
            let replica = self.replicas.lock().get(&id).cloned();
            if let (Ok(Ok(_)), Some(replica)) = (barrier, replica)
                && self.wires.lock().nodes.contains_key(&id)
            {
                let seen = replica.read(newest_revision);
                self.oracle.lock().was_read(before, seen);
            }
        }
    }

    /// Looks at all states again and again.
    async fn watch(self) {
        while !self.over.load(Ordering::Relaxed) {
            SimRuntime::sleep(Duration::from_millis(150)).await;
            self.look();
        }
    }

    fn look(&self) {
        let replicas = self.replicas.lock().clone();
        for (id, replica) in &replicas {
            self.oracle.lock().look_at(*id, replica);
        }
    }

    async fn strike(&self) {
        match random(5) {
            0 => {
                let lone = 1 + random(3);
                self.tell(&format!("node {lone} is cut off"));
                let mut wires = self.wires.lock();
                for other in NODES.into_iter().filter(|other| *other != lone) {
                    wires.cut.insert((lone, other));
                    // Sometimes it still hears the others.
                    if random(3) > 0 {
                        wires.cut.insert((other, lone));
                    }
                }
            }
            1 => {
                self.tell("the network heals");
                self.wires.lock().cut.clear();
            }
            2 | 3 => {
                let struck = if random(3) == 0 { NODES.to_vec() } else { vec![1 + random(3)] };
                self.tell(&format!("nodes {struck:?} lose power"));
                self.lose_power(&struck).await;
            }
            _ => {
                let id = 1 + random(3);
                self.tell(&format!("node {id} asks for votes"));
                let raft = self.wires.lock().nodes.get(&id).cloned();
                if let Some(raft) = raft {
                    let _ = raft.trigger().elect(random(2) == 0).await;
                }
            }
        }
    }

    async fn lose_power(&self, struck: &[u64]) {
        for id in struck {
            let raft = self.wires.lock().nodes.remove(id);
            let next_life = self.disks.lock()[id].lose_power();
            self.disks.lock().insert(*id, next_life);
            self.replicas.lock().remove(id);
            if let Some(raft) = raft {
                let _runs_on = SimRuntime::spawn(async move { drop(raft.shutdown().await) });
            }
        }
        SimRuntime::sleep(Duration::from_millis(random(500))).await;
        for id in struck {
            self.start(*id).await;
        }
    }

    async fn end_in_peace(&self) {
        self.tell("peace");
        {
            let mut wires = self.wires.lock();
            wires.cut.clear();
            wires.loss = 0;
        }
        SimRuntime::sleep(Duration::from_secs(3)).await;
        self.over.store(true, Ordering::Relaxed);
        for _ in 0..100 {
            SimRuntime::sleep(Duration::from_millis(100)).await;
            let applied: Vec<_> = self.replicas.lock().values().map(|replica| replica.read(Machine::applied)).collect();
            if applied.windows(2).all(|w| w[0] == w[1]) {
                break;
            }
        }
        self.look();
        let replicas = self.replicas.lock().clone();
        let states: Vec<(u64, Bytes)> =
            replicas.iter().map(|(id, replica)| (*id, labkeeper_raft::codec::snapshot::encode(&replica.read(Machine::dump)))).collect();
        if states.windows(2).any(|w| w[0].1 != w[1].1) {
            let applied: Vec<_> = replicas.iter().map(|(id, replica)| (*id, replica.read(Machine::applied))).collect();
            self.oracle.lock().broken(format!("the nodes' states differ in the end: {applied:?}"));
        }
        self.oracle.lock().look_at_the_end(&replicas);
        for (id, raft) in self.wires.lock().nodes.clone() {
            let _runs_on = SimRuntime::spawn(async move { drop((id, raft.shutdown().await)) });
        }
    }
}

fn newest_revision(machine: &Machine) -> Revision {
    machine.setpoints().map(|(_, setpoint)| setpoint.revision).max().unwrap_or(0)
}
