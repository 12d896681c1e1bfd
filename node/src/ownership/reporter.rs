//! Brings the owner's reports into the replicated log, in order, many to an entry, until they are in.
//!
//! A report that is sent twice is harmless: the machine takes only steps forward. A report that is lost with the
//! node is found again by reading the device, when the node comes back.

use labkeeper_machine::command::{Command, CommandReport};
use labkeeper_model::NodeId;
use labkeeper_raft::Cluster;
use labkeeper_supervision::{ChildError, Context};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep};

/// Most reports that wait: four for each of 1,000 commands under way. When it is full, the jobs wait, and nobody else.
const QUEUE_MAX: usize = 4_000;
/// Most reports in one entry: at 100 bytes each some 25 kB, well under what an entry may hold.
const BATCH_MAX: usize = 256;
/// How long one attempt may take: several elections.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Pause between attempts while there is no leader.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The queue of reports. It outlives a restart of the reporter; what it had taken out is said again by the jobs' successors.
#[derive(Clone)]
pub struct Reports {
    /// For the jobs.
    pub sender: mpsc::Sender<CommandReport>,
    queue: Arc<Mutex<mpsc::Receiver<CommandReport>>>,
}

impl Default for Reports {
    fn default() -> Self {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        Self { sender, queue: Arc::new(Mutex::new(queue)) }
    }
}

/// Runs until it is told to end.
///
/// # Errors
/// None; a panic is its supervisor's to see.
pub async fn run(cluster: Cluster, me: NodeId, reports: Reports, actor: Context) -> Result<(), ChildError> {
    actor.ready();
    let mut queue = reports.queue.lock().await;
    let deliver_all = async {
        let mut batch = Vec::new();
        while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let reports = std::mem::take(&mut batch);
            deliver(&cluster, Command::ReportCommands { node: me, reports }).await;
        }
    };
    actor.token().run_until_cancelled(deliver_all).await;
    Ok(())
}

async fn deliver(cluster: &Cluster, command: Command) {
    let mut has_complained = false;
    loop {
        match cluster.propose(command.clone(), Instant::now() + ATTEMPT).await {
            Ok(proposed) => {
                if has_complained {
                    tracing::info!("reports about commands are delivered again");
                }
                if let Err(rejection) = proposed.reply {
                    tracing::warn!(%rejection, "reports about commands were refused");
                }
                return;
            }
            Err(error) => {
                if !has_complained {
                    tracing::warn!(%error, "reports about commands wait for a leader");
                    has_complained = true;
                }
                sleep(RETRY_AFTER).await;
            }
        }
    }
}
