//! The log as openraft sees it: votes and entries over the one writer.
//!
//! `append` returns at once: the entries are readable, in the window; openraft is told when they are durable. `save_vote`,
//! `truncate_after` and `purge` return when they are durable. The mark of what is committed travels with the next write: losing
//! it costs a replay, as the cluster tells it again.
//!
//! Purging sets the mark first and removes entries afterwards, a few at a time, so that a purge of thousands does not hold up
//! the next append. A crash in between leaves entries below the mark, which the next start removes.

use crate::codec::log::{encode_entry, encode_log_id, encode_vote};
use crate::store::disk::{Disk, Op};
use crate::store::layout::{self, COMMITTED, Damage, ENTRY_BYTES_MAX, PURGED, VOTE, entry_key};
use crate::store::recover::{self, RecoverError, Recovered};
use crate::store::window::{Window, weight};
use crate::store::writer::{Submission, When, Writer};
use crate::types::{Entry, LogId, Types, Vote};
use futures::Stream;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use openraft_rt::AsyncRuntime;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// About how many bytes of entries are read at a time, for a follower or for the state machine. 1 MiB is 10 ms of a Gbit/s
/// network, and far below the largest message (`network::MESSAGE_BYTES_MAX`); a single larger entry is read alone.
const READ_BYTES_MAX: usize = 1024 * 1024;
/// Entries looked up on the disk at a time; bounds what is read only to be dropped because it does not fit.
const READ_ENTRIES_MAX: u64 = 64;

/// The log of one node. Clones share it.
pub struct LogStore<Rt> {
    disk: Arc<dyn Disk>,
    writer: Arc<dyn Writer>,
    state: Arc<Mutex<State>>,
    _runtime: PhantomData<fn() -> Rt>,
}

#[derive(Default)]
struct State {
    window: Window,
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    last: Option<LogId>,
    /// Index of the first entry that is not purged.
    first: u64,
    /// The parts of entries that have more than one, so that removing them needs no look at the disk.
    parts: BTreeMap<u64, u16>,
}

impl<Rt> Clone for LogStore<Rt> {
    fn clone(&self) -> Self {
        Self { disk: self.disk.clone(), writer: self.writer.clone(), state: self.state.clone(), _runtime: PhantomData }
    }
}

impl<Rt> LogStore<Rt> {
    /// Takes up the log that is on the disk. Also gives the name of the snapshot that counts.
    ///
    /// # Errors
    /// The disk's, or what is damaged.
    pub fn open(disk: Arc<dyn Disk>, writer: Arc<dyn Writer>) -> Result<(Self, Option<String>), RecoverError> {
        let Recovered { vote, committed, purged, snapshot, last, first, parts, leftovers } = recover::recover(&*disk)?;
        if !leftovers.is_empty() {
            writer.submit(Submission { ops: leftovers.into_iter().map(Op::Remove).collect(), when: When::Later });
        }
        let state = State { window: Window::default(), vote, committed, purged, last, first, parts };
        Ok((Self { disk, writer, state: Arc::new(Mutex::new(state)), _runtime: PhantomData }, snapshot))
    }

    /// Writes and waits until it is durable.
    async fn write(&self, ops: Vec<Op>) -> io::Result<()> {
        write(&*self.writer, ops).await
    }

    /// Entries of `[from, to)` from the start, about [`READ_BYTES_MAX`] of them; none only if the log has none of them.
    fn read(&self, from: u64, to: u64) -> io::Result<Vec<Entry>> {
        let mut missing = None;
        loop {
            let (from, to) = {
                let state = self.state.lock();
                let end = state.last.map_or(0, |id| id.index.saturating_add(1));
                let (from, to) = (from.max(state.first), to.min(end));
                let in_memory_from = state.window.first().unwrap_or(end);
                if from >= to {
                    return Ok(vec![]);
                }
                if from >= in_memory_from {
                    return Ok(take_some(state.window.range(from..to).cloned()));
                }
                (from, to.min(in_memory_from).min(from.saturating_add(READ_ENTRIES_MAX)))
            };
            let pairs = self.disk.range(&entry_key(from, 0), &entry_key(to, 0))?;
            let entries = recover::entries(pairs).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
            let next = (from..).zip(entries.into_iter().map(|(entry, _)| entry)).take_while(|(i, entry)| *i == entry.log_id.index);
            let some = take_some(next.map(|(_, entry)| entry));
            if !some.is_empty() {
                return Ok(some);
            }
            // A purge or a truncation came between the look at the state and the look at the disk: look again, once.
            if missing.replace(from) == Some(from) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, Damage::Hole(from)));
            }
        }
    }
}

/// Writes and waits until it is durable.
pub(crate) async fn write(writer: &dyn Writer, ops: Vec<Op>) -> io::Result<()> {
    let (sender, receiver) = futures::channel::oneshot::channel();
    let done = Box::new(move |result| drop(sender.send(result)));
    writer.submit(Submission { ops, when: When::Now(done) });
    receiver.await.unwrap_or_else(|_| Err(io::Error::other("the log's writer has ended")))
}

