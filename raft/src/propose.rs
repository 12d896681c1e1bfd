//! Proposals on the leader: what waits goes out as one entry.
//!
//! ```text
//!   propose --> queue --> batch (<= 256 commands, <= 256 KiB) --> consensus, 4 entries in flight --> reply to each
//! ```
//!
//! At low load a command is an entry of its own and waits for nothing. Under load the queue fills while entries are in flight, so
//! batches grow by themselves until the disk and the network are used well.

use crate::codec::command::{decode, encode_batch};
use crate::error::ProposeError;
use crate::types::{EncodedBatch, Proposed, Raft, Receiver, WriteResult};
use bytes::Bytes;
use labkeeper_model::Timestamp;
use openraft::errors::ClientWriteError;
use openraft::impls::OneshotResponder;
use openraft_rt_tokio::TokioRuntime;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// Largest command: a declaration of 100,000 tags at 300 bytes each.
pub const COMMAND_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most commands in one entry: applying one takes some microseconds, so an entry holds readers up for a millisecond at most.
const BATCH_COMMANDS_MAX: usize = 256;
/// Most bytes of commands in one entry, unless one command alone is larger: one value on the disk (`layout::PART_BYTES_MAX`), and
/// 20 ms of a 100 Mbit/s network.
const BATCH_BYTES_MAX: usize = 240 * 1024;
/// Most entries in flight: one is being written here, one there, one is on its way and one is being made. More only make smaller batches.
const IN_FLIGHT_MAX: usize = 4;
/// Most commands that wait: at 10,000 a second, what comes in within 400 ms. More would only be told later that they were too late.
const WAITING_MAX: usize = 4_096;
/// Most bytes of commands that wait or are in flight: two of the largest, or 300,000 usual ones.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The way into the log on the leader. Clones share the queue.
#[derive(Clone)]
pub(crate) struct Proposer {
    queue: mpsc::Sender<Proposal>,
    bytes: Arc<Semaphore>,
}

struct Proposal {
    command: Bytes,
    deadline: Instant,
    reply: oneshot::Sender<Result<Proposed, ProposeError>>,
    /// Gives its bytes back when the proposal is done with.
    _bytes: OwnedSemaphorePermit,
}

impl Proposer {
    /// Starts proposing to a core. Must be called within the runtime that the core runs on.
    pub(crate) fn start(raft: Raft) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(run(raft, waiting));
        Self { queue, bytes: Arc::new(Semaphore::new(WAITING_BYTES_MAX)) }
    }

    /// Proposes an encoded command on this node and waits for its outcome.
    pub(crate) async fn propose(&self, command: Bytes, deadline: Instant) -> Result<Proposed, ProposeError> {
        if command.len() > COMMAND_BYTES_MAX {
            return Err(ProposeError::TooLarge { bytes: command.len(), bytes_max: COMMAND_BYTES_MAX });
        }
        // What the log holds must be a command, at least to the version that wrote it.
        decode(&command).map_err(|e| ProposeError::Malformed(e.to_string()))?;
        let bytes = u32::try_from(command.len()).unwrap_or(u32::MAX);
        let bytes = self.bytes.clone().try_acquire_many_owned(bytes).map_err(|_| ProposeError::Overloaded)?;
        let (reply, outcome) = oneshot::channel();
        let proposal = Proposal { command, deadline, reply, _bytes: bytes };
        self.queue.try_send(proposal).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => ProposeError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => ProposeError::Stopped("the proposer has ended".into()),
        })?;
        match timeout_at(deadline, outcome).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ProposeError::Stopped("the proposer has ended".into())),
            Err(_) => Err(ProposeError::TimedOut { in_doubt: true }),
        }
    }
}

async fn run(raft: Raft, mut waiting: mpsc::Receiver<Proposal>) {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let mut left_over = None;
    loop {
        let first = match left_over.take() {
            Some(first) => first,
            None => match waiting.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        // While this waits for an entry to end, the queue fills: that is what makes batches.
        let Ok(permit) = in_flight.clone().acquire_owned().await else { return };
        let batch = gather(first, &mut waiting, &mut left_over);
        if batch.is_empty() {
            continue;
        }
        let commands = batch.iter().map(|proposal| proposal.command.clone()).collect();
        let entry = EncodedBatch(encode_batch(now(), commands));
        let (responder, outcome) = OneshotResponder::new_pair();
        match raft.client_write_ff(entry, Some(responder)).await {
            Ok(()) => {
                tokio::spawn(finish(batch, outcome, permit));
            }
            Err(fatal) => answer_all(batch, &ProposeError::Stopped(fatal.to_string())),
        }
    }
}

/// Takes what fits into one entry. What is too late already is answered: it was never proposed.
fn gather(first: Proposal, waiting: &mut mpsc::Receiver<Proposal>, left_over: &mut Option<Proposal>) -> Vec<Proposal> {
    let mut batch = vec![];
    let mut bytes = 0;
    let mut next = Some(first);
    let now = Instant::now();
    while let Some(proposal) = next {
        if proposal.deadline <= now {
            // A receiver that has gone knows that it was too late.
            let _ = proposal.reply.send(Err(ProposeError::TimedOut { in_doubt: false }));
        } else if !batch.is_empty() && bytes + proposal.command.len() > BATCH_BYTES_MAX {
            *left_over = Some(proposal);
            break;
        } else {
            bytes += proposal.command.len();
            batch.push(proposal);
        }
        next = if batch.len() < BATCH_COMMANDS_MAX { waiting.try_recv().ok() } else { None };
    }
    batch
}

async fn finish(batch: Vec<Proposal>, outcome: Receiver<TokioRuntime, WriteResult<TokioRuntime>>, permit: OwnedSemaphorePermit) {
    let outcome = outcome.await;
    drop(permit);
    let written = match outcome {
        Ok(Ok(written)) => written,
        Ok(Err(error)) => return answer_all(batch, &refused(&error)),
        Err(_) => return answer_all(batch, &ProposeError::TimedOut { in_doubt: true }),
    };
    let log_index = written.log_id.index;
    let mut replies = written.data.0.into_iter();
    for proposal in batch {
        let answer = replies.next().map(|reply| Proposed { reply, log_index });
        let answer = answer.ok_or_else(|| ProposeError::Malformed("the entry could not be decoded".into()));
        // Whoever does not wait any more has been told that the outcome is in doubt.
        let _ = proposal.reply.send(answer);
    }
}

fn answer_all(batch: Vec<Proposal>, error: &ProposeError) {
    for proposal in batch {
        // As above.
        let _ = proposal.reply.send(Err(error.clone()));
    }
}

/// What a refusal by the core means: turned away at the door, or in doubt since a new leader removed the entry from this log.
fn refused(error: &ClientWriteError<crate::types::TypeConfig>) -> ProposeError {
    match error {
        ClientWriteError::ForwardToLeader(to) => ProposeError::NoLeader { leader: to.leader_id },
        _ => ProposeError::TimedOut { in_doubt: true },
    }
}

/// The leader's clock, which stamps its entries.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
