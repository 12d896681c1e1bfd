//! openraft's log, vote and membership <-> their records.

use super::CodecError;
use crate::types::{EncodedBatch, Entry, LeaderId, LogId, Member, Membership, Payload, SnapshotMeta, StoredMembership, Vote};
use bytes::Bytes;
use labkeeper_proto::convert::{ConvertError, required};
use labkeeper_proto::v1;
use labkeeper_proto::v1::log_entry::Payload as Wire;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};

/// An entry as the bytes of a `LogEntry`.
#[must_use]
pub fn encode_entry(entry: &Entry) -> Vec<u8> {
    entry_to_wire(entry).encode_to_vec()
}

/// The entry that the bytes of a `LogEntry` stand for; its commands are not copied.
///
/// # Errors
/// [`CodecError`] when they stand for none.
pub fn decode_entry(bytes: Bytes) -> Result<Entry, CodecError> {
    Ok(entry_from_wire(v1::LogEntry::decode(bytes)?)?)
}

/// A vote as the bytes of a `Vote`.
#[must_use]
pub fn encode_vote(vote: &Vote) -> Vec<u8> {
    vote_to_wire(vote).encode_to_vec()
}

/// The vote that the bytes of a `Vote` stand for.
///
/// # Errors
/// [`CodecError`] when they stand for none.
pub fn decode_vote(bytes: &[u8]) -> Result<Vote, CodecError> {
    Ok(vote_from_wire(v1::Vote::decode(bytes)?))
}

/// A log id as the bytes of a `LogId`.
#[must_use]
pub fn encode_log_id(id: &LogId) -> Vec<u8> {
    id_to_wire(*id).encode_to_vec()
}

/// The log id that the bytes of a `LogId` stand for.
///
/// # Errors
/// [`CodecError`] when they stand for none.
pub fn decode_log_id(bytes: &[u8]) -> Result<LogId, CodecError> {
    Ok(id_from_wire(v1::LogId::decode(bytes)?))
}

/// A snapshot's description as the bytes of a `SnapshotMeta`.
#[must_use]
pub fn encode_meta(meta: &SnapshotMeta) -> Vec<u8> {
    meta_to_wire(meta).encode_to_vec()
}

/// The snapshot's description that the bytes of a `SnapshotMeta` stand for.
///
/// # Errors
/// [`CodecError`] when they stand for none.
pub fn decode_meta(bytes: &[u8]) -> Result<SnapshotMeta, CodecError> {
    Ok(meta_from_wire(v1::SnapshotMeta::decode(bytes)?)?)
}

pub(super) fn entry_to_wire(entry: &Entry) -> v1::LogEntry {
    let payload = match &entry.payload {
        Payload::Blank => Wire::Blank(v1::Blank {}),
        Payload::Normal(batch) => Wire::Batch(batch.0.clone()),
        Payload::Membership(membership) => Wire::Membership(membership_to_wire(membership)),
    };
    v1::LogEntry { id: Some(id_to_wire(entry.log_id)), payload: Some(payload) }
}

pub(super) fn entry_from_wire(entry: v1::LogEntry) -> Result<Entry, ConvertError> {
    let payload = match required("payload", entry.payload)? {
        Wire::Blank(_) => Payload::Blank,
        Wire::Batch(bytes) => Payload::Normal(EncodedBatch(bytes)),
        Wire::Membership(membership) => Payload::Membership(membership_from_wire(membership)?),
    };
    Ok(Entry { log_id: id_from_wire(required("id", entry.id)?), payload })
}

pub(super) const fn id_to_wire(id: LogId) -> v1::LogId {
    v1::LogId { term: id.leader_id.term, node_id: id.leader_id.node_id, index: id.index }
}

pub(super) const fn id_from_wire(id: v1::LogId) -> LogId {
    LogId { leader_id: LeaderId { term: id.term, node_id: id.node_id }, index: id.index }
}

pub(super) const fn vote_to_wire(vote: &Vote) -> v1::Vote {
    v1::Vote { term: vote.leader_id.term, node_id: vote.leader_id.node_id, committed: vote.committed }
}

pub(super) const fn vote_from_wire(vote: v1::Vote) -> Vote {
    Vote { leader_id: LeaderId { term: vote.term, node_id: vote.node_id }, committed: vote.committed }
}

pub(super) fn meta_to_wire(meta: &SnapshotMeta) -> v1::SnapshotMeta {
    v1::SnapshotMeta {
        last_log_id: meta.last_log_id.map(id_to_wire),
        membership: Some(v1::StoredMembership {
            log_id: meta.last_membership.log_id().map(id_to_wire),
            membership: Some(membership_to_wire(meta.last_membership.membership())),
        }),
    }
}

pub(super) fn meta_from_wire(meta: v1::SnapshotMeta) -> Result<SnapshotMeta, ConvertError> {
    let stored = required("membership", meta.membership)?;
    let membership = membership_from_wire(required("membership.membership", stored.membership)?)?;
    Ok(SnapshotMeta {
        last_log_id: meta.last_log_id.map(id_from_wire),
        last_membership: StoredMembership::new(stored.log_id.map(id_from_wire), membership),
    })
}

fn membership_to_wire(membership: &Membership) -> v1::Membership {
    v1::Membership {
        configs: membership.get_joint_config().iter().map(|ids| v1::VoterSet { ids: ids.iter().copied().collect() }).collect(),
        nodes: membership.nodes().map(|(id, member)| (*id, v1::Member { grpc: member.grpc.clone() })).collect(),
    }
}

fn membership_from_wire(membership: v1::Membership) -> Result<Membership, ConvertError> {
    let configs: Vec<BTreeSet<u64>> = membership.configs.into_iter().map(|set| set.ids.into_iter().collect()).collect();
    let nodes: BTreeMap<u64, Member> = membership.nodes.into_iter().map(|(id, m)| (id, Member { grpc: m.grpc })).collect();
    Membership::new(configs, nodes).map_err(|e| ConvertError::new("membership", e.to_string()))
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
