//! What one entry may do to control.

use labkeeper_machine::authority::{ASK_GRACE, Control};
use labkeeper_machine::{AuthorityCommand, Command, Dump, Machine, Reply};
use labkeeper_model::{CommandState, Scope};
use proptest::prelude::*;

pub(crate) fn check_control(before: &Dump, command: &Command, reply: Option<&Reply>, machine: &Machine) -> Result<(), TestCaseError> {
    let after = machine.dump();
    for (scope, control) in &before.authority.held {
        let now = after.authority.held.get(scope);
        let kept = now.is_some_and(|now| now.holder == control.holder && now.since == control.since);
        prop_assert!(kept || may_lose(before, command, scope, control, &after), "{scope}: {control:?} -> {now:?} by {command:?}");
    }
    for (scope, control) in &after.authority.held {
        let takes = matches!(command, Command::Authority(AuthorityCommand::Take { scope: taken, actor, .. }) if taken == scope && *actor == control.holder);
        let earlier = before.authority.held.get(scope).is_some_and(|earlier| earlier.holder == control.holder);
        prop_assert!(takes || earlier, "{scope}: {control:?} by {command:?}");
    }
    if let (Command::SubmitSetpoint(request), Some(Reply::Command(record))) = (command, reply) {
        let is_fresh = before.commands.iter().all(|earlier| earlier.id != record.id);
        let tag = before.site.tag(&request.tag).filter(|_| is_fresh && record.state() == CommandState::Committed);
        if let (Some((device, tag)), Some(accepted)) = (tag, &record.accepted)
            && !tag.is_safe(accepted)
        {
            let holder = machine.control_of(request.tag.device()).map(|(_, control)| &control.holder);
            prop_assert!(holder.map_or(!device.exclusive, |holder| *holder == request.actor), "{request:?} against {holder:?}");
        }
    }
    Ok(())
}

/// Whether control may end by this command: given back, run out, broken with a reason, taken after the grace, or not declared any more.
fn may_lose(before: &Dump, command: &Command, scope: &Scope, control: &Control, after: &Dump) -> bool {
    let runs_out = after.time >= control.until;
    let gone = !scope.is_declared(&after.site);
    let deed = match command {
        Command::Authority(AuthorityCommand::Give { scope: given, actor }) => given == scope && *actor == control.holder,
        Command::Authority(AuthorityCommand::Break { scope: broken, actor, reason }) => {
            broken.overlaps(scope, &before.site) && *actor != control.holder && !reason.is_empty()
        }
        Command::Authority(AuthorityCommand::Take { scope: taken, actor, .. }) => {
            let asked = control.asked.as_ref().is_some_and(|asked| asked.at.saturating_add(ASK_GRACE) <= after.time);
            taken.overlaps(scope, &before.site) && *actor != control.holder && asked
        }
        _ => false,
    };
    runs_out || gone || deed
}
