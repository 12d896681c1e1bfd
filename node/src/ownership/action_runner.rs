//! Carries out what an action asks for, and waits where the action must: for its intent to be in the replicated state before the frame, and for its
//! outcome to be there before it ends.
//!
//! The second wait is for planned hand-overs: a successor that finds an intent without an outcome can only be in doubt, and there should be no
//! doubt without a fault.

use super::runner::{Runner, rest};
use crate::clock;
use labkeeper_machine::CommandReport;
use labkeeper_machine::state::CommandRecord;
use labkeeper_model::{CommandState, Name, Value};
use labkeeper_ownership::action::{Action, Next};
use labkeeper_ownership::job::Event;
use std::time::Duration;
use tokio::time::timeout;

/// How long an outcome may take to come back from the log before the job ends without it: as long as a hand-over waits for what is in flight,
/// and five times an election. Whoever owns the segment afterwards settles what is missing.
const HEARD_MAX: Duration = Duration::from_millis(1_500);

/// An action with the tags that tell what came of it.
pub struct Errand {
    /// Its core.
    pub action: Action,
    /// The device's own counter.
    pub probe: Option<Name>,
    /// A tag that shows afterwards that it was done.
    pub readback: Option<Name>,
}

impl Runner {
    /// Runs an action to its end, or until it is not this node's to carry out.
    pub async fn act(&self, errand: Errand) {
        let Errand { mut action, probe, readback } = errand;
        let mut next = action.start(clock::now());
        loop {
            let is_over = next == Next::End;
            if !is_over && !self.stands() {
                action.handle_withdrawn(clock::now());
                next = Next::End;
                continue;
            }
            if !self.tell(action.take_reports(), is_over).await || is_over {
                return;
            }
            next = match next {
                Next::End => return,
                Next::Declare { ref mark } if self.declare(mark.clone()).await => action.handle_declared(),
                Next::Declare { .. } => {
                    action.handle_withdrawn(clock::now());
                    Next::End
                }
                Next::Probe(pause) => self.reading(&mut action, probe.as_ref(), pause).await,
                Next::Verify(pause) => self.reading(&mut action, readback.as_ref(), pause).await,
                Next::Write(pause) => {
                    rest(pause).await;
                    let written = self.write_once(action.wanted().clone()).await;
                    action.handle(written, clock::now())
                }
            };
        }
    }

    async fn reading(&self, action: &mut Action, tag: Option<&Name>, pause: Duration) -> Next {
        rest(pause).await;
        let reading = self.read(tag).await;
        action.handle(reading, clock::now())
    }

    /// Says that this owner begins, and waits until that is in the replicated state; `false` if it is not this node's to carry out
    /// any more.
    async fn declare(&self, mark: Option<Value>) -> bool {
        let (id, epoch, time) = (self.record.id, self.segment.epoch, clock::now());
        let intent = CommandReport { id, epoch, state: CommandState::Dispatched, time, error: None, mark };
        self.report(intent).await && self.wait_until(|record| is_declared(record, epoch)).await
    }

    async fn tell(&self, reports: Vec<CommandReport>, is_over: bool) -> bool {
        let last = reports.last().map(|report| report.state);
        for report in reports {
            if !self.report(report).await {
                return false;
            }
        }
        if let Some(last) = last.filter(|_| is_over) {
            // Without it the job ends all the same.
            let _ = timeout(HEARD_MAX, self.wait_until(|record| record.state() == last || record.state().is_terminal())).await;
        }
        true
    }

    /// Waits for the replicated state; `false` if the command is not this node's any more.
    async fn wait_until(&self, holds: impl Fn(&CommandRecord) -> bool) -> bool {
        let cluster = &self.segment.context.cluster;
        let mut applied = cluster.applied();
        loop {
            applied.borrow_and_update();
            let record = cluster.read(|machine| machine.command(&self.record.id).cloned());
            if record.is_some_and(|record| holds(&record)) {
                return true;
            }
            if !self.is_owned() || applied.changed().await.is_err() {
                return false;
            }
        }
    }

    /// The one write of an action: besides everything else its intent must stand at the very moment of it.
    async fn write_once(&self, value: Value) -> Event {
        let epoch = self.segment.epoch;
        self.write_if(value, Some(self.record.deadline), move |_, record| is_declared(record, epoch)).await
    }
}

fn is_declared(record: &CommandRecord, epoch: u64) -> bool {
    record.state() == CommandState::Dispatched && record.dispatched_epoch == Some(epoch)
}
