//! Commands and state about actions, selections and ramps, as the log and snapshots hold them.

use super::command::value_required;
use labkeeper_machine::operate::{OperateCommand, Operation};
use labkeeper_machine::{ActionRequest, Ramp, RampProgress, RampState, Selection, SelectionRequest, Steer};
use labkeeper_model::{TagPath, Timestamp};
use labkeeper_proto::convert::{ConvertError, command_id, required, tag_path, value_opt};
use labkeeper_proto::v1;
use labkeeper_proto::v1::operate_command_record::Kind;
use labkeeper_proto::v1::report_ramp::Progress;

pub(super) fn command_to_wire(command: &OperateCommand) -> v1::OperateCommandRecord {
    let kind = match command {
        OperateCommand::SubmitAction(request) => Kind::SubmitAction(v1::SubmitAction {
            id: request.id.0.to_vec(),
            tag: request.tag.to_string(),
            value: request.value.as_ref().map(Into::into),
            deadline_unix_ns: request.deadline.0,
            actor: request.actor.clone(),
            reason: request.reason.clone(),
        }),
        OperateCommand::Cancel { id, actor, reason } => {
            Kind::Cancel(v1::CancelRecord { id: id.0.to_vec(), actor: actor.clone(), reason: reason.clone() })
        }
        OperateCommand::Steer { tag, how, actor, reason } => Kind::Steer(v1::SteerRecord {
            tag: tag.to_string(),
            how: steer_to_wire(*how).into(),
            actor: actor.clone(),
            reason: reason.clone(),
        }),
        OperateCommand::ReportRamp { node, segment, epoch, tag, command, progress } => Kind::ReportRamp(v1::ReportRamp {
            node_id: *node,
            segment: segment.clone(),
            epoch: *epoch,
            tag: tag.to_string(),
            command_id: command.0.to_vec(),
            progress: Some(progress_to_wire(progress)),
        }),
        OperateCommand::Select(request) => Kind::Select(v1::SelectRecord {
            id: request.id.0.to_vec(),
            tag: request.tag.to_string(),
            value: request.value.as_ref().map(Into::into),
            actor: request.actor.clone(),
            client: request.client.clone(),
        }),
        OperateCommand::Deselect { id, tag, actor } => {
            Kind::Deselect(v1::DeselectRecord { id: id.0.to_vec(), tag: tag.to_string(), actor: actor.clone() })
        }
    };
    v1::OperateCommandRecord { kind: Some(kind) }
}

pub(super) fn command_from_wire(record: v1::OperateCommandRecord) -> Result<OperateCommand, ConvertError> {
    Ok(match required("operate", record.kind)? {
        Kind::SubmitAction(submit) => OperateCommand::SubmitAction(ActionRequest {
            id: command_id("id", &submit.id)?,
            tag: tag_path("tag", &submit.tag)?,
            value: value_opt(submit.value)?,
            deadline: Timestamp(submit.deadline_unix_ns),
            actor: submit.actor,
            reason: submit.reason,
        }),
        Kind::Cancel(cancel) => OperateCommand::Cancel { id: command_id("id", &cancel.id)?, actor: cancel.actor, reason: cancel.reason },
        Kind::Steer(steer) => OperateCommand::Steer {
            how: steer_from_wire(steer.how())?,
            tag: tag_path("tag", &steer.tag)?,
            actor: steer.actor,
            reason: steer.reason,
        },
        Kind::ReportRamp(report) => OperateCommand::ReportRamp {
            node: report.node_id,
            segment: report.segment,
            epoch: report.epoch,
            tag: tag_path("tag", &report.tag)?,
            command: command_id("command_id", &report.command_id)?,
            progress: progress_from_wire(required("progress", report.progress)?)?,
        },
        Kind::Select(select) => OperateCommand::Select(SelectionRequest {
            id: command_id("id", &select.id)?,
            tag: tag_path("tag", &select.tag)?,
            value: value_opt(select.value)?,
            actor: select.actor,
            client: select.client,
        }),
        Kind::Deselect(deselect) => {
            OperateCommand::Deselect { id: command_id("id", &deselect.id)?, tag: tag_path("tag", &deselect.tag)?, actor: deselect.actor }
        }
    })
}

pub(super) fn state_to_wire(state: &Operation) -> v1::OperateStateRecord {
    v1::OperateStateRecord {
        ramps: state.ramps.iter().map(|(tag, ramp)| ramp_to_wire(tag, ramp)).collect(),
        selections: state.selections.iter().map(|(tag, selection)| selection_to_wire(tag, selection)).collect(),
    }
}

pub(super) fn state_from_wire(record: Option<v1::OperateStateRecord>) -> Result<Operation, ConvertError> {
    let record = record.unwrap_or_default();
    Ok(Operation {
        ramps: record.ramps.into_iter().map(ramp_from_wire).collect::<Result<_, _>>()?,
        selections: record.selections.into_iter().map(selection_from_wire).collect::<Result<_, _>>()?,
    })
}

