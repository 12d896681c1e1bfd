//! Random commands about actions, ramps and selections, and how they are meant: an owner knows its epoch and the command it carries out.

use super::control::person;
use super::tenure::{node, number, segment};
use super::{id, tag, text, value};
use labkeeper_machine::{ActionRequest, Command, Machine, OperateCommand, RampProgress, SelectionRequest, Steer};
use labkeeper_model::{CommandId, Timestamp};
use proptest::option;
use proptest::prelude::*;

pub(crate) fn command() -> impl Strategy<Value = Command> {
    let operate = prop_oneof![
        6 => (tag(), how(), person(), text()).prop_map(|(tag, how, actor, reason)| OperateCommand::Steer { tag, how, actor, reason }),
        8 => (node(), segment(), number(), tag(), id(), progress()).prop_map(|(node, segment, epoch, tag, command, progress)| {
            OperateCommand::ReportRamp { node, segment, epoch, tag, command, progress }
        }),
        6 => (id(), tag(), option::weighted(0.9, value()), person()).prop_map(|(id, tag, value, actor)| {
            OperateCommand::Select(SelectionRequest { id, tag, value, actor, client: String::new() })
        }),
        1 => (id(), tag(), person()).prop_map(|(id, tag, actor)| OperateCommand::Deselect { id, tag, actor }),
        1 => (id(), tag(), option::of(value()), person(), text()).prop_map(|(id, tag, value, actor, reason)| {
            OperateCommand::SubmitAction(ActionRequest { id, tag, value, deadline: Timestamp(i64::MAX), actor, reason })
        }),
        1 => (id(), person(), text()).prop_map(|(id, actor, reason)| OperateCommand::Cancel { id, actor, reason }),
    ];
    operate.prop_map(Command::Operate)
}

fn how() -> impl Strategy<Value = Steer> {
    prop::sample::select(vec![Steer::Hold, Steer::Resume, Steer::Stop])
}

fn progress() -> impl Strategy<Value = RampProgress> {
    prop_oneof![
        2 => value().prop_map(RampProgress::Started),
        1 => value().prop_map(RampProgress::Held),
        1 => value().prop_map(RampProgress::Resumed),
        2 => option::weighted(0.8, value()).prop_map(RampProgress::Stopped),
    ]
}

/// Makes most reports of ramps those of the owner about the command that the tag has; a selection is often for the next command's id.
pub(crate) fn meant(command: &mut OperateCommand, machine: &Machine) {
    if let OperateCommand::ReportRamp { node, segment, epoch, tag, command, .. } = command {
        let ownership = machine.ownership(tag.segment());
        if *epoch == super::tenure::KNOWN {
            (*node, *epoch) = (ownership.owner.unwrap_or(*node), ownership.epoch);
            tag.segment().clone_into(segment);
            *command = machine.setpoint(tag).map_or(CommandId([1; 16]), |setpoint| setpoint.command_id);
        }
    }
}
