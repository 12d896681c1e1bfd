//! Sessions, ownerships and takeovers <-> their records.

use labkeeper_machine::{Cause, Cooldown, Ownership, ReachWord, Session, TakeoverRecord, TakeoverReport, Vacancy};
use labkeeper_model::{LeaseTerms, NodeId, SessionId, Timestamp};
use labkeeper_proto::convert::{ConvertError, required};
use labkeeper_proto::v1;
use labkeeper_proto::v1::GrantCauseRecord as Wire;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const CAUSES: &[(Cause, Wire)] = &[
    (Cause::First, Wire::First),
    (Cause::SessionExpired, Wire::SessionExpired),
    (Cause::SessionEnded, Wire::SessionEnded),
    (Cause::Restarted, Wire::Restarted),
    (Cause::Drained, Wire::Drained),
    (Cause::HomeReturn, Wire::HomeReturn),
    (Cause::Reach, Wire::Reach),
    (Cause::SiteChanged, Wire::SiteChanged),
    (Cause::NodeRemoved, Wire::NodeRemoved),
    (Cause::Released, Wire::Released),
];

/// Terms as they are stored. Nanoseconds fit: terms that were accepted are at most a minute each.
pub(super) fn terms_to_wire(terms: &LeaseTerms) -> v1::LeaseTerms {
    let [renew_ns, lease_ns, guard_ns] = [terms.renew, terms.lease, terms.guard].map(nanos);
    v1::LeaseTerms { renew_ns, lease_ns, guard_ns, drift_ppm: terms.drift_ppm }
}

/// Terms as they were stored.
pub(super) fn terms_from_wire(terms: v1::LeaseTerms) -> LeaseTerms {
    let v1::LeaseTerms { renew_ns, lease_ns, guard_ns, drift_ppm } = terms;
    let [renew, lease, guard] = [renew_ns, lease_ns, guard_ns].map(Duration::from_nanos);
    LeaseTerms { renew, lease, guard, drift_ppm }
}

/// Sessions in the order of their nodes.
pub(super) fn sessions_to_wire(sessions: &BTreeMap<NodeId, Session>) -> Vec<v1::SessionRecord> {
    let record = |(node, session): (&NodeId, &Session)| v1::SessionRecord {
        node_id: *node,
        id: session.id,
        seq: session.seq,
        opened_unix_ns: session.opened.0,
        renewed_unix_ns: session.renewed.0,
        ended_unix_ns: session.ended.map(|ended| ended.0),
        terms: Some(terms_to_wire(&session.terms)),
    };
    sessions.iter().map(record).collect()
}

/// A session as it was stored.
pub(super) fn session_from_wire(record: v1::SessionRecord) -> Result<(NodeId, Session), ConvertError> {
    let session = Session {
        id: record.id,
        seq: record.seq,
        alive: record.ended_unix_ns.is_none(),
        opened: Timestamp(record.opened_unix_ns),
        renewed: Timestamp(record.renewed_unix_ns),
        ended: record.ended_unix_ns.map(Timestamp),
        terms: terms_from_wire(required("sessions.terms", record.terms)?),
    };
    Ok((record.node_id, session))
}

/// An ownership as it is stored.
pub(super) fn ownership_to_wire(segment: &str, ownership: Ownership) -> v1::OwnershipRecord {
    let vacancy = ownership.vacancy.map(|vacancy| v1::VacancyRecord {
        from_id: vacancy.from,
        cause: cause_to_wire(vacancy.cause),
        last_renewal_unix_ns: vacancy.last_renewal.0,
        since_unix_ns: vacancy.since.0,
    });
    v1::OwnershipRecord {
        segment: segment.to_owned(),
        node_id: ownership.owner.unwrap_or(0),
        epoch: ownership.epoch,
        session_id: ownership.session,
        since_unix_ns: ownership.since.0,
        successor_id: ownership.successor.unwrap_or(0),
        vacancy,
    }
}

/// An ownership as it was stored; one of format 1 has no session.
pub(super) fn ownership_from_wire(record: v1::OwnershipRecord) -> Result<(String, Ownership), ConvertError> {
    let vacancy = |record: v1::VacancyRecord| {
        Ok::<_, ConvertError>(Vacancy {
            from: record.from_id,
            cause: cause_from_wire("ownerships.vacancy.cause", record.cause)?,
            last_renewal: Timestamp(record.last_renewal_unix_ns),
            since: Timestamp(record.since_unix_ns),
        })
    };
    let ownership = Ownership {
        owner: node(record.node_id),
        session: record.session_id,
        epoch: record.epoch,
        since: Timestamp(record.since_unix_ns),
        successor: node(record.successor_id),
        vacancy: record.vacancy.map(vacancy).transpose()?,
    };
    Ok((record.segment, ownership))
}

/// How a takeover went, as it is stored.
pub(super) fn report_to_wire(report: &TakeoverReport) -> v1::TakeoverReport {
    v1::TakeoverReport {
        connected_unix_ns: report.connected.0,
        read_unix_ns: report.read.0,
        enabled_unix_ns: report.enabled.0,
        devices_reached: report.devices_reached,
        devices: report.devices,
    }
}

