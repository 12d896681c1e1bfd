//! Random commands about who drives what, and how they are meant: an owner knows its session and its epoch, the leader what it has seen.

use super::{actor, extreme_time, tag, text, value};
use labkeeper_machine::{Command, InterlockCommand, Machine, Reconciled};
use labkeeper_model::{LeaseTerms, Name, NodeId, SessionId, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::time::Duration;

pub(crate) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => (node(), number(), terms()).prop_map(|(node, after, terms)| Command::OpenSession { node, after, terms }),
        6 => (node(), number(), number()).prop_map(|(node, session, seq)| Command::RenewSession { node, session, seq }),
        3 => (node(), number(), number()).prop_map(|(node, session, seq)| Command::ExpireSession { node, session, seq }),
        1 => (node(), number()).prop_map(|(node, session)| Command::EndSession { node, session }),
        10 => (node(), number(), segment(), number()).prop_map(|(node, session, segment, epoch)| {
            Command::ReleaseSegment { node, session, segment, epoch }
        }),
        4 => (node(), prop::bool::weighted(0.7), actor(), text()).prop_map(|(node, draining, actor, reason)| {
            Command::SetDraining { node, draining, actor, reason }
        }),
        2 => Just(Command::PlaceSegments),
        2 => (node(), number(), number()).prop_map(|(node, session, version)| Command::ConfirmSite { node, session, version }),
        14 => reach(),
        2 => takeover(),
        2 => (node(), segment(), number(), vec((tag(), reconciled()), 0..4)).prop_map(|(node, segment, epoch, outcomes)| {
            Command::ReportReconciled { node, segment, epoch, outcomes }
        }),
        2 => (tag(), actor(), text()).prop_map(|(tag, actor, reason)| Command::ReleaseHold { tag, actor, reason }),
        2 => (node(), device(), number(), option::of(text())).prop_map(|(node, device, epoch, reason)| {
            Command::SetQuarantine { node, device, epoch, reason }
        }),
    ]
}

/// A small number stands for a node of the site.
pub(super) fn node() -> impl Strategy<Value = NodeId> {
    prop_oneof![19 => 0..4u64, 1 => any::<u64>()]
}

/// Seven is what the sender knows (see [`meant`]); other numbers are what they are.
pub(super) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![12 => Just(KNOWN), 2 => 0..6u64, 1 => any::<u64>()]
}

pub(crate) const KNOWN: u64 = 7;

fn terms() -> impl Strategy<Value = LeaseTerms> {
    let lease = prop_oneof![9 => Just(Duration::from_millis(1_500)), 1 => any::<u64>().prop_map(Duration::from_nanos)];
    lease.prop_map(|lease| LeaseTerms { lease, ..LeaseTerms::default() })
}

pub(super) fn segment() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just("cryo".to_owned()), 4 => Just("hall".to_owned()), 1 => text()]
}

fn device() -> impl Strategy<Value = Name> {
    prop::sample::select(vec!["d1", "d2", "d9"]).prop_map(|device| Name::new(device).expect("a name"))
}

fn reach() -> impl Strategy<Value = Command> {
    let share = prop_oneof![6 => Just((0u32, 4u32)), 6 => Just((4, 4)), 3 => (0..5u32, Just(4u32)), 1 => any::<(u32, u32)>()];
    (node(), number(), segment(), option::of(number()), share)
        .prop_map(|(node, session, segment, epoch, (reached, of))| Command::ReportReach { node, session, segment, epoch, reached, of })
}

fn takeover() -> impl Strategy<Value = Command> {
    let time = || prop_oneof![8 => (-5_000..5_000i64).prop_map(Timestamp::from_millis), 1 => extreme_time()];
    (node(), segment(), number(), time(), time(), time(), any::<u32>(), any::<u32>()).prop_map(
        |(node, segment, epoch, connected, read, enabled, devices_reached, devices)| Command::ReportTakeover {
            node,
            segment,
            epoch,
            connected,
            read,
            enabled,
            devices_reached,
            devices,
        },
    )
}

