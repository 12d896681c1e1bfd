//! The nemesis: does to a cluster what a bad day does, step by step.
//!
//! ```text
//! [Freeze(Owner("cryo")), Wait(3 s), Thaw, Settle]
//! ```
//! A step that does harm names its victim by its part at that moment; one that repairs undoes everything of its kind, so that
//! nothing depends on who the victim was. The nemesis remembers whom it harmed; nodes that run know nothing of it.

use crate::Cluster;
use crate::disk::{SlowDisk, SmallDisk};
use crate::faults::{Faults, Harm};
use crate::network::{End, Links};
use anyhow::{Context as _, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A node by its part in the cluster, at the moment of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// By its position.
    Node(usize),
    /// Who leads.
    Leader,
    /// Who owns the segment.
    Owner(&'static str),
}

/// What can be done to a cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// As a power cut: no handler runs.
    Kill(Who),
    /// Stops it in a planned way, and waits until it is gone.
    Stop(Who),
    /// Starts every node that does not run.
    Restart,
    /// Holds it still, with its memory, its sockets and its beliefs.
    Freeze(Who),
    /// Lets every frozen node go on.
    Thaw,
    /// Nodes of different groups neither hear nor are heard by each other.
    Partition(Vec<Vec<usize>>),
    /// It neither hears nor is heard by the other nodes.
    Isolate(Who),
    /// `to` does not hear `from`, which still hears it.
    OneWay {
        /// Who is not heard.
        from: usize,
        /// Who does not hear.
        to: usize,
    },
    /// It is heard by the other nodes, and hears none.
    Deafen(Who),
    /// It hears the other nodes, and none hears it.
    Mute(Who),
    /// It does not reach the devices, nor they it.
    CutField(Who),
    /// It reaches the devices again.
    RestoreField(Who),
    /// Every link is whole, between nodes and to the devices.
    Heal,
    /// Its wall clock jumps by so many milliseconds.
    ClockStep(Who, i64),
    /// Its boot clock, by which leases are counted, runs at this rate; 1 is right.
    ClockRate(Who, f64),
    /// Its disk is full. Needs [`Nemesis::small_disk`].
    DiskFull(Who),
    /// Its disk takes so many writes a second and not more.
    SlowDisk(Who, u32),
    /// Every disk is fast and has space.
    MendDisks,
    /// Every device takes this much longer to answer.
    SlowDevices(Duration),
    /// Every device answers as it should.
    MendDevices,
    /// Nothing, for a time: that is how long a fault lasts.
    Wait(Duration),
    /// Waits until every running node names the same leader, every segment is kept and every value is good.
    Settle,
}

/// Whom it has harmed, and how.
#[derive(Debug)]
pub struct Nemesis {
    began: Instant,
    frozen: BTreeSet<usize>,
    slow: Vec<SlowDisk>,
    small: BTreeMap<usize, SmallDisk>,
    story: Vec<String>,
    faults: Faults,
}

impl Default for Nemesis {
    fn default() -> Self {
        let (frozen, slow, small, story, faults) = <(_, _, _, Vec<String>, _)>::default();
        Self { began: Instant::now(), frozen, slow, small, story, faults }
    }
}

impl Nemesis {
    /// Takes the steps in order.
    ///
    /// # Errors
    /// When a step cannot be done, or the cluster does not settle: with the story so far.
    pub async fn take(&mut self, cluster: &mut Cluster, steps: &[Step]) -> anyhow::Result<()> {
        for step in steps {
            self.step(cluster, step).await.with_context(|| format!("at {step:?} after:\n{}", self.story()))?;
        }
        Ok(())
    }

    /// Takes one step, and returns its victim if it has one.
    ///
    /// # Errors
    /// When it cannot be done, or the cluster does not settle.
    pub async fn step(&mut self, cluster: &mut Cluster, step: &Step) -> anyhow::Result<Option<usize>> {
        let victim = match step.victim() {
            Some(who) => Some(find(cluster, who).await?),
            None => None,
        };
        let named = victim.map(|at| format!(" {}", cluster.nodes[at].name)).unwrap_or_default();
        self.story.push(format!("{:>7} ms {step:?}{named}", self.began.elapsed().as_millis()));
        match victim {
            Some(at) => self.harm(cluster, step, at).await?,
            None => self.act(cluster, step).await?,
        }
        Ok(victim)
    }

    /// What was done so far, a line each with its time.
    #[must_use]
    pub fn story(&self) -> String {
        self.story.join("\n")
    }

    /// Which node was hit when.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Puts a stopped node's data on a small disk, so that it can be full.
    ///
    /// # Errors
    /// When mounting is refused.
    pub fn small_disk(&mut self, cluster: &Cluster, at: usize, mib: u32) -> anyhow::Result<()> {
        ensure!(!cluster.nodes[at].is_running(), "{} runs", cluster.nodes[at].name);
        let data_dir = cluster.nodes[at].data_dir();
        let kept = data_dir.with_extension("kept");
        std::fs::rename(&data_dir, &kept)?;
        self.small.insert(at, SmallDisk::mount(&data_dir, mib)?);
        crate::disk::run("cp", &["-a", &format!("{}/.", kept.display()), &data_dir.display().to_string()])
    }

