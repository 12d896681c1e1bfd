//! What is measured of Rust, in a process of its own: many children that wait for a message, and crash on one.
//!
//! Two programs with the same children: under a supervisor of ours, and bare, each a task that a loop over a `JoinSet` starts
//! again. The bare one is the floor: what supervision could cost at best.
//!
//! Prints lines of a word and numbers, as `erlang/supervision.escript` does: `resident_bytes` of each child, and the nanoseconds
//! of each crash, from right before the panic to the first statement of the restarted child; of crashes out of the blue
//! (`rare_ns`), which find threads asleep and caches cold, and of crashes in a row (`row_ns`).

use super::{ProbeArguments, Program};
use anyhow::Context as _;
use labkeeper_supervision::{ChildError, ChildSpec, Context, Strategy, SupervisorSpec, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Messages that a child's mailbox holds.
const MAILBOX: usize = 8;
/// Between two crashes out of the blue: long enough for the threads to fall asleep.
const RARE: Duration = Duration::from_millis(10);
/// Shares no divisor with round numbers of children, so that crashes are spread over all of them.
const STRIDE: usize = 7_919;

/// Runs one program and prints what was measured.
///
/// # Errors
/// When a child does not start, or /proc is not there.
#[expect(clippy::print_stdout, reason = "its output is what it is for")]
pub(crate) async fn run(arguments: &ProbeArguments) -> anyhow::Result<()> {
    let (started, mut starts) = mpsc::unbounded_channel();
    let hall = Arc::new(Hall::new(arguments.children, started));
    let before = resident_bytes()?;
    match arguments.program {
        Program::Supervised => supervised(&hall)?,
        Program::Bare => drop(tokio::spawn(bare(Arc::clone(&hall)))),
    }
    for _ in 0..arguments.children {
        starts.recv().await.context("a child has not started")?;
    }
    let grown = resident_bytes()?.saturating_sub(before);
    println!("resident_bytes {}", grown / arguments.children.max(1));

    println!("rare_ns {}", crashes(arguments, &hall, &mut starts, RARE).await?);
    println!("row_ns {}", crashes(arguments, &hall, &mut starts, Duration::ZERO).await?);
    Ok(())
}

/// What each of some crashes took.
async fn crashes(
    arguments: &ProbeArguments,
    hall: &Hall,
    starts: &mut mpsc::UnboundedReceiver<u64>,
    apart: Duration,
) -> anyhow::Result<String> {
    let mut times = Vec::with_capacity(arguments.crashes);
    for crash in 0..arguments.crashes {
        if !apart.is_zero() {
            tokio::time::sleep(apart).await;
        }
        let mailbox = hall.mailbox(crash * STRIDE % arguments.children).context("a child has no mailbox")?;
        mailbox.send(1).await.context("a child does not listen")?;
        times.push(starts.recv().await.context("a child was not restarted")?.to_string());
    }
    Ok(times.join(" "))
}

/// Where children are reached, and how they say that they run.
struct Hall {
    mailboxes: Vec<Mutex<Option<mpsc::Sender<u64>>>>,
    epoch: Instant,
    /// When the last crash began, in nanoseconds since the epoch.
    crashed: AtomicU64,
    /// Nanoseconds since the last crash, from each child that begins.
    started: mpsc::UnboundedSender<u64>,
}

impl Hall {
    fn new(children: usize, started: mpsc::UnboundedSender<u64>) -> Self {
        let mailboxes = (0..children).map(|_| Mutex::new(None)).collect();
        Self { mailboxes, epoch: Instant::now(), crashed: AtomicU64::new(0), started }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn mailbox(&self, child: usize) -> Option<mpsc::Sender<u64>> {
        self.mailboxes[child].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A child's first statement.
    fn begin(&self, child: usize) -> mpsc::Receiver<u64> {
        let since_crash = self.now().saturating_sub(self.crashed.load(Ordering::Relaxed));
        let (sender, receiver) = mpsc::channel(MAILBOX);
        *self.mailboxes[child].lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        // Whoever measures has gone: nothing is left to say.
        let _ = self.started.send(since_crash);
        receiver
    }

    /// A child's last statement.
    #[expect(clippy::panic, reason = "it is what is measured")]
    fn crash(&self) -> ! {
        self.crashed.store(self.now(), Ordering::Relaxed);
        panic!("on purpose");
    }
}

fn supervised(hall: &Arc<Hall>) -> anyhow::Result<()> {
    let child = |n: usize| {
        let hall = Arc::clone(hall);
        ChildSpec::worker(format!("bus-{n}"), move |context| supervised_child(n, Arc::clone(&hall), context))
    };
    let children = (0..hall.mailboxes.len()).map(child).collect();
    // No crash is over in less than 10 us, so at most 100 are within a period: it never gives up.
    let spec = SupervisorSpec { strategy: Strategy::OneForOne, intensity: 100, period: Duration::from_millis(1), children };
    let (_, root) = System::new("bench", spec)?;
    tokio::spawn(root.run(CancellationToken::new()));
    Ok(())
}

async fn supervised_child(n: usize, hall: Arc<Hall>, context: Context) -> Result<(), ChildError> {
    let mut mailbox = hall.begin(n);
    context.ready();
    tokio::select! {
        () = context.cancelled() => Ok(()),
        _ = mailbox.recv() => hall.crash(),
    }
}

async fn bare(hall: Arc<Hall>) {
    // The supervisor's hook prints nothing of its children either.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut tasks, mut numbers) = (JoinSet::new(), BTreeMap::new());
    for n in 0..hall.mailboxes.len() {
        numbers.insert(tasks.spawn(bare_child(n, Arc::clone(&hall))).id(), n);
    }
    while let Some(Err(crash)) = tasks.join_next().await {
        let Some(n) = numbers.remove(&crash.id()) else { return };
        numbers.insert(tasks.spawn(bare_child(n, Arc::clone(&hall))).id(), n);
    }
}

async fn bare_child(n: usize, hall: Arc<Hall>) {
    let mut mailbox = hall.begin(n);
    mailbox.recv().await;
    hall.crash()
}

/// Of this process. Unlike the counter in `status`, exact to the page.
fn resident_bytes() -> anyhow::Result<usize> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").context("/proc/self/smaps_rollup")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).context("smaps_rollup has no Rss")?;
    let kib: usize = line.trim().trim_end_matches("kB").trim().parse().context("Rss is no number")?;
    Ok(kib * 1024)
}
