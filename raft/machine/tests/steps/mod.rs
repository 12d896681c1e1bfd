//! What one entry may do to the state, whatever it is and whatever the state was.

mod control;
mod interlocks;
mod operate;
mod tenure;

use control::check_control;
use interlocks::check_interlocks;
use labkeeper_machine::{
    AlarmCommand, Applied, AuthorityCommand, Command, CommandRecord, Dump, Effect, Machine, OperateCommand, Ownership,
};
use operate::check_operate;
use proptest::prelude::*;
use std::sync::Arc;
use tenure::check_tenure;

/// Everything there is, as text: unlike `==`, it finds NaN equal to NaN and 0 different from -0, as copies of a state must be.
pub(crate) fn text(thing: &impl std::fmt::Debug) -> String {
    format!("{thing:?}")
}

/// A refusal leaves nothing behind but an entry of the audit, if a person had asked.
fn check_refusal_noted(before: &Dump, after: &Dump, command: &Command, applied: &Applied) -> Result<(), TestCaseError> {
    let by_person = matches!(
        command,
        Command::RemoveNode { .. }
            | Command::ApplySite { .. }
            | Command::SubmitSetpoint(_)
            | Command::SetDraining { .. }
            | Command::ReleaseHold { .. }
            | Command::Authority(AuthorityCommand::Take { .. } | AuthorityCommand::Break { .. })
            | Command::Operate(OperateCommand::Steer { .. } | OperateCommand::Select(_))
            | Command::Alarm(AlarmCommand::Acknowledge { .. } | AlarmCommand::Shelve { .. })
    );
    let code = applied.reply.as_ref().err().map(|rejection| rejection.code);
    let added = after.audit_next.saturating_sub(before.audit_next);
    prop_assert!(added <= 1 && (added == 1 || !by_person || before.site_id.is_none()), "{command:?}: {added} entries");
    let noted = after.audit.last().and_then(|entry| entry.refused);
    prop_assert!(added == 0 || noted == code, "{command:?}: {noted:?} for {code:?}");
    Ok(())
}

/// What one entry may do to the state. A deed under an id does what it would do without one; but if it was done before, nothing.
pub(crate) fn check_step(before: &Dump, command: &Command, applied: &Applied, machine: &Machine) -> Result<(), TestCaseError> {
    let Command::Once { id, deed } = command else {
        prop_assert_eq!(text(&before.deeds), text(machine.deeds()), "only deeds under an id are remembered");
        return check_deed(before, command, applied, machine);
    };
    let Some(done) = before.deeds.get(id) else {
        let remembered = machine.deeds().get(id);
        prop_assert_eq!(remembered, applied.reply.is_ok().then_some(&**deed));
        return check_deed(before, deed, applied, machine);
    };
    let after = machine.dump();
    prop_assert_eq!(applied.reply.is_ok(), done == &**deed, "{:?}", applied.reply);
    prop_assert_eq!(&applied.effects, &vec![]);
    let only_passed =
        Dump { applied: after.applied, time: after.time, term: after.term, commands: after.commands.clone(), ..before.clone() };
    let is_noted = applied.reply.is_err();
    let of_audit =
        Dump { audit: after.audit.clone(), audit_next: after.audit_next, audit_anchor: after.audit_anchor, ..only_passed.clone() };
    prop_assert_eq!(text(&if is_noted { of_audit } else { only_passed }), text(&after), "a deed was done twice");
    Ok(())
}

fn check_deed(before: &Dump, command: &Command, applied: &Applied, machine: &Machine) -> Result<(), TestCaseError> {
    let after = machine.dump();
    prop_assert!(after.applied >= before.applied && after.time >= before.time);
    for (segment, old) in &before.ownerships {
        let new = after.ownerships[segment];
        let planned = Ownership { successor: new.successor, ..*old };
        prop_assert!(new == planned || new.epoch > old.epoch, "{}: {:?} after {:?}", segment, new, old);
        prop_assert!(new.owner == old.owner || new.epoch > old.epoch, "{}: {:?} after {:?}", segment, new, old);
    }
    for id in after.nodes.keys().filter(|id| !before.nodes.contains_key(id)) {
        prop_assert!(*id > before.applied || *id == after.applied || *id == 1, "number {} could have been given before", id);
    }
    if applied.reply.is_err() {
        prop_assert_eq!(&applied.effects, &vec![]);
        check_refusal_noted(before, &after, command, applied)?;
        let untouched = Dump {
            applied: after.applied,
            time: after.time,
            term: after.term,
            commands: after.commands.clone(),
            audit: after.audit.clone(),
            audit_next: after.audit_next,
            audit_anchor: after.audit_anchor,
            ..before.clone()
        };
        prop_assert_eq!(text(&untouched), text(&after), "refused: {:?}", applied.reply);
        let kept = |record: &Arc<CommandRecord>| before.commands.iter().any(|earlier| Arc::ptr_eq(earlier, record));
        prop_assert!(after.commands.iter().all(kept), "refused: {:?}", applied.reply);
    }
    if let Command::ReportCommands { node, reports } = command {
        for effect in &applied.effects {
            let Effect::CommandChanged { id } = effect else { continue };
            let Some(record) = machine.command(id) else { continue };
            let ownership = after.ownerships[record.tag.segment()];
            let told = reports.iter().any(|report| report.id == *id && report.epoch == ownership.epoch);
            prop_assert!(told && ownership.owner == Some(*node), "{:?} was believed about {:?}", node, record);
        }
    }
    check_control(before, command, applied.reply.as_ref().ok(), machine)?;
    check_operate(before, command, applied, machine)?;
    check_interlocks(before, command, applied.reply.as_ref().ok(), machine)?;
    check_tenure(before, command, applied, &after)
}