    async fn harm(&mut self, cluster: &mut Cluster, step: &Step, at: usize) -> anyhow::Result<()> {
        // A segment's owner may be a node that was killed a moment ago, until its lease has run out.
        if step.is_for_the_living() && !cluster.nodes[at].is_running() {
            self.story.push("           which is down already".into());
            return Ok(());
        }
        let harm = match step.harm() {
            Some(Harm::Cut) if cluster.leads(at).await => Some(Harm::CutLeader),
            harm => harm,
        };
        if let Some(harm) = harm {
            // Noted before it is done: its victim must not be seen to suffer earlier.
            self.faults.begin(&cluster.nodes[at].name, harm, now_ns());
        }
        let count = cluster.nodes.len();
        let others = || (0..count).filter(move |other| *other != at).map(End::Node);
        let me = End::Node(at);
        match step {
            Step::Kill(_) => {
                self.frozen.remove(&at);
                cluster.nodes[at].kill9()?;
            }
            Step::Stop(_) => cluster.nodes[at].stop().await?,
            Step::Freeze(_) => {
                cluster.nodes[at].pause()?;
                self.frozen.insert(at);
            }
            Step::Isolate(_) => change(cluster, |links| others().for_each(|other| links.cut(me, other)))?,
            Step::Deafen(_) => change(cluster, |links| others().for_each(|other| links.cut_way(other, me)))?,
            Step::Mute(_) => change(cluster, |links| others().for_each(|other| links.cut_way(me, other)))?,
            Step::CutField(_) => change(cluster, |links| links.cut(me, End::Field))?,
            Step::RestoreField(_) => change(cluster, |links| links.join(me, End::Field))?,
            Step::ClockStep(_, ms) => cluster.nodes[at].clock()?.step(*ms)?,
            Step::ClockRate(_, rate) => cluster.nodes[at].clock()?.run_at(*rate)?,
            Step::DiskFull(_) => self.small.get(&at).context("its data is on no small disk")?.fill()?,
            Step::SlowDisk(_, writes_per_s) => {
                let data_dir = cluster.nodes[at].data_dir();
                self.slow.push(SlowDisk::slow_down(cluster.nodes[at].process()?.id(), &data_dir, *writes_per_s)?);
            }
            _ => anyhow::bail!("{step:?} has no victim"),
        }
        Ok(())
    }

    async fn act(&mut self, cluster: &mut Cluster, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Restart => {
                for node in cluster.nodes.iter_mut().filter(|node| !node.is_running()) {
                    node.launch()?;
                }
            }
            Step::Thaw => {
                for at in std::mem::take(&mut self.frozen) {
                    cluster.nodes[at].resume()?;
                }
            }
            Step::Partition(groups) => change(cluster, |links| links.partition(groups))?,
            Step::OneWay { from, to } => change(cluster, |links| links.cut_way(End::Node(*from), End::Node(*to)))?,
            Step::Heal => change(cluster, Links::heal)?,
            Step::MendDisks => {
                self.slow.clear();
                self.small.values().try_for_each(SmallDisk::grow)?;
            }
            Step::SlowDevices(by) => {
                for device in cluster.lab().segments_of_devices()?.keys() {
                    cluster.plant.fault(device, &format!("slow:{}", by.as_millis())).await?;
                }
            }
            Step::MendDevices => {
                for device in cluster.lab().segments_of_devices()?.keys() {
                    cluster.plant.clear_fault(device).await?;
                }
            }
            Step::Wait(time) => tokio::time::sleep(*time).await,
            Step::Settle => cluster.settled().await?,
            _ => anyhow::bail!("{step:?} has a victim"),
        }
        for harm in step.repairs() {
            self.faults.end(*harm, now_ns());
        }
        Ok(())
    }
}

impl Step {
    /// Whether it is done to a process.
    fn is_for_the_living(&self) -> bool {
        matches!(self, Self::Kill(_) | Self::Stop(_) | Self::Freeze(_) | Self::SlowDisk(..))
    }

    /// What kind of harm it does to its victim.
    fn harm(&self) -> Option<Harm> {
        match self {
            Self::Kill(_) | Self::Stop(_) => Some(Harm::Down),
            Self::Freeze(_) => Some(Harm::Frozen),
            Self::Isolate(_) | Self::Deafen(_) | Self::Mute(_) => Some(Harm::Cut),
            Self::CutField(_) => Some(Harm::OffField),
            _ => None,
        }
    }

    /// What kind of harm it undoes.
    fn repairs(&self) -> &'static [Harm] {
        match self {
            Self::Restart => &[Harm::Down],
            Self::Thaw => &[Harm::Frozen],
            Self::Heal => &[Harm::Cut, Harm::CutLeader, Harm::OffField],
            _ => &[],
        }
    }

    /// Whom it befalls.
    fn victim(&self) -> Option<Who> {
        match self {
            Self::Kill(who) | Self::Stop(who) | Self::Freeze(who) | Self::Isolate(who) | Self::Deafen(who) | Self::Mute(who) => Some(*who),
            Self::CutField(who) | Self::RestoreField(who) | Self::DiskFull(who) => Some(*who),
            Self::ClockStep(who, _) | Self::ClockRate(who, _) | Self::SlowDisk(who, _) => Some(*who),
            Self::Restart | Self::Thaw | Self::Partition(_) | Self::OneWay { .. } | Self::Heal => None,
            Self::MendDisks | Self::SlowDevices(_) | Self::MendDevices | Self::Wait(_) | Self::Settle => None,
        }
    }
}

async fn find(cluster: &Cluster, who: Who) -> anyhow::Result<usize> {
    match who {
        Who::Node(at) => Ok(at),
        Who::Leader => cluster.leader().await,
        Who::Owner(segment) => cluster.owner(segment).await,
    }
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Until the year 2262.
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn change(cluster: &mut Cluster, change: impl FnOnce(&mut Links)) -> anyhow::Result<()> {
    cluster.network.as_mut().context("the test asked for no network: `Setup::with_network`")?.change(change)
}
