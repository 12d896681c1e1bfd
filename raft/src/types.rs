//! Every name of openraft's that this crate uses with our own types put in, and the types themselves. Generic over the
//! asynchronous runtime, so that the log store and the state machine run unchanged in a simulation.
//!
//! Knows nothing of bytes on disk or wire: that is `codec`.

use bytes::Bytes;
use labkeeper_machine::{Rejection, Reply};
use labkeeper_model::{LogIndex, NodeId};
use openraft::impls::leader_id_adv;
use openraft::{RaftTypeConfig, alias};
use openraft_rt::{AsyncRuntime, Instant as _};
use openraft_rt_tokio::TokioRuntime;
use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// The choice of types for openraft, on the runtime `Rt`.
pub struct Types<Rt>(PhantomData<fn() -> Rt>);

impl<Rt: AsyncRuntime> RaftTypeConfig for Types<Rt> {
    type D = EncodedBatch;
    type R = Replies;
    type NodeId = NodeId;
    type Node = Member;
    type Term = u64;
    type LeaderId = LeaderId;
    type Vote = Vote;
    type Payload = Payload;
    type Entry = Entry;
    type AsyncRuntime = Rt;
    type Responder<T>
        = openraft::impls::OneshotResponder<Self, T>
    where
        T: Send + 'static;
    type Batch<T>
        = openraft::impls::InlineBatch<T>
    where
        T: Send + 'static;
    type ErrorSource = openraft::impls::BoxedErrorSource;
}

/// A leader: term and node. Two nodes may lead in one term, one after the other, so neither alone identifies an entry's author.
pub type LeaderId = leader_id_adv::LeaderId<u64, NodeId>;
/// A vote, granted or asked for.
pub type Vote = openraft::Vote<LeaderId>;
/// The identity of an entry.
pub type LogId = openraft::LogId<LeaderId>;
/// What an entry carries.
pub type Payload = openraft::EntryPayload<EncodedBatch, NodeId, Member>;
/// One entry of the log.
pub type Entry = openraft::Entry<LeaderId, Payload>;
/// The voters and learners.
pub type Membership = openraft::Membership<NodeId, Member>;
/// The voters and learners with the entry that set them.
pub type StoredMembership = openraft::StoredMembership<LeaderId, NodeId, Member>;
/// What a snapshot contains.
pub type SnapshotMeta = openraft::SnapshotMeta<LeaderId, NodeId, Member>;
/// A snapshot: what it contains, and its bytes.
pub type Snapshot = openraft::Snapshot<LeaderId, NodeId, Member, Bytes>;
/// The consensus core's own figures.
pub type Metrics<Rt> = openraft::RaftMetrics<Types<Rt>>;
/// The consensus core's own figures about who is who.
pub type ServerMetrics<Rt> = openraft::metrics::RaftServerMetrics<Types<Rt>>;
/// The result of a write.
pub type WriteResult<Rt> = openraft::raft::ClientWriteResult<Types<Rt>>;
/// A handle to the consensus core.
pub type RaftOf<Rt> = openraft::Raft<Types<Rt>, crate::applied::StateMachine<Rt>>;
/// The handle on the real runtime.
pub(crate) type Raft = RaftOf<TokioRuntime>;
/// The types on the real runtime.
pub(crate) type TypeConfig = Types<TokioRuntime>;
/// A request to append entries.
pub(crate) type AppendRequest = openraft::raft::AppendEntriesRequest<TypeConfig>;
/// An error of a call to another node.
pub(crate) type RpcError = openraft::errors::RPCError<TypeConfig>;
/// A sender's half of a channel for one value.
pub(crate) type Receiver<Rt, T> = alias::OneshotReceiverOf<Types<Rt>, T>;

/// Commands that the leader put into one entry, as the bytes of a `Batch`: encoded once, by whoever proposed them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EncodedBatch(pub Bytes);

impl fmt::Display for EncodedBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch of {} bytes", self.0.len())
    }
}

impl fmt::Debug for EncodedBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the machine answered to each command of an entry, in their order; empty for entries without commands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replies(pub Vec<Result<Reply, Rejection>>);

/// How to reach a member. The machine's own record of the node, when there is one, is newer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// gRPC address, `host:port`.
    pub grpc: String,
}

/// A command's outcome: what the machine said, and the entry that carried it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposed {
    /// What the machine said.
    pub reply: Result<Reply, Rejection>,
    /// The entry. Whoever has applied it sees the outcome.
    pub log_index: LogIndex,
}

/// How a read makes sure that it misses nothing that was committed before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadKind {
    /// The leader asks a majority whether it still leads: one round trip, rests on nothing.
    #[default]
    ReadIndex,
    /// The leader trusts its lease: no round trip; rests on clocks that run at nearly the same rate.
    Lease,
}

/// How long ago a majority last confirmed the leader.
pub(crate) fn millis_since<Rt: AsyncRuntime>(metrics: &Metrics<Rt>) -> Option<Duration> {
    metrics.last_quorum_acked.map(|at| Rt::Instant::now().saturating_duration_since(at.into_inner()))
}

// What `derive` would write, without its demand that the runtime have these traits too.
impl<Rt> Clone for Types<Rt> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<Rt> Copy for Types<Rt> {}
impl<Rt> Default for Types<Rt> {
    fn default() -> Self {
        Self(PhantomData)
    }
}
impl<Rt> fmt::Debug for Types<Rt> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Types")
    }
}
impl<Rt> PartialEq for Types<Rt> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl<Rt> Eq for Types<Rt> {}
impl<Rt> PartialOrd for Types<Rt> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<Rt> Ord for Types<Rt> {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}