fn take_some(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut bytes = 0;
    let mut taken = vec![];
    for entry in entries {
        bytes += weight(&entry);
        if bytes > READ_BYTES_MAX && !taken.is_empty() {
            break;
        }
        taken.push(entry);
    }
    taken
}

/// A range of indexes as `[from, to)`.
fn half_open(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(i) => *i,
        Bound::Excluded(i) => i.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(i) => i.saturating_add(1),
        Bound::Excluded(i) => *i,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}

impl<Rt: AsyncRuntime> RaftLogReader<Types<Rt>> for LogStore<Rt> {
    async fn try_get_log_entries<R>(&mut self, range: R) -> Result<Vec<Entry>, io::Error>
    where
        R: RangeBounds<u64> + Clone + Debug + Send,
    {
        let (mut from, to) = half_open(&range);
        let mut all = vec![];
        loop {
            let some = self.read(from, to)?;
            let Some(last) = some.last() else { return Ok(all) };
            from = last.log_id.index.saturating_add(1);
            all.extend(some);
        }
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, io::Error> {
        self.read(start, end)
    }

    async fn entries_stream<R>(&mut self, range: R) -> impl Stream<Item = Result<Entry, io::Error>> + Send
    where
        R: RangeBounds<u64> + Clone + Debug + Send,
    {
        // Read bit by bit: a node that starts applies everything since its last snapshot, which need not fit into memory.
        let (from, to) = half_open(&range);
        let chunks = futures::stream::try_unfold((self.clone(), from), move |(log, from)| async move {
            let some = log.read(from, to)?;
            let next = some.last().map(|entry| entry.log_id.index.saturating_add(1));
            Ok::<_, io::Error>(next.map(|next| (futures::stream::iter(some.into_iter().map(Ok)), (log, next))))
        });
        Box::pin(futures::TryStreamExt::try_flatten(chunks))
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.state.lock().vote)
    }
}

impl<Rt: AsyncRuntime> RaftLogStorage<Types<Rt>> for LogStore<Rt> {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types<Rt>>, io::Error> {
        let state = self.state.lock();
        Ok(LogState { last_purged_log_id: state.purged, last_log_id: state.last.or(state.purged) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        self.state.lock().vote = Some(*vote);
        self.write(vec![layout::put_mark(VOTE, &encode_vote(vote))]).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        self.state.lock().committed = committed;
        if let Some(committed) = committed {
            let ops = vec![layout::put_mark(COMMITTED, &encode_log_id(&committed))];
            self.writer.submit(Submission { ops, when: When::Lazily });
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.state.lock().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types<Rt>>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + Send,
        I::IntoIter: Send,
    {
        let mut ops = vec![];
        let write = {
            let mut state = self.state.lock();
            let write = state.window.next_write();
            for entry in entries {
                let (index, bytes) = (entry.log_id.index, encode_entry(&entry));
                if bytes.len() > ENTRY_BYTES_MAX {
                    return Err(io::Error::other(format!("entry {index} of {} bytes is too large", bytes.len())));
                }
                ops.extend(layout::put_entry(index, &bytes));
                let parts = layout::parts_of(bytes.len());
                if parts > 1 {
                    state.parts.insert(index, parts);
                }
                if state.last.is_none() {
                    // An empty log begins wherever its first entry is.
                    state.first = state.first.max(index);
                }
                state.last = Some(entry.log_id);
                state.window.insert(write, entry);
            }
            write
        };
        let state = self.state.clone();
        let done = Box::new(move |result: io::Result<()>| {
            if result.is_ok() {
                state.lock().window.made_durable(write);
            }
            callback.io_completed(result);
        });
        self.writer.submit(Submission { ops, when: When::Now(done) });
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        let from = last.map_or(0, |id| id.index.saturating_add(1));
        let ops = {
            let mut state = self.state.lock();
            let end = state.last.map_or(0, |id| id.index.saturating_add(1));
            let ops = remove(&mut state, from, end);
            state.window.truncate(from);
            if from < end {
                state.last = last.filter(|id| id.index >= state.first);
            }
            ops
        };
        self.write(ops).await
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), io::Error> {
        let removals = {
            let mut state = self.state.lock();
            let end = log_id.index.saturating_add(1);
            let (first, stop) = (state.first, state.last.map_or(0, |id| id.index.saturating_add(1)).min(end));
            let removals = remove(&mut state, first, stop);
            state.window.purge(log_id.index);
            state.first = state.first.max(end);
            state.purged = state.purged.max(Some(log_id));
            state.last = state.last.filter(|last| last.index >= end);
            removals
        };
        self.write(vec![layout::put_mark(PURGED, &encode_log_id(&log_id))]).await?;
        self.writer.submit(Submission { ops: removals, when: When::Later });
        Ok(())
    }
}

/// The operations that remove `[from, to)`, highest first, so that no order of theirs leaves a hole.
fn remove(state: &mut State, from: u64, to: u64) -> Vec<Op> {
    let mut ops = vec![];
    for index in (from.max(state.first)..to).rev() {
        let parts = state.parts.remove(&index).unwrap_or(1);
        ops.extend(layout::remove_entry(index, parts));
    }
    ops
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
