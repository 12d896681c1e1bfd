//! The shell of the lease: opens and renews this node's session through the log, and says when it is over.
//!
//! It carries out what [`Lease`] decides, with the boot clock, proposals and the shared [`Tenure`]. A proposal's time of sending is taken
//! before it is handed on. An opening waits until the last connection to a device is closed: it ends the session before it, and
//! grants devices anew.

use super::tenure::Tenure;
use crate::clock;
use labkeeper_machine::Command;
use labkeeper_machine::reply::Reply;
use labkeeper_model::{ErrorCode, LeaseTerms, NodeId, SessionId};
use labkeeper_ownership::Moment;
use labkeeper_ownership::lease::{Action, Lease};
use labkeeper_raft::Cluster;
use labkeeper_supervision::{ChildError, Context};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// Most answers that wait: one for each renewal under way (six by default) and an opening, with room for a burst after a stall.
const ANSWERS_MAX: usize = 64;
/// How long the end of a session may take at a planned stop: an election and a commit. Without it the session runs out by itself.
const END_MAX: Duration = Duration::from_secs(1);
/// Shortest sleep, so that a clock that stands still or jumps does not make the loop spin.
const SLEEP_MIN: Duration = Duration::from_millis(1);

/// What the session needs from the node.
#[derive(Clone)]
pub struct SessionContext {
    /// The replicated state.
    pub cluster: Cluster,
    /// This node.
    pub me: NodeId,
    /// What the node counts its lease by.
    pub terms: LeaseTerms,
    /// The longest time for which a write that was sent can still take effect.
    pub write_timeout: Duration,
    /// Where the right to drive is shared.
    pub tenure: Tenure,
}

/// What came of a proposal.
enum Answer {
    Opened { sent: Moment, session: SessionId },
    NotOpened { sent: Moment },
    Renewed { seq: u64 },
    Fenced { seq: u64 },
}

/// Runs until it is told to end; then ends the session, for which every connection to a device must be closed.
///
/// # Errors
/// None; a panic is its supervisor's to see.
pub async fn run(context: SessionContext, actor: Context) -> Result<(), ChildError> {
    let (answers, mut queue) = mpsc::channel(ANSWERS_MAX);
    let lease = Lease::new(context.me, context.terms, context.write_timeout, clock::boot());
    let mut applied = context.cluster.applied();
    let mut session = Session { context, lease, answers };
    actor.ready();
    loop {
        actor.progress();
        session.look();
        session.act().await;
        tokio::select! {
            biased;
            () = actor.cancelled() => break,
            Some(answer) = queue.recv() => session.take(answer),
            changed = applied.changed() => if changed.is_err() { break },
            () = sleep(session.pause()) => {}
        }
    }
    session.end().await;
    Ok(())
}

struct Session {
    context: SessionContext,
    lease: Lease,
    answers: mpsc::Sender<Answer>,
}

impl Session {
    /// Takes what this node's replica says about its own newest session.
    fn look(&mut self) {
        let me = self.context.me;
        let newest = self.context.cluster.read(|machine| machine.session(me).map(|session| (session.id, session.alive)));
        if let Some((id, is_alive)) = newest {
            self.lease.handle_view(id, is_alive, clock::boot());
        }
    }

    async fn act(&mut self) {
        loop {
            // An opening counts from this moment on.
            let now = clock::boot();
            let Some(action) = self.lease.handle_timeout(now) else { break };
            // Shared before anything is awaited: a lease that has ended stops writes at once.
            self.context.tenure.set(&self.lease);
            match action {
                Action::Open { after } => self.propose_opening(after, now),
                Action::Renew { session, seq } => self.propose_renewal(session, seq),
                Action::GoSafe => self.context.tenure.call_last(),
                Action::Fence { why } => {
                    tracing::warn!(why, "this node drives no devices: cutting its connections to them");
                    self.context.tenure.idle().await;
                }
            }
        }
        self.context.tenure.set(&self.lease);
    }

    fn take(&mut self, answer: Answer) {
        let now = clock::boot();
        match answer {
            Answer::Opened { sent, session } => {
                self.lease.handle_opened(session, sent, now);
                if self.lease.session() == Some(session) {
                    tracing::info!(session, "opened a session: this node may drive devices");
                }
            }
            Answer::NotOpened { sent } => self.lease.handle_lost_answer(sent, now),
            Answer::Renewed { seq } => self.lease.handle_renewed(seq, now),
            Answer::Fenced { seq } => self.lease.handle_fenced(seq, now),
        }
    }

    fn propose_opening(&self, after: SessionId, sent: Moment) {
        let command = Command::OpenSession { node: self.context.me, after, terms: self.context.terms };
        self.propose(command, move |reply| match reply {
            Ok(Reply::Session(session)) => Some(Answer::Opened { sent, session }),
            Ok(_) => Some(Answer::NotOpened { sent }),
            Err(code) => {
                tracing::debug!(%code, "no session was opened");
                Some(Answer::NotOpened { sent })
            }
        });
    }

    fn propose_renewal(&self, session: SessionId, seq: u64) {
        let command = Command::RenewSession { node: self.context.me, session, seq };
        self.propose(command, move |reply| match reply {
            Ok(_) => Some(Answer::Renewed { seq }),
            Err(ErrorCode::Fenced) => Some(Answer::Fenced { seq }),
            // The next one goes out in any case.
            Err(_) => None,
        });
    }

    /// Proposes in the background: an answer that is late must not keep the next renewal waiting.
    fn propose(&self, command: Command, answer: impl FnOnce(Result<Reply, ErrorCode>) -> Option<Answer> + Send + 'static) {
        let (cluster, answers) = (self.context.cluster.clone(), self.answers.clone());
        // An answer later than the lease helps nobody.
        let deadline = Instant::now() + self.context.terms.lease;
        tokio::spawn(async move {
            let reply = match cluster.propose(command, deadline).await {
                Ok(proposed) => proposed.reply.map_err(|rejection| rejection.code),
                Err(error) => Err(error.code()),
            };
            if let Some(answer) = answer(reply) {
                // The session's task is gone: nobody needs the answer.
                let _ = answers.send(answer).await;
            }
        });
    }

    fn pause(&self) -> Duration {
        let until = self.lease.poll_timeout().map(|(at, _)| at.saturating_since(clock::boot()));
        until.unwrap_or(self.context.terms.renew).max(SLEEP_MIN)
    }

    /// A planned stop: successors need not wait for the lease to run out.
    async fn end(mut self) {
        let session = self.lease.close();
        self.context.tenure.set(&self.lease);
        self.context.tenure.idle().await;
        let Some(session) = session else { return };
        // A frame that left right before its connection was reset may still take effect; the successor begins with this entry.
        sleep(self.context.write_timeout).await;
        let command = Command::EndSession { node: self.context.me, session };
        let ended = timeout(END_MAX, self.context.cluster.propose(command, Instant::now() + END_MAX)).await;
        if matches!(ended, Ok(Ok(_))) {
            tracing::info!(session, "ended the session: others may drive its devices at once");
        } else {
            tracing::warn!(session, "the session could not be ended; it runs out by itself");
        }
    }
}
