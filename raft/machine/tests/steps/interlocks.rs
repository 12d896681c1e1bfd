//! What one entry may do to interlocks.

use labkeeper_machine::interlocks::{DEFEAT_MAX, InterlockState, Verdict};
use labkeeper_machine::{Command, Dump, InterlockCommand, Machine, Reply};
use labkeeper_model::site::Stage;
use labkeeper_model::{CommandState, Name};
use proptest::prelude::*;

pub(crate) fn check_interlocks(before: &Dump, command: &Command, reply: Option<&Reply>, machine: &Machine) -> Result<(), TestCaseError> {
    let after = machine.dump();
    let blank = InterlockState::default();
    for name in after.site.interlocks.keys() {
        let old = before.interlocks.states.get(name).unwrap_or(&blank);
        let new = after.interlocks.states.get(name).unwrap_or(&blank);
        let redeclared = before.site.interlocks.get(name) != after.site.interlocks.get(name);
        let reset = matches!(command, Command::Interlock(InterlockCommand::Reset { interlock, .. }) if interlock == name);
        let was_healthy = old.verdict == Some(Verdict::Healthy) && old.epoch == new.epoch;
        prop_assert!(!old.latched || new.latched || redeclared || (reset && was_healthy), "{name}: {old:?} -> {new:?} by {command:?}");
        let said = matches!(command, Command::Interlock(InterlockCommand::Report { .. }));
        prop_assert!(old.verdict == new.verdict || said || redeclared, "{name}: {old:?} -> {new:?} by {command:?}");
        let bounded = new.defeat.as_ref().is_none_or(|defeat| defeat.until <= after.time.saturating_add(DEFEAT_MAX));
        prop_assert!(bounded, "{name}: {new:?}");
        check_trip(name, new, machine)?;
    }
    if let (Command::SubmitSetpoint(request), Some(Reply::Command(record))) = (command, reply) {
        let is_fresh = before.commands.iter().all(|earlier| earlier.id != record.id);
        let tag = machine.site().tag(&request.tag).filter(|_| is_fresh && record.state() == CommandState::Committed);
        let driven = tag.zip(record.accepted.as_ref()).is_some_and(|((_, spec), accepted)| !spec.is_safe(accepted));
        let blocking = machine.interlocks_of(&request.tag).find(|(_, standing)| standing.blocks());
        prop_assert!(!driven || blocking.is_none(), "{request:?} in spite of {blocking:?}");
    }
    Ok(())
}

/// What has tripped keeps its tags from being driven, and latches if it is to be reset; unless it is defeated.
fn check_trip(name: &Name, state: &InterlockState, machine: &Machine) -> Result<(), TestCaseError> {
    let standing = machine.interlock(name.as_str()).ok_or_else(|| TestCaseError::fail(name.to_string()))?;
    let tripped = matches!(state.verdict, Some(Verdict::Tripped { .. })) && state.defeat.is_none();
    prop_assert!(!tripped || standing.blocks(), "{name}: {standing:?}");
    let latches = tripped && standing.known && standing.spec.stage == Stage::Protect;
    prop_assert!(!latches || state.latched, "{name}: {standing:?}");
    Ok(())
}
