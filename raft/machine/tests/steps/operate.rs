//! What one entry may do to ramps and selections.

use labkeeper_machine::{Applied, Command, Dump, Machine, OperateCommand, RampProgress, RampState, Reply, Steer};
use labkeeper_model::{CommandState, ErrorCode};
use proptest::prelude::*;

pub(crate) fn check_operate(before: &Dump, command: &Command, applied: &Applied, machine: &Machine) -> Result<(), TestCaseError> {
    check_ungated(command, applied)?;
    check_selected(before, command, applied, machine)?;
    let after = machine.dump();
    for (tag, ramp) in &after.operate.ramps {
        let former = before.operate.ramps.get(tag).filter(|former| former.command == ramp.command && former.revision == ramp.revision);
        let is_steered =
            matches!(command, Command::Operate(OperateCommand::Steer { tag: steered, .. }) if steered == tag) && applied.reply.is_ok();
        let is_stopped = matches!(command, Command::Operate(OperateCommand::ReportRamp { progress: RampProgress::Stopped(_), .. }));
        let same = former.map_or(RampState::Ramping, |former| former.state) == ramp.state;
        let done = ramp.state == RampState::Done && matches!(command, Command::ReportCommands { .. });
        prop_assert!(same || is_steered || done || (is_stopped && ramp.state == RampState::Stopped), "{command:?}: {former:?} to {ramp:?}");
        if ramp.state == RampState::Stopped && !same {
            let outstanding =
                machine.outstanding(tag.segment()).any(|record| record.id == ramp.command && record.revision == ramp.revision);
            prop_assert!(!outstanding, "somebody would drive on to {ramp:?}");
        }
    }
    Ok(())
}

/// To hold and to stop is refused only where there is nothing to hold or to stop.
fn check_ungated(command: &Command, applied: &Applied) -> Result<(), TestCaseError> {
    if let (Command::Operate(OperateCommand::Steer { how: Steer::Hold | Steer::Stop, .. }), Err(refused)) = (command, &applied.reply) {
        let allowed = [ErrorCode::NoRamp, ErrorCode::UnknownTag, ErrorCode::BadRequest, ErrorCode::NotInitialised];
        prop_assert!(allowed.contains(&refused.code), "{refused}");
    }
    Ok(())
}

/// What is selected first is committed only with a selection of its own that still holds.
fn check_selected(before: &Dump, command: &Command, applied: &Applied, machine: &Machine) -> Result<(), TestCaseError> {
    let asked = match command {
        Command::SubmitSetpoint(request) => Some((request.id, &request.actor)),
        Command::Operate(OperateCommand::SubmitAction(request)) => Some((request.id, &request.actor)),
        _ => None,
    };
    let (Some((id, actor)), Ok(Reply::Command(record))) = (asked, &applied.reply) else { return Ok(()) };
    let is_fresh = before.commands.iter().all(|earlier| earlier.id != id) && record.state() == CommandState::Committed;
    let Some((_, spec)) = before.site.tag(&record.tag).filter(|(_, spec)| is_fresh && spec.select.is_some()) else { return Ok(()) };
    let Some(accepted) = record.accepted.as_ref().filter(|accepted| !spec.is_safe(accepted)) else { return Ok(()) };
    let used = before.operate.selections.get(&record.tag).filter(|selection| selection.id == id);
    let fits = used.is_some_and(|selection| {
        selection.actor == *actor && selection.value == *accepted && machine.time() < selection.until && selection.term == before.term
    });
    prop_assert!(fits, "{record:?} with {used:?}");
    prop_assert!(machine.selection(&record.tag).is_none_or(|left| left.id != id), "it is used once");
    Ok(())
}
