//! Carries out what a job asks for: reads and writes through the bus, and hands the job's reports on.
//!
//! Everything that must hold at the moment of a write, besides the lease that the bus itself asks for, is in [`Runner::guard`], which is
//! asked right before the frame goes to the socket.

use super::segment::Segment;
use crate::clock;
use labkeeper_drivers::bus::BusHandle;
use labkeeper_drivers::driver::{DriverError, Obstacle, WriteError};
use labkeeper_machine::state::CommandRecord;
use labkeeper_model::Name;
use labkeeper_ownership::job::{Event, Job, Next};
use std::sync::Arc;
use tokio::time::sleep;

/// One command on its way to its device.
pub struct Runner {
    /// The ownership under which it acts.
    pub segment: Arc<Segment>,
    /// The device's bus.
    pub handle: BusHandle,
    /// The tag that verifies the write, if any does.
    pub readback: Option<Name>,
    /// The command.
    pub record: Arc<CommandRecord>,
}

impl Runner {
    /// Runs the job to its end, or until the command is not this node's any more to carry out.
    pub async fn run(self, mut job: Job) {
        let (Ok(device), Ok(tag)) = (Name::new(self.record.tag.device()), Name::new(self.record.tag.tag())) else { return };
        let mut next = job.start(clock::now());
        loop {
            for report in job.take_reports() {
                tracing::debug!(command = %report.id, tag = %self.record.tag, state = %report.state, "command");
                if self.segment.context.reports.send(report).await.is_err() {
                    return;
                }
            }
            let event = match next {
                Next::End => return,
                _ if self.segment.finish.is_cancelled() || !may_drive(&self.segment, &self.record) => return,
                Next::Read(pause) => {
                    sleep(pause).await;
                    self.read(&device).await
                }
                Next::Write(pause) => {
                    sleep(pause).await;
                    self.write(&device, &tag, &job).await
                }
            };
            next = job.handle(event, clock::now());
        }
    }

    async fn read(&self, device: &Name) -> Event {
        let Some(readback) = &self.readback else { return Event::Read(Err("no tag to read back".into())) };
        Event::Read(self.handle.read(device, readback).await.map_err(|error| error.to_string()))
    }

    async fn write(&self, device: &Name, tag: &Name, job: &Job) -> Event {
        match self.handle.write(device, tag, job.wanted().clone(), self.guard()).await {
            Ok(written) => Event::Written(written.at),
            Err(WriteError::NotSent(Obstacle::Driver(DriverError::Permanent { message }))) => Event::Refused(message),
            Err(WriteError::Refused(error)) => Event::Refused(error.to_string()),
            Err(WriteError::MayHaveReached(error)) => Event::MayHaveReached(error.to_string()),
            Err(error) => Event::NotSent(error.to_string()),
        }
    }

    /// What must hold at the very moment of the write.
    fn guard(&self) -> impl Fn() -> Result<(), String> + Send + 'static {
        let (segment, record) = (Arc::clone(&self.segment), Arc::clone(&self.record));
        move || {
            if clock::now() >= record.deadline {
                return Err("the deadline has passed".into());
            }
            if may_drive(&segment, &record) { Ok(()) } else { Err("it is not this node's to write".into()) }
        }
    }
}

/// Whether the replicated state, as far as this node has it, still has this node drive this command.
fn may_drive(segment: &Segment, record: &CommandRecord) -> bool {
    segment.context.cluster.read(|machine| {
        let stands = machine.command(&record.id).is_some_and(|record| !record.state().is_terminal());
        stands && machine.holds(segment.context.me, segment.session, &segment.name, segment.epoch)
    })
}
