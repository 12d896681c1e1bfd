//! Dumps that contradict themselves: what a fault in the program, or a file damaged past its checksum, could hand to a node that starts.

use labkeeper_machine::authority::{Asked, Control};
use labkeeper_machine::interlocks::InterlockState;
use labkeeper_machine::notices::{Outbox, Pending};
use labkeeper_machine::{Cooldown, Dump, Ownership, ReachWord};
use labkeeper_model::site::Priority;
use labkeeper_model::{AlarmId, CommandState, Name, Scope, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

type Change = fn(&mut Dump);

fn word() -> ReachWord {
    ReachWord { reached: u32::MAX, of: u32::MAX, at: Timestamp(i64::MAX), since: Timestamp(i64::MIN) }
}

fn ghost() -> Control {
    let at = Timestamp(i64::MAX);
    let asked = Some(Asked { actor: String::new(), reason: String::new(), at });
    Control {
        holder: String::new(),
        client: String::new(),
        reason: String::new(),
        since: at,
        hold: Duration::ZERO,
        until: Timestamp(0),
        asked,
    }
}

/// A notice for a route that nobody declared, at the end of all numbers.
fn stray(number: u64) -> Pending {
    Pending {
        number,
        route: Name::new("ghost").expect("a name"),
        alarm: AlarmId::parse("system/disk/ghost").expect("an alarm"),
        occurrence: u64::MAX,
        transition: String::new(),
        state: String::new(),
        priority: Priority::Critical,
        segment: None,
        text: String::new(),
        log_index: u64::MAX,
        at: Timestamp(i64::MAX),
        attempts: u32::MAX,
        next: Timestamp(i64::MIN),
        why: String::new(),
    }
}

/// Some changes to a dump, each of which may contradict the rest.
pub(crate) fn damage() -> impl Strategy<Value = Vec<Change>> {
    let changes: Vec<Change> = vec![
        |dump| dump.site = Arc::default(),
        |dump| dump.site_id = None,
        |dump| dump.site_version = u64::MAX,
        |dump| dump.applied = 0,
        |dump| dump.applied = u64::MAX,
        |dump| dump.time = Timestamp(i64::MAX),
        |dump| dump.time = Timestamp(i64::MIN),
        |dump| dump.nodes.clear(),
        |dump| dump.nodes = dump.nodes.values().cloned().zip(0..).map(|(node, n)| (u64::MAX - n, node)).collect(),
        |dump| drop(dump.nodes.values().next().cloned().map(|node| dump.nodes.insert(0, node))),
        |dump| dump.ownerships.values_mut().for_each(|o| *o = Ownership { owner: Some(1), epoch: u64::MAX, ..Ownership::default() }),
        |dump| dump.ownerships.clear(),
        |dump| dump.ownerships.extend([(String::new(), Ownership { owner: Some(77), ..Ownership::default() })]),
        |dump| dump.ownerships.values_mut().for_each(|o| (o.successor, o.session) = (o.owner, u64::MAX)),
        |dump| dump.sessions.clear(),
        |dump| dump.sessions.values_mut().for_each(|session| (session.id, session.seq) = (u64::MAX, u64::MAX)),
        |dump| dump.sessions.values_mut().for_each(|session| session.alive = !session.alive),
        |dump| dump.last_session = 0,
        |dump| dump.last_session = u64::MAX,
        |dump| dump.draining.extend([0, 1, u64::MAX]),
        |dump| drop(dump.words.insert("ghost".into(), [(77, word())].into())),
        |dump| dump.words.values_mut().flat_map(|words| words.values_mut()).for_each(|known| *known = word()),
        |dump| dump.cooldowns.extend([("cryo".into(), Cooldown { moved: Timestamp(i64::MAX), rest: Duration::MAX })]),
        |dump| dump.takeovers = dump.takeovers.iter().cycle().take(dump.takeovers.len() * 300).cloned().collect(),
        |dump| dump.takeovers.iter_mut().for_each(|record| Arc::make_mut(record).assigned = Timestamp(i64::MAX)),
        |dump| dump.setpoints.clear(),
        |dump| dump.setpoints.values_mut().for_each(|setpoint| Arc::make_mut(setpoint).revision = u64::MAX),
        |dump| dump.setpoints.values_mut().for_each(|setpoint| Arc::make_mut(setpoint).state = CommandState::Written),
        |dump| dump.commands.clear(),
        |dump| dump.commands.extend(dump.commands.clone()),
        |dump| dump.commands.iter_mut().for_each(|record| Arc::make_mut(record).steps.clear()),
        |dump| dump.commands.iter_mut().for_each(|record| Arc::make_mut(record).steps.push((CommandState::Committed, Timestamp(i64::MIN)))),
        |dump| dump.commands.iter_mut().for_each(|record| Arc::make_mut(record).accepted = None),
        |dump| dump.commands.iter_mut().for_each(|record| Arc::make_mut(record).log_index = u64::MAX),
        |dump| dump.commands.iter_mut().for_each(|record| Arc::make_mut(record).deadline = Timestamp(i64::MAX)),
        |dump| dump.authority.held.values_mut().for_each(|control| (control.until, control.hold) = (Timestamp(i64::MAX), Duration::MAX)),
        |dump| dump.authority.held.extend([(Scope::parse("group/ghost").expect("a scope"), ghost())]),
        |dump| drop(dump.interlocks.states.insert(Name::new("ghost").expect("a name"), InterlockState::default())),
        |dump| dump.interlocks.states.values_mut().for_each(|state| (state.epoch, state.latched, state.verdict) = (u64::MAX, true, None)),
        |dump| dump.notices = Outbox::restore(vec![stray(0), stray(u64::MAX)], 7, vec![stray(1); 200], BTreeMap::new()),
        |dump| dump.audit.reverse(),
        |dump| drop(dump.audit.pop()),
        |dump| dump.audit.iter_mut().for_each(|entry| Arc::make_mut(entry).number = u64::MAX),
        |dump| dump.audit_next = 0,
        |dump| (dump.audit, dump.audit_next) = (vec![], u64::MAX),
    ];
    prop::sample::subsequence(changes, 0..5)
}
