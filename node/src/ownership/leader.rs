//! What only the leader does: it ends sessions that were not renewed, looks again at who should own what when time has passed, and
//! ends overdue commands that nobody owns. Others run the same loop and do nothing; each entry decides on every replica alike.

use crate::clock;
use labkeeper_machine::Command;
use labkeeper_ownership::expiry::Expiry;
use labkeeper_raft::{Cluster, Role};
use labkeeper_supervision::{ChildError, Context};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often deadlines by the wall clock are looked at. The state is searched by deadline, so a look costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Shortest sleep, so that a clock that jumps does not make the loop spin.
const SLEEP_MIN: Duration = Duration::from_millis(1);
/// How long one proposal may take: longer than a commit on a busy disk; what is lost is proposed again.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Runs until it is told to end.
///
/// # Errors
/// None; a panic is its supervisor's to see.
pub async fn run(cluster: Cluster, actor: Context) -> Result<(), ChildError> {
    let mut applied = cluster.applied();
    let mut expiry = Expiry::new();
    let mut look_at = Instant::now();
    actor.ready();
    loop {
        actor.progress();
        let now = clock::boot();
        let raft = cluster.status();
        let leads = raft.role == Role::Leader;
        expiry.handle_leadership(leads, raft.term, now);
        cluster.read(|machine| expiry.handle_view(machine.sessions().iter().map(|(node, session)| (*node, session)), now));
        for over in expiry.handle_timeout(now) {
            tracing::warn!(node = over.node, session = over.session, "a node has not renewed its session; ending it");
            propose(&cluster, Command::ExpireSession { node: over.node, session: over.session, seq: over.seq });
        }
        if leads && Instant::now() >= look_at {
            look_at = Instant::now() + LOOK_EVERY;
            what_is_due(&cluster).into_iter().for_each(|command| propose(&cluster, command));
        }
        let until_expiry = expiry.poll_timeout().map(|(at, _)| at.saturating_since(clock::boot()));
        let pause = until_expiry.unwrap_or(LOOK_EVERY).clamp(SLEEP_MIN, LOOK_EVERY);
        tokio::select! {
            biased;
            () = actor.cancelled() => return Ok(()),
            changed = applied.changed() => if changed.is_err() { return Ok(()) },
            () = sleep(pause) => {}
        }
    }
}

/// What is due by the wall clock, which is what the machine's time is stamped with.
fn what_is_due(cluster: &Cluster) -> Vec<Command> {
    let now = clock::now();
    let (deadline, review, timer) = cluster.read(|machine| (machine.next_deadline(), machine.next_review(), machine.next_timer()));
    let is_due = |at: Option<labkeeper_model::Timestamp>| at.is_some_and(|at| now >= at);
    let overdue = is_due(deadline).then_some(Command::ExpireCommands);
    let review = is_due(review).then_some(Command::PlaceSegments);
    let timers = is_due(timer).then_some(Command::FireTimers);
    overdue.into_iter().chain(review).chain(timers).collect()
}

/// Proposes in the background: what is lost is due again at the next look.
fn propose(cluster: &Cluster, command: Command) {
    let cluster = cluster.clone();
    tokio::spawn(async move {
        if let Err(error) = cluster.propose(command, Instant::now() + ATTEMPT).await {
            tracing::debug!(%error, "a duty of the leader will be done later");
        }
    });
}
