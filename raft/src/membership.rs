//! Who belongs to the cluster: founding, joining, leaving, handing over.
//!
//! ```text
//!   (no site) --initialize--> voter, alone              number 1
//!   (no site) --admit--> has a number --promote--> learner --caught up--> voter --remove--> gone for good
//! ```
//!
//! Every step can be repeated after a crash between any two: a number is given to a directory's instance and not to a call, and a
//! change of membership that is already there is left alone.

use crate::cluster::{Cluster, Member};
use crate::error::{ClusterError, ProposeError};
use crate::start;
use crate::store::data_dir::Identity;
use crate::types;
use labkeeper_machine::{Command, NodeInfo, Reply};
use labkeeper_model::{ErrorCode, NodeId};
use labkeeper_proto::convert::{uuid_parse, uuid_text};
use labkeeper_proto::v1;
use openraft::ChangeMembers;
use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError};
use openraft_rt::WatchReceiver as _;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a single command or call may take that goes with a change: some elections.
const STEP_MAX: Duration = Duration::from_secs(10);
/// How long a learner may take to catch up: a snapshot of 100 MB at 10 Mbit/s is 80 s, and may have to be sent again.
const CATCH_UP_MAX: Duration = Duration::from_secs(600);

/// Between two questions to a leader that cannot change the membership yet. Its first entry takes a few of these.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);

type Changed = openraft::raft::ClientWriteResponse<types::TypeConfig>;

/// How far a join has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinStage {
    /// The node has its number.
    Admitted {
        /// The number.
        node_id: NodeId,
    },
    /// It gets the log, without a vote.
    Learner,
    /// It votes.
    Voter,
}

impl JoinStage {
    /// Stable words: "admitted", "learner", "voter".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admitted { .. } => "admitted",
            Self::Learner => "learner",
            Self::Voter => "voter",
        }
    }
}

impl Cluster {
    /// Founds a site with this node as its first voter, number 1. Goes on where a crash left off.
    ///
    /// # Errors
    /// [`ClusterError::AlreadyInitialised`], or what went wrong.
    pub async fn initialize(&self, node: NodeInfo) -> Result<Identity, ClusterError> {
        let _one_at_a_time = self.shared.settling.lock().await;
        if self.read(|machine| machine.site_id().is_some()) {
            return Err(ClusterError::AlreadyInitialised);
        }
        let identity = match self.identity() {
            None => Identity { node_id: FOUNDER, site_id: *uuid::Uuid::new_v4().as_bytes() },
            Some(identity) if identity.node_id == FOUNDER => identity,
            Some(_) => return Err(ClusterError::AlreadyInitialised),
        };
        if self.shared.member.get().is_none() {
            start::start(&self.shared, identity).await?;
        }
        self.shared.addresses.announce(&node.grpc);
        let raft = &self.member()?.raft;
        let stopped = |_| ProposeError::Stopped(self.why_stopped());
        if !raft.is_initialized().await.map_err(stopped)? {
            let members = BTreeMap::from([(FOUNDER, types::Member { grpc: node.grpc.clone() })]);
            raft.initialize(members).await.map_err(|e| ProposeError::Stopped(e.to_string()))?;
        }
        timeout(STEP_MAX, self.recovered()).await.map_err(|_| ClusterError::TimedOut("founding the site"))?;
        if self.read(|machine| machine.site_id().is_some()) {
            return Err(ClusterError::AlreadyInitialised);
        }
        self.decide(Command::FoundSite { site_id: identity.site_id, node }).await?;
        Ok(identity)
    }

    /// Makes this node, which belongs to no site, join the site of the node at an address: first a learner, then a voter. Goes on
    /// where a crash left off. The node must already serve [`Cluster::service`] at its gRPC address.
    ///
    /// # Errors
    /// [`ClusterError`]; asking again is always safe.
    pub async fn join(&self, to: &str, node: NodeInfo, mut progress: impl FnMut(JoinStage) + Send) -> Result<Identity, ClusterError> {
        let _one_at_a_time = self.shared.settling.lock().await;
        let identity = self.admitted(to, &node).await?;
        if self.shared.member.get().is_none() {
            start::start(&self.shared, identity).await?;
        }
        self.shared.addresses.announce(&node.grpc);
        progress(JoinStage::Admitted { node_id: identity.node_id });
        let mut peer = self.peer(to)?;
        let request = v1::PromoteRequest { node_id: identity.node_id, grpc: node.grpc };
        let promoted = call(to, CATCH_UP_MAX, async move { peer.promote(request).await });
        let mut promoted = std::pin::pin!(promoted);
        tokio::select! {
            promoted = &mut promoted => drop(promoted?),
            () = self.seen(|status, me| status.learners.contains(&me)) => {
                progress(JoinStage::Learner);
                promoted.await?;
            }
        }
        let voter = self.seen(|status, me| status.voters.contains(&me));
        timeout(STEP_MAX, voter).await.map_err(|_| ClusterError::TimedOut("becoming a voter"))?;
        timeout(STEP_MAX, self.recovered()).await.map_err(|_| ClusterError::TimedOut("catching up"))?;
        progress(JoinStage::Voter);
        Ok(identity)
    }

