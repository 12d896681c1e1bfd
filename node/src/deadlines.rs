//! Ends overdue commands of segments that nobody owns. Where there is an owner, it alone knows whether it has begun a command, and
//! ends it by its report. Only the leader proposes; the entry decides on every replica alike.

use crate::clock;
use labkeeper_machine::command::Command;
use labkeeper_raft::Cluster;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often the earliest deadline is looked at. The state is searched by deadline, so a look costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long one proposal may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Runs for ever.
pub async fn run(cluster: Cluster) {
    loop {
        sleep(LOOK_EVERY).await;
        let is_due = cluster.read(|machine| machine.next_deadline()).is_some_and(|deadline| clock::now() >= deadline);
        if !is_due || !cluster.is_leader() {
            continue;
        }
        if let Err(error) = cluster.propose(Command::ExpireCommands, Instant::now() + ATTEMPT).await {
            tracing::debug!(%error, "expired commands will be ended later");
        }
    }
}
