//! Carries out what a job asks for: reads and writes through the bus, and hands the job's reports on.
//!
//! Everything that must hold at the moment of a write is in [`Runner::guard`], which the bus asks right before the frame
//! goes to the socket.

use super::job::{Event, Job, Next};
use crate::clock;
use labkeeper_drivers::bus::BusHandle;
use labkeeper_drivers::driver::{DriverError, Obstacle, WriteError};
use labkeeper_machine::command::CommandReport;
use labkeeper_machine::state::CommandRecord;
use labkeeper_model::{CommandId, Epoch, Name, NodeId, TagPath};
use labkeeper_raft::Cluster;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// One command on its way to its device.
pub struct Runner {
    /// The replicated state.
    pub cluster: Cluster,
    /// This node.
    pub me: NodeId,
    /// The ownership under which it acts.
    pub epoch: Epoch,
    /// The device's bus.
    pub handle: BusHandle,
    /// The tag that verifies the write, if any does.
    pub readback: Option<Name>,
    /// The command.
    pub record: Arc<CommandRecord>,
    /// Where reports go.
    pub reports: mpsc::Sender<CommandReport>,
}

impl Runner {
    /// Runs the job to its end, or until the command is not this node's any more to carry out.
    pub async fn run(self, mut job: Job) {
        let (Ok(device), Ok(tag)) = (Name::new(self.record.tag.device()), Name::new(self.record.tag.tag())) else { return };
        let mut next = job.start(clock::now());
        loop {
            for report in job.take_reports() {
                tracing::debug!(command = %report.id, tag = %self.record.tag, state = %report.state, "command");
                if self.reports.send(report).await.is_err() {
                    return;
                }
            }
            let event = match next {
                Next::End => return,
                _ if !may_drive(&self.cluster, self.me, &self.record.tag, self.epoch, self.record.id) => return,
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
    fn guard(&self) -> impl FnOnce() -> Result<(), String> + Send + 'static {
        let (cluster, me, epoch, record) = (self.cluster.clone(), self.me, self.epoch, self.record.clone());
        move || {
            if clock::now() >= record.deadline {
                return Err("the deadline has passed".into());
            }
            if may_drive(&cluster, me, &record.tag, epoch, record.id) { Ok(()) } else { Err("it is not this node's to write".into()) }
        }
    }
}

/// Whether the replicated state, as far as this node has it, still has this node drive this command.
fn may_drive(cluster: &Cluster, me: NodeId, tag: &TagPath, epoch: Epoch, id: CommandId) -> bool {
    cluster.read(|machine| {
        let ownership = machine.ownership(tag.segment());
        let stands = machine.command(&id).is_some_and(|record| !record.state().is_terminal());
        ownership.owner == Some(me) && ownership.epoch == epoch && stands
    })
}
