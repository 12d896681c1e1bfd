//! The shell of ownership: takes the segments that the replicated state grants to this node's session, and lets go of the others.
//!
//! ```text
//!   session held, granted ----------> take: start the segment's subtree
//!   successor named ----------------> finish what is in flight, stop the subtree, say so in the log
//!   not granted, or no session -----> stop the subtree at once: connections are reset
//! ```
//!
//! One task owns the set of kept segments. It wakes when the replicated state or the session moves, and once a second in any case, so
//! that a missed hint costs latency only. What to do is decided by [`duty`]; what happens within a segment is its own.

use super::board::BusKey;
use super::context::OwnerContext;
use super::quarantine;
use super::segment::Segment;
use super::subtree::subtree;
use labkeeper_machine::Command;
use labkeeper_model::{Epoch, SessionId};
use labkeeper_ownership::duty::{self, Step};
use labkeeper_raft::Cluster;
use labkeeper_supervision::{ChildError, Children, CommandError, Context, State, System};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The supervisor below which the segments are.
pub const SEGMENTS: &str = "segments";
/// How often the duties are looked at even if nothing seems to have changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a segment may take to finish what is in flight: a device's usual time-out of a second, and half as much to spare. What takes
/// longer is cut, and found out by the successor, which reads first.
const FINISH_MAX: Duration = Duration::from_millis(1_500);
/// Pause before a release is proposed again that the state does not have: a commit takes milliseconds, an election a third of a second.
const RELEASE_AGAIN: Duration = Duration::from_millis(250);
/// How long one proposal may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Runs until it is told to end; then lets go of everything.
///
/// # Errors
/// A segment's subtree blocks its thread and cannot be stopped.
pub async fn run(context: OwnerContext, actor: Context) -> Result<(), ChildError> {
    let parent = actor.path();
    let below = format!("{}/{SEGMENTS}", parent.rsplit_once('/').map_or("", |(parent, _)| parent));
    let system = actor.system().clone();
    let mut keeper =
        Keeper { context, children: system.children(&below), system, kept: BTreeMap::new(), released: BTreeMap::new(), confirmed: None };
    keeper.clear_what_was_left().await?;
    let mut applied = keeper.context.cluster.applied();
    let mut session = keeper.context.tenure.session();
    let mut tree = actor.system().changes();
    actor.ready();
    loop {
        actor.progress();
        let held = *session.borrow_and_update();
        keeper.follow(held).await?;
        keeper.report_quarantines();
        tokio::select! {
            biased;
            () = actor.cancelled() => break,
            changed = session.changed() => if changed.is_err() { break },
            changed = applied.changed() => if changed.is_err() { break },
            changed = tree.changed() => if changed.is_err() { break },
            () = sleep(LOOK_EVERY) => {}
        }
    }
    keeper.follow(None).await?;
    Ok(())
}

struct Keeper {
    context: OwnerContext,
    system: System,
    children: Children,
    kept: BTreeMap<String, Arc<Segment>>,
    /// When the release of a segment's epoch was proposed last.
    released: BTreeMap<(String, Epoch), Instant>,
    /// When it was said last by which declaration this node drives.
    confirmed: Option<Instant>,
}

impl Keeper {
    /// A keeper before this one may have failed and left segments running that nobody would stop.
    async fn clear_what_was_left(&self) -> Result<(), CommandError> {
        let below = format!("{}/", self.children.path());
        let left: Vec<String> =
            self.system.tree().into_iter().filter_map(|child| Some(child.path.strip_prefix(&below)?.to_owned())).collect();
        for segment in left.iter().filter(|path| !path.contains('/')) {
            self.stop(segment).await?;
        }
        self.context.board.lock().clear();
        self.context.tenure.drive_under(None);
        Ok(())
    }

    /// Takes and lets go until what is kept is what should be.
    async fn follow(&mut self, session: Option<SessionId>) -> Result<(), CommandError> {
        let me = self.context.me;
        let (duties, site, version) =
            self.context.cluster.read(|machine| (duty::duties(machine, me, session), machine.site().clone(), machine.site_version()));
        // A segment that is declared otherwise is let go and taken again, and so is one of another session.
        let is_right = |kept: &Segment| Some(kept.session) == session && (Arc::ptr_eq(&kept.site, &site) || kept.is_declared_so(&site));
        let epochs = self.kept.iter().map(|(name, kept)| (name.clone(), if is_right(kept) { kept.epoch } else { 0 })).collect();
        let was_released = |segment: &str, epoch: Epoch| self.released.contains_key(&(segment.to_owned(), epoch));
        for step in duty::steps(&duties, &epochs, was_released) {
            match step {
                Step::LetGo { segment, .. } => self.let_go(&segment).await?,
                Step::Release { segment, epoch } => self.release(session, segment, epoch).await?,
                Step::Take { segment, epoch } => {
                    let Some(session) = session else { continue };
                    self.take(Segment::open(self.context.clone(), segment, session, epoch, site.clone())).await;
                }
            }
        }
        self.released.retain(|(segment, epoch), _| duties.get(segment).is_some_and(|duty| duty.epoch == *epoch));
        self.confirm_site(session, version);
        Ok(())
    }