    /// This node's identity in the site of the node at `to`, which gives it one if it has none.
    async fn admitted(&self, to: &str, node: &NodeInfo) -> Result<Identity, ClusterError> {
        let mut peer = self.peer(to)?;
        let state = call(to, STEP_MAX, peer.get_node_state(v1::GetNodeStateRequest {})).await?;
        if state.site_id.is_empty() {
            return Err(ClusterError::Remote { code: ErrorCode::NotInitialised, message: format!("{to} belongs to no cluster") });
        }
        if let Some(identity) = self.identity() {
            let same = state.site_id == uuid_text(identity.site_id);
            return if same { Ok(identity) } else { Err(ClusterError::OtherSite { address: to.to_owned() }) };
        }
        let request = v1::AdmitRequest {
            name: node.name.to_string(),
            instance: uuid_text(node.instance),
            grpc: node.grpc.clone(),
            http: node.http.clone(),
            reach: node.reach.clone(),
        };
        let admitted = call(to, STEP_MAX, peer.admit(request)).await?;
        let garbled = |e: labkeeper_proto::convert::ConvertError| ClusterError::Unreachable { address: to.to_owned(), what: e.to_string() };
        Ok(Identity { node_id: admitted.node_id, site_id: uuid_parse("site_id", &admitted.site_id).map_err(garbled)? })
    }

    /// Says how this node is reached, at once to whom it calls and then, by the log, to everybody. To be called at each start of
    /// a node that belongs to a site: it may have another address than before.
    ///
    /// # Errors
    /// [`ClusterError`]; asking again is always safe.
    pub async fn announce(&self, node: NodeInfo) -> Result<(), ClusterError> {
        let id = self.member()?.identity.node_id;
        self.shared.addresses.announce(&node.grpc);
        tokio::time::timeout(STEP_MAX, self.recovered()).await.map_err(|_| ClusterError::TimedOut("catching up"))?;
        if self.read(|machine| machine.nodes().get(&id) != Some(&node)) {
            self.decide(Command::UpdateNode { id, node }).await?;
        }
        Ok(())
    }

    /// Gives a joining node its number. On any node.
    ///
    /// # Errors
    /// [`ClusterError`]; asking again gets the same number.
    pub async fn admit(&self, node: NodeInfo) -> Result<Identity, ClusterError> {
        let site_id = self.member()?.identity.site_id;
        match self.decide(Command::AdmitNode { node }).await? {
            Reply::Node(node_id) => Ok(Identity { node_id, site_id }),
            other => Err(ProposeError::Malformed(format!("{other:?} is no answer to an admission")).into()),
        }
    }

    /// Makes an admitted node a learner and, once it has caught up, a voter. On the leader.
    ///
    /// # Errors
    /// [`ClusterError::NotLeader`] elsewhere, or what went wrong; asking again is safe.
    pub async fn promote(&self, id: NodeId, grpc: &str) -> Result<(), ClusterError> {
        let Member { raft, .. } = self.leading()?;
        if !self.read(|machine| machine.nodes().contains_key(&id)) {
            return Err(ClusterError::UnknownNode(id));
        }
        let status = self.status();
        if status.voters.contains(&id) {
            return Ok(());
        }
        // A node that is a learner already keeps the address that it has there: `nodes()` knows where it is.
        let membership = raft.metrics().borrow_watched().membership_config.clone();
        let member = membership.membership().get_node(&id).cloned().unwrap_or_else(|| types::Member { grpc: grpc.to_owned() });
        self.change("catching up", CATCH_UP_MAX, || raft.add_learner(id, member.clone(), true)).await?;
        let vote = || ChangeMembers::AddVoterIds(BTreeSet::from([id]));
        self.change("becoming a voter", STEP_MAX, || raft.change_membership(vote(), true)).await
    }

    /// Removes a node for good: from the voters and learners, then from the site. On the leader; a leader that is to go itself
    /// hands over first and lets its successor do it.
    ///
    /// # Errors
    /// [`ClusterError::NotLeader`] elsewhere, or what went wrong; asking again is safe.
    pub async fn remove(&self, id: NodeId, actor: &str) -> Result<(), ClusterError> {
        let Member { identity, raft, .. } = self.leading()?;
        let status = self.status();
        if status.voters == [id] {
            return Err(ClusterError::LastVoter);
        }
        if !self.read(|machine| machine.nodes().contains_key(&id)) {
            return Err(ClusterError::UnknownNode(id));
        }
        if id == identity.node_id {
            return self.remove_by_successor(id, actor).await;
        }
        let change = if status.voters.contains(&id) {
            Some(ChangeMembers::RemoveVoters(BTreeSet::from([id])))
        } else {
            status.learners.contains(&id).then(|| ChangeMembers::RemoveNodes(BTreeSet::from([id])))
        };
        if let Some(change) = change {
            self.change("leaving", STEP_MAX, || raft.change_membership(change.clone(), false)).await?;
        }
        self.decide(Command::RemoveNode { id, actor: actor.to_owned() }).await?;
        Ok(())
    }

