//! What one entry may do to sessions, ownerships and held tags.

use labkeeper_machine::{Applied, Command, Dump, Ownership, Reply, Session};
use labkeeper_model::{CommandState, NodeId, SessionId};
use proptest::prelude::*;

pub(crate) fn check_tenure(before: &Dump, command: &Command, applied: &Applied, after: &Dump) -> Result<(), TestCaseError> {
    for (segment, new) in &after.ownerships {
        let old = before.ownerships.get(segment).copied().unwrap_or_default();
        if old.session != 0 && (old.owner, old.session) != (new.owner, new.session) {
            prop_assert!(may_leave(before, command, segment, &old), "{segment}: {old:?} -> {new:?} by {command:?}");
        }
        if new.epoch != old.epoch && new.session != 0 {
            prop_assert!(may_get(after, segment, &old, new), "{segment}: {old:?} -> {new:?} by {command:?}");
        }
    }
    check_sessions(before, command, applied, after)?;
    if let (Command::SubmitSetpoint(request), Ok(Reply::Command(record))) = (command, &applied.reply) {
        let is_fresh = before.commands.iter().all(|earlier| earlier.id != record.id);
        let committed = is_fresh && record.state() == CommandState::Committed;
        prop_assert!(!committed || !before.holds.contains_key(&request.tag), "{} is held", request.tag);
    }
    Ok(())
}

/// Whether an owner leaves its segment by this command: by the end of its session, or because it let go.
fn may_leave(before: &Dump, command: &Command, segment: &str, old: &Ownership) -> bool {
    let session = old.owner.and_then(|owner| before.sessions.get(&owner)).copied();
    let held = |node: &NodeId, id: &SessionId| old.owner == Some(*node) && *id == old.session;
    match command {
        Command::OpenSession { node, .. } => old.owner == Some(*node),
        Command::ExpireSession { node, session: id, seq } => held(node, id) && session.is_some_and(|session| session.seq == *seq),
        Command::EndSession { node, session: id } => held(node, id),
        Command::ReleaseSegment { node, session: id, segment: released, epoch } => {
            held(node, id) && released == segment && *epoch == old.epoch
        }
        _ => false,
    }
}

/// Whether a segment may be granted like this: to a session that is alive, and to another owner only if it is not drained and declares
/// that it reaches the segment.
fn may_get(after: &Dump, segment: &str, old: &Ownership, new: &Ownership) -> bool {
    let Some(owner) = new.owner else { return false };
    let alive = after.sessions.get(&owner).is_some_and(|session| session.alive && session.id == new.session);
    let reaches = after.nodes.get(&owner).is_some_and(|node| node.reach.iter().any(|reached| reached == "*" || reached == segment));
    alive && (old.owner == Some(owner) || (reaches && !after.draining.contains(&owner)))
}

fn check_sessions(before: &Dump, command: &Command, applied: &Applied, after: &Dump) -> Result<(), TestCaseError> {
    prop_assert!(after.last_session >= before.last_session);
    for (node, new) in &after.sessions {
        match before.sessions.get(node) {
            Some(old) if old.id == new.id => {
                prop_assert!(new.seq >= old.seq && new.renewed >= old.renewed && (old.alive || new == old), "{old:?} -> {new:?}");
            }
            _ => prop_assert!(new.id > before.last_session || before.last_session == SessionId::MAX, "{new:?} by {command:?}"),
        }
    }
    let seen = |node: &NodeId| before.sessions.get(node).copied();
    match (command, &applied.reply) {
        (Command::RenewSession { node, session, seq }, Ok(_)) => {
            let counts = |held: Session| held.alive && held.id == *session && held.seq < *seq;
            prop_assert!(seen(node).is_some_and(counts), "{:?} renewed by {command:?}", seen(node));
        }
        (Command::ExpireSession { node, session, seq }, Ok(Reply::Expired { ended })) => {
            let matches = |held: Session| held.alive && (held.id, held.seq) == (*session, *seq);
            prop_assert_eq!(*ended, seen(node).is_some_and(matches), "{:?} by {:?}", seen(node), command);
        }
        (Command::OpenSession { node, after: known, .. }, Ok(_)) => {
            prop_assert!(seen(node).is_none_or(|held| held.id <= *known), "{:?} replaced by {command:?}", seen(node));
        }
        _ => {}
    }
    Ok(())
}
