//! Ends commands whose deadline has passed before an owner began them. Only the leader does; the entry that it proposes
//! decides on every replica alike.

use crate::clock;
use labkeeper_machine::command::Command;
use labkeeper_raft::Cluster;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long after a deadline a command is ended: an owner that began it just in time has this long to say so, which
/// is several elections.
const GRACE: Duration = Duration::from_secs(2);
/// How often the earliest deadline is looked at. The state is searched by deadline, so a look costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long one proposal may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Runs for ever.
pub async fn run(cluster: Cluster) {
    loop {
        sleep(LOOK_EVERY).await;
        let is_due = cluster.read(|machine| machine.next_deadline()).is_some_and(|deadline| clock::now() >= deadline.saturating_add(GRACE));
        if !is_due || !cluster.is_leader() {
            continue;
        }
        if let Err(error) = cluster.propose(Command::ExpireCommands, Instant::now() + ATTEMPT).await {
            tracing::debug!(%error, "expired commands will be ended later");
        }
    }
}