    async fn remove_by_successor(&self, id: NodeId, actor: &str) -> Result<(), ClusterError> {
        let to = self.successor().ok_or(ClusterError::LastVoter)?;
        self.transfer(to).await?;
        let address = self.address_of(to).ok_or(ClusterError::UnknownNode(to))?;
        let mut peer = self.peer(&address)?;
        // The removal's own steps, one after the other.
        call(&address, STEP_MAX * 2, peer.remove(v1::RemoveRequest { node_id: id, actor: actor.to_owned() })).await?;
        Ok(())
    }

    /// Hands leadership to another voter in a planned way. On the leader. Gives the new term.
    ///
    /// # Errors
    /// [`ClusterError::NotLeader`] elsewhere, [`ClusterError::UnknownNode`] if the other is no voter, or that it took too long.
    pub async fn transfer(&self, to: NodeId) -> Result<u64, ClusterError> {
        let Member { identity, raft, .. } = self.leading()?;
        let status = self.status();
        if to == identity.node_id {
            return Ok(status.term);
        }
        if !status.voters.contains(&to) {
            return Err(ClusterError::UnknownNode(to));
        }
        raft.trigger().transfer_leader(to).await.map_err(|_| ProposeError::Stopped(self.why_stopped()))?;
        // The other may need entries first and then an election; three of the longest waits cover both.
        let moved = timeout(self.shared.options.timing.election_max * 3, self.seen(|status, _| status.leader == Some(to)));
        moved.await.map_err(|_| ClusterError::TimedOut("handing leadership over"))?;
        Ok(self.status().term)
    }

    /// Proposes a command and takes a rejection for an error.
    async fn decide(&self, command: Command) -> Result<Reply, ClusterError> {
        self.propose(command, Instant::now() + STEP_MAX).await?.reply.map_err(ClusterError::Rejected)
    }

    fn leading(&self) -> Result<&Member, ClusterError> {
        let member = self.shared.member.get().ok_or(ClusterError::NotInitialised)?;
        let leader = self.status().leader;
        if leader == Some(member.identity.node_id) { Ok(member) } else { Err(ClusterError::NotLeader { leader }) }
    }

    /// Waits until this node sees something in its own status.
    async fn seen(&self, what: impl Fn(&crate::RaftStatus, NodeId) -> bool) {
        let mut changes = self.status_changes();
        let seen = changes.wait_for(|status| status.node_id.is_some_and(|me| what(status, me)));
        // The sender lives as long as this handle.
        let _ = seen.await;
    }

    /// Makes a change of membership. A leader that was elected a moment ago, or that has another change under way, is asked again
    /// until `at_most` has passed: no step is made twice, as the core takes one only when nothing is open.
    async fn change<F>(&self, what: &'static str, at_most: Duration, step: impl Fn() -> F) -> Result<(), ClusterError>
    where
        F: Future<Output = Result<Changed, RaftError<types::TypeConfig, ClientWriteError<types::TypeConfig>>>>,
    {
        let until = Instant::now() + at_most;
        loop {
            let made = timeout_at(until, step()).await.map_err(|_| ClusterError::TimedOut(what))?;
            let Err(error) = made else { return Ok(()) };
            let error = self.refused(&error);
            let passes = match &error {
                ClusterError::MembershipChanging => true,
                ClusterError::NotLeader { leader: None } => self.leading().is_ok(),
                _ => false,
            };
            if !passes || Instant::now() + ASK_AGAIN_AFTER > until {
                return Err(error);
            }
            tokio::time::sleep(ASK_AGAIN_AFTER).await;
        }
    }

    fn refused(&self, error: &RaftError<types::TypeConfig, ClientWriteError<types::TypeConfig>>) -> ClusterError {
        match error {
            RaftError::APIError(ClientWriteError::ForwardToLeader(to)) => ClusterError::NotLeader { leader: to.leader_id },
            RaftError::APIError(ClientWriteError::ChangeMembershipError(ChangeMembershipError::InProgress(_))) => {
                ClusterError::MembershipChanging
            }
            RaftError::APIError(ClientWriteError::ChangeMembershipError(ChangeMembershipError::UncommittedLeaderLog(_))) => {
                ClusterError::MembershipChanging
            }
            RaftError::APIError(ClientWriteError::ChangeMembershipError(ChangeMembershipError::EmptyMembership(_))) => {
                ClusterError::LastVoter
            }
            RaftError::APIError(_) => ClusterError::Propose(ProposeError::TimedOut { in_doubt: true }),
            RaftError::Fatal(_) => ClusterError::Propose(ProposeError::Stopped(self.why_stopped())),
        }
    }
}

/// The founding node's number. No entry that admits a node has so small an index: founding alone takes three.
const FOUNDER: NodeId = 1;

/// A call to another node with a deadline.
async fn call<T>(
    address: &str,
    at_most: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, ClusterError> {
    match timeout(at_most, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(Cluster::from_status(address, &status)),
        Err(_) => Err(ClusterError::Unreachable { address: address.to_owned(), what: "no answer in time".to_owned() }),
    }
}
