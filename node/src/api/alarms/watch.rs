//! Following alarms: first everything, then what changes, each message as of a log entry.
//!
//! ```text
//!   effects (which alarm changed) --collected--> the state, read once --> one message --> the watcher
//!        \__ some were missed: everything again
//! ```
//!
//! A watcher that is slow gets fewer messages, not older ones: what changed meanwhile is collected and read when it is ready. What waits for
//! it is bounded by the number of alarms.

use super::{statuses, wire};
use labkeeper_machine::Effect;
use labkeeper_model::{AlarmId, LogIndex};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc};
use tokio::time::sleep;
use tonic::Status;

/// How long changes are collected before they are sent: nobody sees a tenth of a second, and a burst of 10,000 is a handful of messages.
const COLLECT: Duration = Duration::from_millis(50);

type Out = mpsc::Sender<Result<v1::WatchAlarmsResponse, Status>>;

/// Which alarms changed, in order, each once.
#[derive(Default)]
struct Changed {
    order: Vec<AlarmId>,
    known: HashSet<AlarmId>,
    /// Some changes were missed.
    missed: bool,
}

impl Changed {
    fn take(&mut self, effect: Effect) {
        match effect {
            Effect::AlarmChanged { alarm } if self.known.insert(alarm.clone()) => self.order.push(alarm),
            // A state that was replaced by a snapshot says so by this; rules may have changed as well.
            Effect::SiteChanged => self.missed = true,
            _ => {}
        }
    }

    fn is_empty(&self) -> bool {
        self.order.is_empty() && !self.missed
    }
}

/// Tells a watcher, until it is gone or the node ends.
pub async fn watch(cluster: Cluster, all: bool, out: Out) {
    // Before the snapshot is read, so that nothing falls between.
    let mut effects = cluster.effects();
    let mut changed = Changed { missed: true, ..Changed::default() };
    loop {
        let message = cluster.read(|machine| {
            if changed.missed {
                let alarms = statuses(machine, all);
                return v1::WatchAlarmsResponse {
                    snapshot: true,
                    alarms,
                    removed: vec![],
                    floods: wire::floods(machine),
                    log_index: machine.applied(),
                };
            }
            let (alarms, removed) = read(machine, &changed.order);
            v1::WatchAlarmsResponse { snapshot: false, alarms, removed, floods: wire::floods(machine), log_index: machine.applied() }
        });
        if out.send(Ok(message)).await.is_err() {
            return;
        }
        let Some(next) = collect(&mut effects, &out).await else { return };
        changed = next;
    }
}

fn read(machine: &labkeeper_machine::Machine, changed: &[AlarmId]) -> (Vec<v1::AlarmStatus>, Vec<String>) {
    let (mut alarms, mut removed) = (vec![], vec![]);
    for id in changed {
        match wire::status(machine, id) {
            Some(status) => alarms.push(status),
            None => removed.push(id.to_string()),
        }
    }
    (alarms, removed)
}

/// Waits for a change, and for what comes with it; `None` when there is nobody to tell any more.
async fn collect(effects: &mut broadcast::Receiver<(LogIndex, Effect)>, out: &Out) -> Option<Changed> {
    let mut changed = Changed::default();
    while changed.is_empty() {
        tokio::select! {
            () = out.closed() => return None,
            effect = effects.recv() => match effect {
                Ok((_, effect)) => changed.take(effect),
                Err(RecvError::Lagged(_)) => changed.missed = true,
                Err(RecvError::Closed) => return None,
            },
        }
    }
    sleep(COLLECT).await;
    loop {
        match effects.try_recv() {
            Ok((_, effect)) => changed.take(effect),
            Err(TryRecvError::Lagged(_)) => changed.missed = true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(changed),
        }
    }
}
