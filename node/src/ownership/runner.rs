//! One command on its way to its device: what all kinds of commands need of the bus, and how a setpoint is carried out.
//!
//! ```text
//!   job, approach or action (pure) --- next ---> Runner ---> bus: permit, guard, frame
//!                  ^----------- event -----------'  '------> reports
//! ```
//!
//! Everything that must hold at the moment of a write, besides the lease that the bus itself asks for, is in [`Runner::guard`], which is
//! asked right before the frame goes to the socket.

use super::segment::Segment;
use crate::clock;
use labkeeper_drivers::bus::BusHandle;
use labkeeper_drivers::driver::{DriverError, Obstacle, WriteError};
use labkeeper_machine::Machine;
use labkeeper_machine::command::CommandReport;
use labkeeper_machine::state::CommandRecord;
use labkeeper_model::{ErrorCode, Name, Timestamp, Value};
use labkeeper_ownership::job::{Event, Job, Next};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// One command on its way to its device.
pub struct Runner {
    /// The ownership under which it acts.
    pub(super) segment: Arc<Segment>,
    /// The command.
    pub(super) record: Arc<CommandRecord>,
    handle: BusHandle,
    device: Name,
    tag: Name,
}

impl Runner {
    /// For a command to a device of this segment; `None` if it has no such device.
    #[must_use]
    pub fn new(segment: Arc<Segment>, record: Arc<CommandRecord>) -> Option<Self> {
        let (device, tag) = (Name::new(record.tag.device()).ok()?, Name::new(record.tag.tag()).ok()?);
        let handle = segment.bus_of(&device)?.clone();
        Some(Self { segment, record, handle, device, tag })
    }

    /// Runs a setpoint's job to its end, or until the command is not this node's to carry out.
    pub async fn run(&self, mut job: Job, readback: Option<Name>) {
        let mut next = job.start(clock::now());
        loop {
            for report in job.take_reports() {
                if !self.report(report).await {
                    return;
                }
            }
            let event = match next {
                Next::End => return,
                _ if !self.stands() => return,
                Next::Read(pause) => {
                    rest(pause).await;
                    self.read(readback.as_ref()).await
                }
                Next::Write(pause) => {
                    rest(pause).await;
                    self.write(job.wanted().clone(), Some(self.record.deadline)).await
                }
            };
            next = job.handle(event, clock::now());
        }
    }

    /// Hands a report on; `false` if there is nobody to take it, as the node is stopping.
    pub(super) async fn report(&self, report: CommandReport) -> bool {
        tracing::debug!(command = %report.id, tag = %self.record.tag, state = %report.state, "command");
        self.segment.context.reports.send(report).await.is_ok()
    }

    /// Reads a tag of the command's device.
    pub(super) async fn read(&self, tag: Option<&Name>) -> Event {
        let Some(tag) = tag else { return Event::Read(Err("no tag to read back".into())) };
        Event::Read(self.handle.read(&self.device, tag).await.map_err(|error| error.to_string()))
    }

    /// Writes to the command's tag, no later than `deadline`.
    pub(super) async fn write(&self, value: Value, deadline: Option<Timestamp>) -> Event {
        self.write_if(value, deadline, |_, _| true).await
    }

    /// The same, only while the command's record is as it must be.
    pub(super) async fn write_if(
        &self,
        value: Value,
        deadline: Option<Timestamp>,
        is_right: impl Fn(&Machine, &CommandRecord) -> bool + Send + 'static,
    ) -> Event {
        match self.segment.guardian.why_not(&self.record.tag, &value) {
            Some(bar) if bar.is_known => return Event::Refused(ErrorCode::InterlockTripped, bar.why),
            // Right after a takeover nothing is known yet: the command waits.
            Some(bar) => return Event::NotSent(bar.why),
            None => {}
        }
        let guard = self.guard(deadline, value.clone(), is_right);
        match self.handle.write(&self.device, &self.tag, value, guard).await {
            Ok(written) => Event::Written(written.at),
            Err(WriteError::NotSent(Obstacle::Driver(DriverError::Permanent { message }))) => {
                Event::Refused(ErrorCode::WriteFailed, message)
            }
            Err(WriteError::Refused(error)) => Event::Refused(ErrorCode::WriteFailed, error.to_string()),
            Err(WriteError::MayHaveReached(error)) => Event::MayHaveReached(error.to_string()),
            Err(error) => Event::NotSent(error.to_string()),
        }
    }

    /// Whether the command is still this node's to carry out.
    pub(super) fn stands(&self) -> bool {
        !self.segment.finish.is_cancelled() && self.is_owned()
    }

    /// Whether it is, or would be if the segment were not about to be handed over.
    pub(super) fn is_owned(&self) -> bool {
        may_drive(&self.segment, &self.record, |_, _| true)
    }

    /// What must hold at the very moment of the write.
    fn guard(
        &self,
        deadline: Option<Timestamp>,
        value: Value,
        is_right: impl Fn(&Machine, &CommandRecord) -> bool + Send + 'static,
    ) -> impl Fn() -> Result<(), String> + Send + 'static {
        let (segment, record) = (Arc::clone(&self.segment), Arc::clone(&self.record));
        move || {
            if deadline.is_some_and(|deadline| clock::now() >= deadline) {
                return Err("the deadline has passed".into());
            }
            if let Some(bar) = segment.guardian.why_not(&record.tag, &value) {
                return Err(bar.why);
            }
            if may_drive(&segment, &record, &is_right) { Ok(()) } else { Err("it is not this node's to write".into()) }
        }
    }
}

/// Pauses; not at all for no time, which tokio's timer rounds up to the next millisecond: as long as a write takes.
pub(super) async fn rest(pause: Duration) {
    if !pause.is_zero() {
        sleep(pause).await;
    }
}

/// Whether the replicated state, as far as this node has it, still has this node drive this command.
fn may_drive(segment: &Segment, record: &CommandRecord, is_right: impl Fn(&Machine, &CommandRecord) -> bool) -> bool {
    segment.context.cluster.read(|machine| {
        let stands = machine.command(&record.id).is_some_and(|record| !record.state().is_terminal() && is_right(machine, record));
        stands && machine.holds(segment.context.me, segment.session, &segment.name, segment.epoch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_no_time_takes_none() {
        assert!(rest(Duration::ZERO).now_or_never().is_some());
        assert!(rest(Duration::from_millis(1)).now_or_never().is_none());
    }
}
