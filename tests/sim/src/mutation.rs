//! Faults that are planted on purpose, each one rule of the lease left out, so that the tests can show that the invariants notice.
//!
//! They are planted around the product's code, never in it: [`crate::rights`] around the holder's lease, [`crate::timers`] around the
//! leader's timers, [`twist`] around the machine, in the terms that a [`crate::setting::Setting`] declares, and in the shell of a node, which
//! is the world's own.

use labkeeper_machine::{Command, Machine};
use labkeeper_model::CommandId;

/// One rule left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The lease counts from the answer to a renewal, not from its sending.
    CountFromAck,
    /// An expiry ends the session whatever renewal was seen.
    NoCompareAndSet,
    /// A leader goes on with the timers of its earlier term.
    KeepTimers,
    /// The leader waits no guard.
    NoGuard,
    /// The leader waits as if both clocks were right.
    NoDriftFactor,
    /// The holder drives on until it is told that its session is over.
    NoSelfFence,
    /// A report counts whatever its epoch.
    AcceptStaleEpoch,
    /// A command that is sent again is another command.
    NoDedup,
    /// An owner that has proposed a release drives on when the successor is withdrawn.
    TakeReleaseBack,
    /// An owner lets go while something that it has sent is in flight.
    ReleaseInFlight,
    /// A device is written as soon as it is connected.
    WriteUnread,
}

impl Mutation {
    /// Every mutation.
    pub const ALL: [Self; 11] = [
        Self::CountFromAck,
        Self::NoCompareAndSet,
        Self::KeepTimers,
        Self::NoGuard,
        Self::NoDriftFactor,
        Self::NoSelfFence,
        Self::AcceptStaleEpoch,
        Self::NoDedup,
        Self::TakeReleaseBack,
        Self::ReleaseInFlight,
        Self::WriteUnread,
    ];

    /// The mutation of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mutation| format!("{mutation:?}") == name)
    }
}

/// A command as a machine without one of its rules would take it: the same on every replica, since it is twisted when it is committed.
#[must_use]
pub fn twist(mutation: Option<Mutation>, command: Command, machine: &Machine, fresh: u64) -> Command {
    match (mutation, command) {
        (Some(Mutation::NoCompareAndSet), Command::ExpireSession { node, session, seq }) => {
            let newest = machine.session(node).map_or(seq, |held| held.seq);
            Command::ExpireSession { node, session, seq: newest }
        }
        (Some(Mutation::AcceptStaleEpoch), Command::ReportCommands { mut node, mut reports }) => {
            for report in &mut reports {
                let Some(record) = machine.command(&report.id) else { continue };
                let ownership = machine.ownership(record.tag.segment());
                report.epoch = ownership.epoch;
                node = ownership.owner.unwrap_or(node);
            }
            Command::ReportCommands { node, reports }
        }
        (Some(Mutation::NoDedup), Command::SubmitSetpoint(mut request)) if machine.command(&request.id).is_some() => {
            request.id = CommandId((u128::MAX - u128::from(fresh)).to_be_bytes());
            Command::SubmitSetpoint(request)
        }
        (_, command) => command,
    }
}
