//! The one writer of the log: all changes pass through it in one order, and what came in while the disk was busy goes out
//! together (group commit).
//!
//! ```text
//!   waiting:   [append 7] [append 8] [vote]        lazy: [committed]       later: [remove 1] [remove 2] ...
//!                    \        |        /              |                       |  at most 512 to a round
//!   round:            one atomic batch: append 7, append 8, vote, committed, remove 1, remove 2
//!                             |  commit: durable when it returns
//!   told:       append 7, append 8, vote
//! ```
//!
//! After the first error nothing is written any more, and everybody is told so. Knows nothing of keys.

use crate::store::disk::{Disk, Op};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

/// Called once, with whether the operations are durable.
pub type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

/// When operations are to be written.
pub enum When {
    /// At once; somebody waits.
    Now(Done),
    /// With the next round that somebody waits for; losing them in a crash is harmless.
    Lazily,
    /// A few with each round, and on their own when nothing else waits. Their order against other operations must not matter.
    Later,
}

/// Operations for the writer.
pub struct Submission {
    /// What to do.
    pub ops: Vec<Op>,
    /// When.
    pub when: When,
}

/// Takes submissions and writes them in their order. The real one has a thread; the simulation's has a virtual clock.
pub trait Writer: Send + Sync + 'static {
    /// Hands operations over.
    fn submit(&self, submission: Submission);
}

/// Most operations that are put off to a round: 512 removals take about 2 ms, so an append that comes in the middle of a
/// purge of thousands of entries waits that much longer at most.
const LATER_OPS_MAX: usize = 512;
/// A round is closed once it has this many bytes, so that a burst of large entries does not become one huge batch: 4 MiB are
/// some 10 ms of a slow disk's 400 MB/s.
const ROUND_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most submissions that wait. openraft has at most one vote, one truncation and one purge under way, 64 pipelined requests as
/// a follower, and as a leader the proposer's entries in flight plus a change of membership: fewer than 100. Ten times that
/// never blocks the consensus core.
const WAITING_MAX: usize = 1_024;

/// Gathers submissions into rounds. Shared by the real writer and the simulated one.
#[derive(Default)]
pub struct Rounds {
    lazy: Vec<Op>,
    later: VecDeque<Op>,
}

/// One round: what to commit, and whom to tell.
pub struct Round {
    /// Operations of one atomic batch.
    pub ops: Vec<Op>,
    /// Whom to tell afterwards.
    pub dones: Vec<Done>,
}

impl Rounds {
    /// Builds a round from `next`, which gives the waiting submissions one by one. `None` if there is nothing to do now.
    pub fn gather(&mut self, mut next: impl FnMut() -> Option<Submission>) -> Option<Round> {
        let mut round = Round { ops: vec![], dones: vec![] };
        let mut bytes = 0;
        while bytes < ROUND_BYTES_MAX {
            let Some(submission) = next() else { break };
            match submission.when {
                When::Now(done) => {
                    bytes += submission.ops.iter().map(Op::bytes).sum::<usize>();
                    // Lazy operations keep their place: they go before whatever was submitted after them.
                    round.ops.append(&mut self.lazy);
                    round.ops.extend(submission.ops);
                    round.dones.push(done);
                }
                When::Lazily => self.lazy.extend(submission.ops),
                When::Later => self.later.extend(submission.ops),
            }
        }
        if self.lazy.len() > LATER_OPS_MAX {
            // Nobody has waited for anything in a long time; a follower's mark of commits must not pile up.
            round.ops.append(&mut self.lazy);
        }
        let some = self.later.len().min(LATER_OPS_MAX);
        round.ops.extend(self.later.drain(..some));
        (!round.ops.is_empty() || !round.dones.is_empty()).then_some(round)
    }

    /// Whether operations that were put off remain.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.later.is_empty()
    }
}

/// The real writer: one thread over a [`Disk`].
pub struct WriterThread {
    queue: Mutex<Option<SyncSender<Submission>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl WriterThread {
    /// Starts the thread. `failed` is called with the disk's first error.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn start(disk: Arc<dyn Disk>, failed: impl FnOnce(&io::Error) + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("raft-log".into()).spawn(move || run(&*disk, &receiver, failed))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Writes what waits and ends the thread; later submissions fail.
    pub fn stop(&self) {
        drop(self.queue.lock().take());
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // A panic of the thread has been reported to whoever waited.
            let _ = thread.join();
        }
    }
}

impl Writer for WriterThread {
    fn submit(&self, submission: Submission) {
        let queue = self.queue.lock().clone();
        let refused = match queue {
            Some(queue) => queue.send(submission).err().map(|e| e.0),
            None => Some(submission),
        };
        if let Some(Submission { when: When::Now(done), .. }) = refused {
            done(Err(io::Error::other("the log is closed")));
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(disk: &dyn Disk, receiver: &Receiver<Submission>, failed: impl FnOnce(&io::Error)) {
    let mut rounds = Rounds::default();
    let mut failed = Some(failed);
    let mut broken: Option<io::Error> = None;
    loop {
        // Waits only when nothing that was put off remains.
        let mut first = if rounds.has_more() { try_take(receiver) } else { receiver.recv().ok().map(Some) };
        let closed = first.is_none();
        let round = rounds.gather(|| first.take().flatten().or_else(|| receiver.try_recv().ok()));
        if let Some(round) = round {
            let result = broken.as_ref().map_or_else(|| disk.commit(round.ops), |e| Err(copy(e)));
            if let Err(error) = &result {
                if let Some(failed) = failed.take() {
                    failed(error);
                }
                broken.get_or_insert_with(|| copy(error));
            }
            for done in round.dones {
                done(result.as_ref().copied().map_err(copy));
            }
        } else if closed {
            return;
        }
    }
}

/// What waits, if anything does; `None` once nobody can submit any more.
fn try_take(receiver: &Receiver<Submission>) -> Option<Option<Submission>> {
    match receiver.try_recv() {
        Ok(submission) => Some(Some(submission)),
        Err(TryRecvError::Empty) => Some(None),
        Err(TryRecvError::Disconnected) => None,
    }
}

/// Errors of the operating system cannot be cloned; kind and words can.
fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