fn reconciled() -> impl Strategy<Value = Reconciled> {
    (0..6u8, value()).prop_map(|(kind, actual)| match kind {
        0 => Reconciled::Matches,
        1 => Reconciled::Adopted { actual },
        2 => Reconciled::Reasserted { actual },
        3 => Reconciled::DrivenSafe { actual },
        4 => Reconciled::Held { actual },
        _ => Reconciled::Unreadable,
    })
}

/// Puts what the sender knows at present where [`KNOWN`] stands; times are meant from `now` on.
pub(crate) fn meant(command: &mut Command, machine: &Machine, now: Timestamp) {
    let newest = |node: NodeId| machine.session(node).map_or((0, 0), |session| (session.id, session.seq));
    let known = |slot: &mut u64, present: u64| {
        if *slot == KNOWN {
            *slot = present;
        }
    };
    let own = |node: &mut NodeId, session: &mut SessionId| {
        *node = somebody(*node, machine);
        known(session, newest(*node).0);
    };
    let owned = |node: &mut NodeId, segment: &str, epoch: &mut u64| {
        if *epoch == KNOWN {
            let ownership = machine.ownership(segment);
            (*node, *epoch) = (ownership.owner.unwrap_or(*node), ownership.epoch);
        }
    };
    match command {
        Command::OpenSession { node, after, .. } => {
            *node = pick(*node, machine.nodes().keys().copied().collect());
            known(after, newest(*node).0);
        }
        Command::RenewSession { node, session, seq } => {
            own(node, session);
            known(seq, newest(*node).1.saturating_add(1));
        }
        Command::ExpireSession { node, session, seq } => {
            own(node, session);
            known(seq, newest(*node).1);
        }
        Command::EndSession { node, session } => own(node, session),
        Command::ConfirmSite { node, session, version } => {
            own(node, session);
            known(version, machine.site_version());
        }
        Command::ReleaseSegment { node, session, segment, epoch } => {
            let wanted = |node: &NodeId| Some((*node, machine.releases_wanted(*node).pop()?));
            match machine.sessions().keys().find_map(wanted).filter(|_| *epoch == KNOWN) {
                Some((owner, (wanted, under))) => (*node, *segment, *epoch) = (owner, wanted, under),
                // Letting go without being asked to is seldom.
                None if *node > 2 => owned(node, segment, epoch),
                None => {}
            }
            known(session, newest(*node).0);
        }
        Command::SetDraining { node, .. } => *node = somebody(*node, machine),
        Command::ReportReach { node, session, segment, epoch, .. } => {
            match epoch {
                Some(epoch) => owned(node, segment, epoch),
                None => *node = somebody(*node, machine),
            }
            known(session, newest(*node).0);
        }
        Command::ReportTakeover { node, segment, epoch, connected, read, enabled, .. } => {
            owned(node, segment, epoch);
            [connected, read, enabled].into_iter().for_each(|time| time.0 = time.0.saturating_add(now.0));
        }
        Command::ReportReconciled { node, segment, epoch, .. } => owned(node, segment, epoch),
        Command::SetQuarantine { node, device, epoch, .. } => {
            let segment = machine.site().devices.get(device).map_or("", |spec| spec.segment.as_str());
            owned(node, segment, epoch);
        }
        Command::Interlock(InterlockCommand::Report { node, segment, epoch, .. }) => owned(node, segment, epoch),
        Command::Interlock(InterlockCommand::Defeat { until, .. }) => until.0 = until.0.saturating_add(now.0),
        _ => {}
    }
}

/// A node with a session for small numbers: nodes have the indexes of entries, which a random number would seldom hit.
fn somebody(number: NodeId, machine: &Machine) -> NodeId {
    pick(number, machine.sessions().iter().filter(|(_, session)| session.alive).map(|(node, _)| *node).collect())
}

fn pick(number: NodeId, nodes: Vec<NodeId>) -> NodeId {
    let place = usize::try_from(number).ok().filter(|number| *number < 25 && !nodes.is_empty());
    place.map_or(number, |place| nodes[place % nodes.len()])
}
