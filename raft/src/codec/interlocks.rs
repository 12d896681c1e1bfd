//! Commands and state about interlocks, as the log and snapshots hold them.

use labkeeper_machine::interlocks::{Defeat, InterlockCommand, InterlockState, Interlocks, Verdict};
use labkeeper_model::{Name, TagPath, Timestamp};
use labkeeper_proto::convert::{ConvertError, name, required, tag_path};
use labkeeper_proto::v1;
use labkeeper_proto::v1::interlock_command_record::Kind;

pub(super) fn command_to_wire(command: &InterlockCommand) -> v1::InterlockCommandRecord {
    let kind = match command {
        InterlockCommand::Report { node, segment, epoch, states, forced } => Kind::Report(v1::ReportInterlocks {
            node_id: *node,
            segment: segment.clone(),
            epoch: *epoch,
            states: states.iter().map(word_to_wire).collect(),
            forced: forced.iter().map(forced_to_wire).collect(),
        }),
        InterlockCommand::Reset { interlock, actor, reason } => {
            Kind::Reset(v1::ResetInterlock { interlock: interlock.to_string(), actor: actor.clone(), reason: reason.clone() })
        }
        InterlockCommand::Defeat { interlock, until, actor, reason } => Kind::Defeat(v1::DefeatInterlock {
            interlock: interlock.to_string(),
            until_unix_ns: until.0,
            actor: actor.clone(),
            reason: reason.clone(),
        }),
        InterlockCommand::EndDefeat { interlock, actor, reason } => {
            Kind::EndDefeat(v1::EndInterlockDefeat { interlock: interlock.to_string(), actor: actor.clone(), reason: reason.clone() })
        }
    };
    v1::InterlockCommandRecord { kind: Some(kind) }
}

pub(super) fn command_from_wire(record: v1::InterlockCommandRecord) -> Result<InterlockCommand, ConvertError> {
    let interlock = |text: &str| name("interlock.interlock", text);
    Ok(match required("interlock.kind", record.kind)? {
        Kind::Report(report) => InterlockCommand::Report {
            node: report.node_id,
            segment: report.segment,
            epoch: report.epoch,
            states: report.states.into_iter().map(word_from_wire).collect::<Result<_, _>>()?,
            forced: report.forced.iter().map(forced_from_wire).collect::<Result<_, _>>()?,
        },
        Kind::Reset(reset) => InterlockCommand::Reset { interlock: interlock(&reset.interlock)?, actor: reset.actor, reason: reset.reason },
        Kind::Defeat(defeat) => InterlockCommand::Defeat {
            interlock: interlock(&defeat.interlock)?,
            until: Timestamp(defeat.until_unix_ns),
            actor: defeat.actor,
            reason: defeat.reason,
        },
        Kind::EndDefeat(end) => InterlockCommand::EndDefeat { interlock: interlock(&end.interlock)?, actor: end.actor, reason: end.reason },
    })
}

pub(super) fn state_to_wire(state: &Interlocks) -> v1::InterlockStateRecord {
    v1::InterlockStateRecord { interlocks: state.states.iter().map(|(name, state)| record_to_wire(name, state)).collect() }
}

pub(super) fn state_from_wire(record: Option<v1::InterlockStateRecord>) -> Result<Interlocks, ConvertError> {
    let interlocks = record.unwrap_or_default().interlocks;
    Ok(Interlocks { states: interlocks.into_iter().map(record_from_wire).collect::<Result<_, _>>()? })
}

fn record_to_wire(name: &Name, state: &InterlockState) -> v1::InterlockRecord {
    let defeat = state.defeat.as_ref().map(|defeat| v1::InterlockDefeatRecord {
        since_unix_ns: defeat.since.0,
        until_unix_ns: defeat.until.0,
        by: defeat.by.clone(),
        reason: defeat.reason.clone(),
    });
    v1::InterlockRecord {
        interlock: name.to_string(),
        verdict: state.verdict.as_ref().map(verdict_to_wire),
        since_unix_ns: state.since.0,
        epoch: state.epoch,
        latched: state.latched,
        latched_by: state.latched_by.clone(),
        forced: state.forced.iter().map(ToString::to_string).collect(),
        defeat,
    }
}

fn record_from_wire(record: v1::InterlockRecord) -> Result<(Name, InterlockState), ConvertError> {
    let defeat = record.defeat.map(|defeat| Defeat {
        since: Timestamp(defeat.since_unix_ns),
        until: Timestamp(defeat.until_unix_ns),
        by: defeat.by,
        reason: defeat.reason,
    });
    let state = InterlockState {
        verdict: record.verdict.map(verdict_from_wire),
        since: Timestamp(record.since_unix_ns),
        epoch: record.epoch,
        latched: record.latched,
        latched_by: record.latched_by,
        forced: record.forced.iter().map(|tag| tag_path("interlocks.forced", tag)).collect::<Result<_, _>>()?,
        defeat,
    };
    Ok((name("interlocks.interlock", &record.interlock)?, state))
}

fn word_to_wire((interlock, verdict): &(Name, Verdict)) -> v1::InterlockWordRecord {
    v1::InterlockWordRecord { interlock: interlock.to_string(), verdict: Some(verdict_to_wire(verdict)) }
}

fn word_from_wire(record: v1::InterlockWordRecord) -> Result<(Name, Verdict), ConvertError> {
    Ok((name("states.interlock", &record.interlock)?, verdict_from_wire(required("states.verdict", record.verdict)?)))
}

fn verdict_to_wire(verdict: &Verdict) -> v1::InterlockVerdictRecord {
    match verdict {
        Verdict::Healthy => v1::InterlockVerdictRecord { tripped: false, why: String::new() },
        Verdict::Tripped { why } => v1::InterlockVerdictRecord { tripped: true, why: why.clone() },
    }
}

fn verdict_from_wire(record: v1::InterlockVerdictRecord) -> Verdict {
    if record.tripped { Verdict::Tripped { why: record.why } } else { Verdict::Healthy }
}

fn forced_to_wire((interlock, tag): &(Name, TagPath)) -> v1::InterlockForcedRecord {
    v1::InterlockForcedRecord { interlock: interlock.to_string(), tag: tag.to_string() }
}

fn forced_from_wire(record: &v1::InterlockForcedRecord) -> Result<(Name, TagPath), ConvertError> {
    Ok((name("forced.interlock", &record.interlock)?, tag_path("forced.tag", &record.tag)?))
}
