//! A process that writes to a log until it is stopped, and what must be in that log afterwards.

use labkeeper_raft::store::disk::Disk;
use labkeeper_raft::store::log::LogStore;
use labkeeper_raft::store::sled::SledDisk;
use labkeeper_raft::store::writer::{Writer, WriterThread};
use labkeeper_raft::types::{EncodedBatch, Entry, LeaderId, LogId, Payload, Types, Vote};
use openraft::storage::{IOFlushed, RaftLogReader as _, RaftLogStorage as _};
use openraft::type_config::TypeConfigExt as _;
use openraft_rt_tokio::TokioRuntime;
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

/// Set in the child: the directory of the log.
const DIR: &str = "LABKEEPER_DURABILITY_DIR";
/// Set in the child to leave the fdatasync out.
const WITHOUT_SYNC: &str = "LABKEEPER_DURABILITY_WITHOUT_SYNC";
/// Appends that wait at a time, so that rounds of several come about.
const IN_FLIGHT: usize = 4;
/// A vote is saved after each so many entries.
const VOTE_EVERY: u64 = 50;

type Log = LogStore<TokioRuntime>;

/// Opens the log in a directory.
pub(crate) fn open(dir: &Path, synced: bool) -> Result<Log, String> {
    let disk = if synced { SledDisk::open(dir) } else { SledDisk::open_without_fdatasync(dir) };
    let disk: Arc<dyn Disk> = Arc::new(disk.map_err(|e| e.to_string())?);
    let writer: Arc<dyn Writer> = Arc::new(WriterThread::start(disk.clone(), |_| {}).map_err(|e| e.to_string())?);
    LogStore::open(disk, writer).map(|(log, _)| log).map_err(|e| e.to_string())
}

/// The entry of an index: its bytes can be told from those of any other.
fn entry(index: u64) -> Entry {
    let size = 100 + usize::try_from(index % 400).expect("small");
    let bytes: Vec<u8> = index.to_be_bytes().into_iter().cycle().take(size).collect();
    Entry { log_id: LogId { leader_id: LeaderId { term: 1, node_id: 1 }, index }, payload: Payload::Normal(EncodedBatch(bytes.into())) }
}

/// The body of the child. Does nothing in a process that is not one.
#[test]
fn child_writes_until_it_is_stopped() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let synced = std::env::var_os(WITHOUT_SYNC).is_none();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(write(Path::new(&dir), synced));
}

async fn write(dir: &Path, synced: bool) {
    let mut log = open(dir, synced).expect("a log");
    let mut next = log.get_log_state().await.expect("a state").last_log_id.map_or(0, |id| id.index + 1);
    let mut waiting = VecDeque::new();
    loop {
        let (sender, done) = Types::<TokioRuntime>::oneshot();
        log.append([entry(next)], IOFlushed::signal(sender)).await.expect("an append");
        waiting.push_back((next, done));
        next += 1;
        if next.is_multiple_of(VOTE_EVERY) {
            log.save_vote(&Vote::new(next, 1)).await.expect("a vote");
            say(&format!("vote {next}"));
        }
        if waiting.len() >= IN_FLIGHT
            && let Some((index, done)) = waiting.pop_front()
        {
            done.await.expect("an answer").expect("durable");
            say(&format!("acknowledged {index}"));
        }
    }
}

/// One line, at once and whole.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("a reader");
}

/// What a child has said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) acknowledged: Option<u64>,
    pub(crate) vote: Option<u64>,
}

/// A running child.
pub(crate) struct WritingChild {
    process: Child,
    output: BufReader<ChildStdout>,
    pub(crate) said: Said,
}

impl WritingChild {
    pub(crate) fn start(dir: &Path, synced: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "child::child_writes_until_it_is_stopped", "--nocapture"]).env(DIR, dir);
        if !synced {
            command.env(WITHOUT_SYNC, "1");
        }
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a child");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        Self { process, output, said: Said::default() }
    }

    /// Listens until this many more entries have been acknowledged.
    pub(crate) fn listen_for(&mut self, more: u64) {
        let until = self.said.acknowledged.map(|index| index + more);
        let mut heard = 0;
        while self.hear() {
            heard += 1;
            match until {
                Some(until) if self.said.acknowledged >= Some(until) => return,
                None if heard >= more => return,
                _ => {}
            }
        }
        panic!("the child ended: {:?}", self.process.wait());
    }

    fn hear(&mut self) -> bool {
        let mut line = String::new();
        // A line that was cut off by the kill was not said.
        if self.output.read_line(&mut line).unwrap_or(0) == 0 || !line.ends_with('\n') {
            return false;
        }
        let number = |word: &str| line.trim().strip_prefix(word).and_then(|n| n.trim().parse::<u64>().ok());
        self.said.acknowledged = number("acknowledged").or(self.said.acknowledged);
        self.said.vote = number("vote").or(self.said.vote);
        true
    }

    /// Freezes the process where it is.
    pub(crate) fn freeze(&self) {
        let pid = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw).expect("its number");
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("it runs");
    }

    /// Kills the process and hears what it had still said.
    pub(crate) fn kill(mut self) -> Said {
        self.process.kill().expect("it runs");
        while self.hear() {}
        self.process.wait().expect("it ran");
        self.said
    }
}

impl Drop for WritingChild {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is missing of what was said.
pub(crate) fn missing(dir: &Path, said: Said) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut log = match open(dir, true) {
            Ok(log) => log,
            Err(error) => return Some(format!("the log does not open: {error}")),
        };
        let last = log.get_log_state().await.expect("a state").last_log_id.map(|id| id.index);
        if last < said.acknowledged {
            return Some(format!("entry {:?} was acknowledged, the last is {last:?}", said.acknowledged));
        }
        let vote = log.read_vote().await.expect("readable").map(|vote| vote.leader_id.term);
        if vote < said.vote {
            return Some(format!("vote {:?} was acknowledged, the last is {vote:?}", said.vote));
        }
        let entries = log.try_get_log_entries(..).await.expect("readable");
        let wrong = entries.iter().zip(0..).find(|(found, index)| **found != entry(*index));
        wrong.map(|(found, index)| format!("entry {index} is {found}"))
    })
}
