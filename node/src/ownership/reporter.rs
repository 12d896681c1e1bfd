//! Brings the owner's reports into the replicated log, in order, many to an entry, until they are in.
//!
//! A report that is sent twice is harmless: the machine takes only steps forward. A report that is lost with the
//! node is found again by reading the device, when the node comes back.

use labkeeper_machine::command::{Command, CommandReport};
use labkeeper_model::NodeId;
use labkeeper_raft::Cluster;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// Most reports that wait: four for each of 1,000 commands under way. When it is full, the jobs wait, and nobody else.
pub const QUEUE_MAX: usize = 4_000;
/// Most reports in one entry: at 100 bytes each some 25 kB, well under what an entry may hold.
const BATCH_MAX: usize = 256;
/// How long one attempt may take: several elections.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Pause between attempts while there is no leader.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Runs until the queue's senders are gone.
pub async fn run(cluster: Cluster, me: NodeId, mut queue: mpsc::Receiver<CommandReport>) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let reports = std::mem::take(&mut batch);
        deliver(&cluster, Command::ReportCommands { node: me, reports }).await;
    }
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
