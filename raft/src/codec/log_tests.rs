use super::*;
use crate::codec::rpc;
use labkeeper_proto::v1::AppendRequest;
use openraft::raft::{AppendEntriesRequest, StreamAppendError, StreamAppendResult, TransferLeaderError, TransferLeaderRequest};
use openraft_rt_tokio::TokioRuntime;

type Types = crate::types::Types<TokioRuntime>;

fn id(term: u64, node_id: u64, index: u64) -> LogId {
    LogId { leader_id: LeaderId { term, node_id }, index }
}

fn membership() -> Membership {
    let configs = vec![BTreeSet::from([1, 2]), BTreeSet::from([2, 3])];
    Membership::new(configs, (1..=4).map(|n| (n, Member { grpc: format!("10.0.0.{n}:7400") })).collect::<BTreeMap<_, _>>()).expect("valid")
}

fn entries() -> Vec<Entry> {
    let payloads = [Payload::Blank, Payload::Normal(EncodedBatch(Bytes::from_static(b"anything"))), Payload::Membership(membership())];
    (8..).zip(payloads).map(|(index, payload)| Entry { log_id: id(3, 2, index), payload }).collect()
}

#[test]
fn entries_votes_and_ids_come_back() {
    for entry in entries() {
        assert_eq!(decode_entry(encode_entry(&entry).into()), Ok(entry));
    }
    for vote in [Vote::new(0, 0), Vote::new(u64::MAX, 7), Vote::new_committed(4, u64::MAX)] {
        assert_eq!(decode_vote(&encode_vote(&vote)), Ok(vote));
    }
    for log_id in [id(0, 0, 0), id(1, 2, 3), id(u64::MAX, u64::MAX, u64::MAX)] {
        assert_eq!(decode_log_id(&encode_log_id(&log_id)), Ok(log_id));
    }
}

#[test]
fn descriptions_of_snapshots_come_back() {
    let meta = SnapshotMeta { last_log_id: Some(id(3, 2, 9)), last_membership: StoredMembership::new(Some(id(1, 1, 0)), membership()) };
    for meta in [meta, SnapshotMeta::default()] {
        assert_eq!(decode_meta(&encode_meta(&meta)), Ok(meta));
    }
}

#[test]
fn what_is_no_entry_is_refused() {
    for bytes in [&[][..], &[0x12, 0x00], &[0xff; 9]] {
        assert!(decode_entry(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:02x?}");
    }
    assert!(decode_meta(&[]).is_err());
    let nobody = v1::Membership { configs: vec![v1::VoterSet { ids: vec![9] }], nodes: BTreeMap::new() };
    assert!(membership_from_wire(nobody).is_err(), "a voter that nobody can reach");
}

#[test]
fn appends_and_their_answers_come_back() {
    let request = AppendEntriesRequest::<Types> {
        vote: Vote::new_committed(3, 2),
        prev_log_id: Some(id(2, 1, 7)),
        entries: entries(),
        leader_commit: None,
    };
    let back = rpc::append_from_wire::<TokioRuntime>(rpc::append_to_wire(&request)).expect("own message");
    assert_eq!((back.vote, back.prev_log_id, back.leader_commit), (request.vote, request.prev_log_id, request.leader_commit));
    assert_eq!(back.entries, request.entries);
    let answers: [StreamAppendResult<Types>; 4] = [
        Ok(None),
        Ok(Some(id(1, 2, 3))),
        Err(StreamAppendError::Conflict(id(1, 1, 1))),
        Err(StreamAppendError::HigherVote(Vote::new(9, 3))),
    ];
    for answer in answers {
        assert_eq!(rpc::appended_from_wire::<TokioRuntime>(rpc::appended_to_wire(&answer)), Ok(answer));
    }
    assert!(rpc::appended_from_wire::<TokioRuntime>(rpc::fatal_to_wire("stopped".into())).is_err());
}

#[test]
fn entries_with_a_gap_are_refused() {
    let gapped = |previous: Option<LogId>| {
        let entries = entries().iter().map(entry_to_wire).collect();
        let request = AppendRequest { vote: Some(v1::Vote::default()), previous: previous.map(id_to_wire), entries, committed: None };
        rpc::append_from_wire::<TokioRuntime>(request).map(drop).map_err(|e| e.field)
    };
    assert_eq!(gapped(Some(id(2, 1, 7))), Ok(()));
    assert_eq!(gapped(Some(id(2, 1, 6))), Err("entries".into()));
    assert_eq!(gapped(None), Err("entries".into()));
}

#[test]
fn transfers_come_back_with_what_was_expected() {
    let request = TransferLeaderRequest::<Types>::new(Vote::new_committed(3, 2), 7, Some(id(3, 2, 9)));
    let back = rpc::transfer_from_wire::<TokioRuntime>(rpc::transfer_to_wire(&request)).expect("own message");
    assert_eq!(back, request);
    let changed = TransferLeaderError::VoteChanged { expected: Vote::new_committed(3, 2), actual: Vote::new(4, 1) };
    let behind = TransferLeaderError::LogNotFlushed { expected: Some(id(3, 2, 9)), actual: Some(id(3, 2, 8)) };
    for answer in [Ok(()), Err(changed), Err(behind)] {
        assert_eq!(rpc::transferred_from_wire(&request, rpc::transferred_to_wire(&answer)), answer);
    }
}