    async fn take(&mut self, segment: Arc<Segment>) {
        let (name, epoch) = (segment.name.clone(), segment.epoch);
        // Said before the first connection: an opening of a session waits until nothing is driven.
        self.context.tenure.drive_under(Some(segment.session));
        if let Err(error) = self.children.start_child(subtree(&segment)).await {
            tracing::error!(segment = name, epoch, %error, "a segment cannot be kept");
            self.say_what_is_driven();
            return;
        }
        tracing::info!(segment = name, epoch, "taking a segment over");
        let mut board = self.context.board.lock();
        board.extend(segment.buses().map(|(address, handle)| (BusKey { segment: name.clone(), address: address.clone() }, handle.clone())));
        self.kept.insert(name, segment);
    }

    /// Stops a segment's subtree at once; its connections are reset.
    async fn let_go(&mut self, name: &str) -> Result<(), CommandError> {
        if self.kept.remove(name).is_some() {
            self.stop(name).await?;
            self.context.board.lock().retain(|key, _| key.segment != name);
            tracing::info!(segment = name, "let go of a segment");
        }
        self.say_what_is_driven();
        Ok(())
    }

    /// Stops a segment's subtree. One that blocks its thread is not gone, nor are its connections: nothing may be released on it, and no
    /// session opened. The keeper fails by it, again and again, until the process ends and takes the thread with it.
    async fn stop(&self, name: &str) -> Result<(), CommandError> {
        match self.children.stop_child(name).await {
            Err(stuck @ CommandError::Stuck(_)) => Err(stuck),
            Err(gone) => {
                tracing::debug!(segment = name, %gone, "a segment's subtree had ended already");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Lets what is in flight end, lets go, and says so.
    async fn release(&mut self, session: Option<SessionId>, segment: String, epoch: Epoch) -> Result<(), CommandError> {
        let Some(session) = session else { return Ok(()) };
        let has_finished = match self.kept.get(&segment) {
            None => false,
            Some(kept) => {
                kept.finish.cancel();
                let control = format!("{}/{segment}/control", self.children.path());
                timeout(FINISH_MAX, self.ended(&control)).await.is_ok()
            }
        };
        self.let_go(&segment).await?;
        if !has_finished && !self.released.contains_key(&(segment.clone(), epoch)) {
            // A frame that left right before its connection was reset may still take effect; the successor begins with the release.
            sleep(self.context.write_timeout).await;
        }
        let again = self.released.get(&(segment.clone(), epoch)).is_none_or(|at| at.elapsed() >= RELEASE_AGAIN);
        if again {
            self.released.insert((segment.clone(), epoch), Instant::now());
            self.propose(Command::ReleaseSegment { node: self.context.me, session, segment, epoch });
        }
        Ok(())
    }

    /// Says that what has left this node's segments by this version of the declaration is not driven any more, if the state asks for it.
    fn confirm_site(&mut self, session: Option<SessionId>, version: u64) {
        let Some(session) = session else { return };
        let is_wanted = self.context.cluster.read(|machine| machine.departure_wanted(session)).is_some_and(|wanted| wanted <= version);
        if !is_wanted || self.confirmed.is_some_and(|at| at.elapsed() < RELEASE_AGAIN) {
            return;
        }
        self.confirmed = Some(Instant::now());
        let (cluster, me, in_flight) = (self.context.cluster.clone(), self.context.me, self.context.write_timeout);
        tokio::spawn(async move {
            // A frame that left right before its connection was reset may still take effect; the next owner begins with this entry.
            sleep(in_flight).await;
            propose(&cluster, Command::ConfirmSite { node: me, session, version }).await;
        });
    }

    /// Waits until a worker has finished by itself.
    async fn ended(&self, path: &str) {
        let mut changes = self.system.changes();
        let has_ended = || self.system.find(path).is_none_or(|child| matches!(child.state, State::Stopped | State::Quarantined { .. }));
        let _ = changes.wait_for(|_| has_ended()).await;
    }

    fn say_what_is_driven(&self) {
        self.context.tenure.drive_under(self.kept.values().map(|segment| segment.session).max());
    }

    /// Tells the site which devices are left alone because their bus failed too often, and which are not any more.
    fn report_quarantines(&self) {
        let tree = self.system.tree();
        let states = self.kept.values().flat_map(|segment| quarantine::states(segment, self.children.path(), &tree));
        let changes = self.context.cluster.read(|machine| quarantine::changes(machine, self.context.me, states));
        changes.into_iter().for_each(|command| self.propose(command));
    }

    /// Proposes in the background: what is lost is proposed again, as it is still due.
    fn propose(&self, command: Command) {
        let cluster = self.context.cluster.clone();
        tokio::spawn(async move { propose(&cluster, command).await });
    }
}

async fn propose(cluster: &Cluster, command: Command) {
    if let Err(error) = cluster.propose(command, Instant::now() + ATTEMPT).await {
        tracing::debug!(%error, "an owner's word will be said again");
    }
}