const fn steer_to_wire(how: Steer) -> v1::RampSteer {
    match how {
        Steer::Hold => v1::RampSteer::Hold,
        Steer::Resume => v1::RampSteer::Resume,
        Steer::Stop => v1::RampSteer::Stop,
    }
}

fn steer_from_wire(how: v1::RampSteer) -> Result<Steer, ConvertError> {
    match how {
        v1::RampSteer::Unspecified => Err(ConvertError::new("steer.how", "nothing is wanted")),
        v1::RampSteer::Hold => Ok(Steer::Hold),
        v1::RampSteer::Resume => Ok(Steer::Resume),
        v1::RampSteer::Stop => Ok(Steer::Stop),
    }
}

fn progress_to_wire(progress: &RampProgress) -> Progress {
    match progress {
        RampProgress::Started(value) => Progress::Started(value.into()),
        RampProgress::Held(value) => Progress::Held(value.into()),
        RampProgress::Resumed(value) => Progress::Resumed(value.into()),
        RampProgress::Stopped(at) => Progress::Stopped(v1::RampStopped { at: at.as_ref().map(Into::into) }),
    }
}

fn progress_from_wire(progress: Progress) -> Result<RampProgress, ConvertError> {
    let value = |value| value_required("progress", Some(value));
    Ok(match progress {
        Progress::Started(at) => RampProgress::Started(value(at)?),
        Progress::Held(at) => RampProgress::Held(value(at)?),
        Progress::Resumed(at) => RampProgress::Resumed(value(at)?),
        Progress::Stopped(stopped) => RampProgress::Stopped(value_opt(stopped.at)?),
    })
}

fn ramp_to_wire(tag: &TagPath, ramp: &Ramp) -> v1::RampRecord {
    let state = match ramp.state {
        RampState::Ramping => v1::RampState::Ramping,
        RampState::Held => v1::RampState::Held,
        RampState::Stopping => v1::RampState::Stopping,
        RampState::Stopped => v1::RampState::Stopped,
        RampState::Done => v1::RampState::Done,
    };
    v1::RampRecord {
        tag: tag.to_string(),
        command_id: ramp.command.0.to_vec(),
        revision: ramp.revision,
        target: Some((&ramp.target).into()),
        rate_per_s: ramp.rate_per_s,
        start: ramp.start.as_ref().map(|(value, _)| value.into()),
        started_unix_ns: ramp.start.as_ref().map_or(0, |(_, at)| at.0),
        at: ramp.at.as_ref().map(Into::into),
        state: state.into(),
        since_unix_ns: ramp.since.0,
        by: ramp.by.clone(),
        reason: ramp.reason.clone(),
    }
}

fn ramp_from_wire(record: v1::RampRecord) -> Result<(TagPath, Ramp), ConvertError> {
    let state = match record.state() {
        v1::RampState::Unspecified => return Err(ConvertError::new("ramps.state", "it is not said")),
        v1::RampState::Ramping => RampState::Ramping,
        v1::RampState::Held => RampState::Held,
        v1::RampState::Stopping => RampState::Stopping,
        v1::RampState::Stopped => RampState::Stopped,
        v1::RampState::Done => RampState::Done,
    };
    let started = Timestamp(record.started_unix_ns);
    let ramp = Ramp {
        command: command_id("ramps.command_id", &record.command_id)?,
        revision: record.revision,
        target: value_required("ramps.target", record.target)?,
        rate_per_s: record.rate_per_s,
        start: value_opt(record.start)?.map(|value| (value, started)),
        at: value_opt(record.at)?,
        state,
        since: Timestamp(record.since_unix_ns),
        by: record.by,
        reason: record.reason,
    };
    Ok((tag_path("ramps.tag", &record.tag)?, ramp))
}

fn selection_to_wire(tag: &TagPath, selection: &Selection) -> v1::SelectionRecord {
    v1::SelectionRecord {
        tag: tag.to_string(),
        id: selection.id.0.to_vec(),
        value: Some((&selection.value).into()),
        actor: selection.actor.clone(),
        client: selection.client.clone(),
        until_unix_ns: selection.until.0,
        term: selection.term,
    }
}

fn selection_from_wire(record: v1::SelectionRecord) -> Result<(TagPath, Selection), ConvertError> {
    let selection = Selection {
        id: command_id("selections.id", &record.id)?,
        value: value_required("selections.value", record.value)?,
        actor: record.actor,
        client: record.client,
        until: Timestamp(record.until_unix_ns),
        term: record.term,
    };
    Ok((tag_path("selections.tag", &record.tag)?, selection))
}
