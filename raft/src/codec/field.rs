//! What owners say about tags and devices <-> its records.

use super::command::value_required;
use labkeeper_machine::{Drift, Hold, HoldReason, Quarantine, Reconciled};
use labkeeper_model::{Name, TagPath, Timestamp};
use labkeeper_proto::convert::{ConvertError, name, required, tag_path, value_opt};
use labkeeper_proto::v1;
use labkeeper_proto::v1::reconciled_record::Kind;

/// An outcome as it is stored.
pub(super) fn outcome_to_wire(outcome: &Reconciled) -> v1::ReconciledRecord {
    let kind = match outcome {
        Reconciled::Matches => Kind::Matches(v1::Blank {}),
        Reconciled::Adopted { actual } => Kind::Adopted(actual.into()),
        Reconciled::Reasserted { actual } => Kind::Reasserted(actual.into()),
        Reconciled::DrivenSafe { actual } => Kind::DrivenSafe(actual.into()),
        Reconciled::Held { actual } => Kind::Held(actual.into()),
        Reconciled::Unreadable => Kind::Unreadable(v1::Blank {}),
    };
    v1::ReconciledRecord { kind: Some(kind) }
}

/// An outcome as it was stored.
pub(super) fn outcome_from_wire(record: Option<v1::ReconciledRecord>) -> Result<Reconciled, ConvertError> {
    let actual = |value| value_required("outcome.actual", Some(value));
    Ok(match required("outcome.kind", required("outcome", record)?.kind)? {
        Kind::Matches(_) => Reconciled::Matches,
        Kind::Adopted(value) => Reconciled::Adopted { actual: actual(value)? },
        Kind::Reasserted(value) => Reconciled::Reasserted { actual: actual(value)? },
        Kind::DrivenSafe(value) => Reconciled::DrivenSafe { actual: actual(value)? },
        Kind::Held(value) => Reconciled::Held { actual: actual(value)? },
        Kind::Unreadable(_) => Reconciled::Unreadable,
    })
}

/// A tag with its outcome, as it is stored.
pub(super) fn tag_outcome_to_wire((tag, outcome): &(TagPath, Reconciled)) -> v1::TagOutcome {
    v1::TagOutcome { tag: tag.to_string(), outcome: Some(outcome_to_wire(outcome)) }
}

/// A tag with its outcome, as it was stored.
pub(super) fn tag_outcome_from_wire(record: v1::TagOutcome) -> Result<(TagPath, Reconciled), ConvertError> {
    Ok((tag_path("outcomes.tag", &record.tag)?, outcome_from_wire(record.outcome).map_err(|e| e.within("outcomes"))?))
}

/// A held tag as it is stored.
pub(super) fn hold_to_wire(tag: &TagPath, hold: &Hold) -> v1::HoldRecord {
    v1::HoldRecord {
        tag: tag.to_string(),
        dangerous: hold.reason == HoldReason::Dangerous,
        epoch: hold.epoch,
        since_unix_ns: hold.since.0,
        actual: hold.actual.as_ref().map(Into::into),
    }
}

/// A held tag as it was stored.
pub(super) fn hold_from_wire(record: v1::HoldRecord) -> Result<(TagPath, Hold), ConvertError> {
    let reason = if record.dangerous { HoldReason::Dangerous } else { HoldReason::Policy };
    let hold = Hold { reason, epoch: record.epoch, since: Timestamp(record.since_unix_ns), actual: value_opt(record.actual)? };
    Ok((tag_path("holds.tag", &record.tag)?, hold))
}

/// A drift as it is stored.
pub(super) fn drift_to_wire(tag: &TagPath, drift: &Drift) -> v1::DriftRecord {
    let outcome = Some(outcome_to_wire(&drift.outcome));
    v1::DriftRecord { tag: tag.to_string(), outcome, epoch: drift.epoch, since_unix_ns: drift.since.0 }
}

/// A drift as it was stored.
pub(super) fn drift_from_wire(record: v1::DriftRecord) -> Result<(TagPath, Drift), ConvertError> {
    let outcome = outcome_from_wire(record.outcome).map_err(|e| e.within("drifts"))?;
    let drift = Drift { outcome, epoch: record.epoch, since: Timestamp(record.since_unix_ns) };
    Ok((tag_path("drifts.tag", &record.tag)?, drift))
}

/// A quarantine as it is stored.
pub(super) fn quarantine_to_wire(device: &Name, quarantine: &Quarantine) -> v1::QuarantineRecord {
    v1::QuarantineRecord {
        device: device.to_string(),
        segment: quarantine.segment.to_string(),
        node_id: quarantine.node,
        epoch: quarantine.epoch,
        since_unix_ns: quarantine.since.0,
        reason: quarantine.reason.clone(),
    }
}

/// A quarantine as it was stored.
pub(super) fn quarantine_from_wire(record: v1::QuarantineRecord) -> Result<(Name, Quarantine), ConvertError> {
    let quarantine = Quarantine {
        node: record.node_id,
        epoch: record.epoch,
        since: Timestamp(record.since_unix_ns),
        reason: record.reason,
        segment: name("quarantines.segment", &record.segment)?,
    };
    Ok((name("quarantines.device", &record.device)?, quarantine))
}

pub(super) fn release_to_wire(tag: &TagPath, actor: &str, reason: &str) -> v1::ReleaseHold {
    v1::ReleaseHold { tag: tag.to_string(), actor: actor.to_owned(), reason: reason.to_owned() }
}
