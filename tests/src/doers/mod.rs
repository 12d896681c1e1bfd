//! People at work while a day goes wrong, whose deeds must neither be repeated nor be forgotten. Each doer does one kind of deed over and over
//! until the day is done, tells what it was told, and holds that against what the cluster and the devices say afterwards.
//!
//! ```text
//!   actions   run, at most once     against the devices' own record and count, and the faults that there were
//!   batons    take, write, give     against the audit
//!   acks      see, acknowledge      against the alarms' journal
//!   shelves   put aside, take back  against the alarms' journal
//! ```
//! What is held against what is plain data: no check asks a cluster.

pub mod acks;
pub mod actions;
pub mod batons;
pub mod desk;
pub mod journal;
pub mod shelves;

use crate::Client;
use crate::client::lab_code;
use anyhow::bail;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};

/// Longest wait for one node's answer: a command takes milliseconds, so whoever is silent for so long is in trouble.
const ATTEMPT_MAX: Duration = Duration::from_millis(1_000);
/// Pause before the next node is asked, a twentieth of an election.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Longest wait for any answer: two faults of 4 s each, a takeover, and a device's doubt of 10 s, on a busy machine.
const ANSWER_MAX: Duration = Duration::from_secs(45);

/// What a client was told in the end.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// The answer, or the refusal.
    pub said: Result<T, Status>,
    /// Whether an earlier attempt may have been carried out.
    pub in_doubt: bool,
}

impl<T> Answer<T> {
    /// How often what was asked for may have happened, and must have.
    #[must_use]
    pub fn times(&self) -> std::ops::RangeInclusive<usize> {
        match (&self.said, self.in_doubt) {
            (Ok(_), _) => 1..=1,
            (Err(_), true) => 0..=1,
            (Err(_), false) => 0..=0,
        }
    }
}

/// Asks one node after the other until one answers or refuses: as a careful client does, the same each time.
///
/// # Errors
/// When nobody does.
pub async fn ask<T, F>(nodes: &[Client], first: usize, ask: impl Fn(Client) -> F) -> anyhow::Result<Answer<T>>
where
    F: Future<Output = Result<T, Status>>,
{
    let began = Instant::now();
    let mut in_doubt = false;
    for n in first.. {
        match timeout(ATTEMPT_MAX, ask(nodes[n % nodes.len()].clone())).await {
            Ok(Ok(answer)) => return Ok(Answer { said: Ok(answer), in_doubt }),
            Ok(Err(status)) if is_refusal(&status) => return Ok(Answer { said: Err(status), in_doubt }),
            Ok(Err(status)) if began.elapsed() > ANSWER_MAX => bail!("nobody answers: {status}"),
            Err(_) if began.elapsed() > ANSWER_MAX => bail!("nobody answers at all"),
            _ => in_doubt = true,
        }
        sleep(ASK_AGAIN_AFTER).await;
    }
    bail!("so many attempts are never made")
}

/// Whether the site has decided, and would decide so again.
fn is_refusal(status: &Status) -> bool {
    let decided = [Code::InvalidArgument, Code::FailedPrecondition, Code::NotFound, Code::AlreadyExists, Code::PermissionDenied];
    decided.contains(&status.code()) && !lab_code(status).is_empty()
}

/// Pauses; whether the day goes on.
async fn goes_on(done: &mut watch::Receiver<bool>, pause: Duration) -> bool {
    let _ = timeout(pause, done.wait_for(|done| *done)).await;
    !*done.borrow()
}

/// An id under which a deed is done once, however often it is asked for.
fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A mark that nobody else makes.
fn mark(what: &str) -> String {
    format!("{what} {}", uuid::Uuid::now_v7())
}