/// How a takeover went, as it was stored.
pub(super) fn report_from_wire(report: v1::TakeoverReport) -> TakeoverReport {
    TakeoverReport {
        connected: Timestamp(report.connected_unix_ns),
        read: Timestamp(report.read_unix_ns),
        enabled: Timestamp(report.enabled_unix_ns),
        devices_reached: report.devices_reached,
        devices: report.devices,
    }
}

/// A takeover as it is stored.
pub(super) fn takeover_to_wire(record: &TakeoverRecord) -> v1::TakeoverRecord {
    v1::TakeoverRecord {
        segment: record.segment.clone(),
        from_id: record.from.unwrap_or(0),
        to_id: record.to,
        epoch: record.epoch,
        cause: cause_to_wire(record.cause),
        last_renewal_unix_ns: record.last_renewal.map(|time| time.0),
        ended_unix_ns: record.ended.map(|time| time.0),
        assigned_unix_ns: record.assigned.0,
        log_index: record.log_index,
        report: record.report.as_ref().map(report_to_wire),
    }
}

/// A takeover as it was stored.
pub(super) fn takeover_from_wire(record: v1::TakeoverRecord) -> Result<Arc<TakeoverRecord>, ConvertError> {
    Ok(Arc::new(TakeoverRecord {
        segment: record.segment,
        from: node(record.from_id),
        to: record.to_id,
        epoch: record.epoch,
        cause: cause_from_wire("takeovers.cause", record.cause)?,
        last_renewal: record.last_renewal_unix_ns.map(Timestamp),
        ended: record.ended_unix_ns.map(Timestamp),
        assigned: Timestamp(record.assigned_unix_ns),
        log_index: record.log_index,
        report: record.report.map(report_from_wire),
    }))
}

/// What nodes reach, in the order of segments and nodes.
pub(super) fn words_to_wire(words: &BTreeMap<String, BTreeMap<NodeId, ReachWord>>) -> Vec<v1::ReachRecord> {
    let said = words.iter().flat_map(|(segment, words)| words.iter().map(move |(node, word)| (segment, node, word)));
    let record = |(segment, node, word): (&String, &NodeId, &ReachWord)| v1::ReachRecord {
        segment: segment.clone(),
        node_id: *node,
        reached: word.reached,
        of: word.of,
        at_unix_ns: word.at.0,
        since_unix_ns: word.since.0,
    };
    said.map(record).collect()
}

/// What nodes reach, as it was stored.
pub(super) fn words_from_wire(records: Vec<v1::ReachRecord>) -> BTreeMap<String, BTreeMap<NodeId, ReachWord>> {
    let mut words: BTreeMap<String, BTreeMap<NodeId, ReachWord>> = BTreeMap::new();
    for v1::ReachRecord { segment, node_id, reached, of, at_unix_ns, since_unix_ns } in records {
        let word = ReachWord { reached, of, at: Timestamp(at_unix_ns), since: Timestamp(since_unix_ns) };
        words.entry(segment).or_default().insert(node_id, word);
    }
    words
}

/// The rest of a segment, as it is stored.
pub(super) fn cooldown_to_wire(segment: &str, cooldown: &Cooldown) -> v1::CooldownRecord {
    v1::CooldownRecord { segment: segment.to_owned(), moved_unix_ns: cooldown.moved.0, rest_ns: nanos(cooldown.rest) }
}

/// The rest of a segment, as it was stored.
pub(super) fn cooldown_from_wire(record: v1::CooldownRecord) -> (String, Cooldown) {
    (record.segment, Cooldown { moved: Timestamp(record.moved_unix_ns), rest: Duration::from_nanos(record.rest_ns) })
}

fn cause_to_wire(cause: Cause) -> i32 {
    CAUSES.iter().find(|row| row.0 == cause).map_or(Wire::Unspecified, |row| row.1).into()
}

fn cause_from_wire(field: &str, number: i32) -> Result<Cause, ConvertError> {
    let known = CAUSES.iter().find(|row| i32::from(row.1) == number).map(|row| row.0);
    known.ok_or_else(|| ConvertError::new(field, format!("{number} is not a cause that this version knows")))
}

fn node(number: u64) -> Option<NodeId> {
    (number != 0).then_some(number)
}

/// Longer than 584 years is cut to that.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn confirmation_to_wire(node: NodeId, session: SessionId, version: u64) -> v1::ConfirmSite {
    v1::ConfirmSite { node_id: node, session_id: session, version }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_comes_back_and_another_number_is_refused() {
        for (cause, _) in Cause::TABLE {
            assert_eq!(cause_from_wire("cause", cause_to_wire(*cause)), Ok(*cause));
        }
        assert!(cause_from_wire("cause", 0).is_err());
        assert!(cause_from_wire("cause", 11).is_err());
    }
}
