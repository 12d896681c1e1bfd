//! Dumps that contradict themselves: what a fault in the program, or a file damaged past its checksum, could hand to a node that starts.

use labkeeper_machine::{Dump, Ownership};
use labkeeper_model::{CommandState, Timestamp};
use proptest::prelude::*;
use std::sync::Arc;

type Change = fn(&mut Dump);

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
        |dump| dump.audit.reverse(),
        |dump| drop(dump.audit.pop()),
        |dump| dump.audit.iter_mut().for_each(|entry| Arc::make_mut(entry).number = u64::MAX),
        |dump| dump.audit_next = 0,
        |dump| (dump.audit, dump.audit_next) = (vec![], u64::MAX),
    ];
    prop::sample::subsequence(changes, 0..5)
}
