//! How long a burst of alarms takes to reach those who look: 10,000 conditions of one device become true at one reading.
//!
//! ```text
//!   register written ─► polled ─► detected at the owner ─► reported, 1,000 an entry ─► applied on each node ─► its subscriber
//! ```
//!
//! Each node has a subscriber. All alarms must reach each of them in the order of the journal, told once. What they take is told beside
//! the floor below which nothing can come, and so is the nodes' memory from round to round.

use crate::{Alarms, machine};
use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::{self, value::Kind};
use labkeeper_tests::alarms::{journal, service};
use labkeeper_tests::client::setpoint;
use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::spread::{ROW_HEAD, Spread};
use labkeeper_tests::{Client, Cluster, Lab, Setup, page};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tonic::Streaming;

/// Tags that look at one register, and alarms of each.
const TAGS: usize = 1_000;
const EACH: usize = 10;
const ALARMS: usize = TAGS * EACH;
const SETPOINT: &str = "cryo/bank-cryo/s00";
/// Longest wait for a burst: a hundred times what one should take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the measurement, prints the report, and writes it where it was asked for.
///
/// # Errors
/// When something does not come up, an alarm is missing, told twice or out of order.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a report, and its progress")]
pub(crate) async fn run(arguments: &Alarms) -> anyhow::Result<()> {
    let dir = tempfile::Builder::new().prefix("labkeeper-bench-").tempdir_in(arguments.disk.canonicalize()?)?;
    let mut cluster = Setup::new(3, lab()?).below(dir.path().to_path_buf()).start().await?;
    until_controlled(&cluster.clients(), SETPOINT, 50, Instant::now()).await?;
    let mut subscribers = Vec::new();
    for client in cluster.clients() {
        subscribers.push(Subscriber::new(client).await?);
    }
    let mut times = Times::default();
    let mut memory = vec![resident(&mut cluster)?];
    for round in 1..=arguments.rounds {
        let last = burst(&cluster, &mut subscribers, &mut times).await?;
        memory.push(resident(&mut cluster)?);
        eprintln!("round {round}: {ALARMS} alarms at the last subscriber after {} ms", last.as_millis());
    }
    let report = report(&times, &memory, arguments, machine::flush_time(dir.path())?);
    println!("{report}");
    if let Some(path) = &arguments.write {
        page::write_section(path, "alarms", &report)?;
    }
    cluster.finish()
}

/// From the moment at which the client knows that the register was written.
#[derive(Default)]
struct Times {
    first: Spread,
    half: Spread,
    all: Spread,
}

/// All become active and are told, then all return; how long the slowest subscriber waited for the last.
async fn burst(cluster: &Cluster, subscribers: &mut [Subscriber], times: &mut Times) -> anyhow::Result<Duration> {
    let began = write(cluster, 200).await?;
    let mut last = Duration::ZERO;
    for subscriber in subscribers.iter_mut() {
        let arrivals = subscriber.until(ALARMS).await?;
        let at = |n: usize| arrivals.get(n).map_or(Duration::ZERO, |(at, _)| at.saturating_duration_since(began));
        [(&mut times.first, 0), (&mut times.half, ALARMS / 2), (&mut times.all, ALARMS - 1)].into_iter().for_each(|(s, n)| s.add(at(n)));
        last = last.max(at(ALARMS - 1));
        let told: Vec<&str> = arrivals.iter().map(|(_, alarm)| alarm.as_str()).collect();
        let entries = journal(&subscriber.client).await?;
        let written: Vec<&str> =
            entries.iter().rev().filter(|entry| entry.transition == "RAISED").map(|entry| entry.alarm.as_str()).collect();
        // The journal keeps as many rows as the burst has, so that any other row costs the oldest one.
        ensure!(written.len() + 100 >= ALARMS, "{} rows of the burst in the journal", written.len());
        ensure!(told.ends_with(&written[written.len().saturating_sub(ALARMS)..]), "not told in the order of the journal");
    }
    write(cluster, 50).await?;
    for subscriber in subscribers.iter_mut() {
        subscriber.until(0).await?;
    }
    Ok(last)
}

/// Sets what all alarms look at; when its being written was known.
async fn write(cluster: &Cluster, value: u64) -> anyhow::Result<Instant> {
    let request = v1::SetSetpointRequest { wait: v1::WaitLevel::Written.into(), ..setpoint(SETPOINT, Kind::Unsigned(value)) };
    let command = cluster.nodes[cluster.leader().await?].client.set(request).await?;
    ensure!(command.state() >= v1::CommandState::Written && command.state() <= v1::CommandState::Verified, "{command:?}");
    Ok(Instant::now())
}

/// Follows the alarms of a node. Its stream is read by a task of its own, so that no subscriber waits for another's check.
struct Subscriber {
    client: Client,
    messages: tokio::sync::mpsc::UnboundedReceiver<(Instant, v1::WatchAlarmsResponse)>,
    active: BTreeSet<String>,
}

impl Subscriber {
    async fn new(client: Client) -> anyhow::Result<Self> {
        let stream = service(&client).watch_alarms(v1::WatchAlarmsRequest::default()).await?.into_inner();
        let (sender, messages) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(pass_on(stream, sender));
        Ok(Self { client, messages, active: BTreeSet::new() })
    }

    /// Waits until so many alarms are active; which became so, in the order in which they were told, and when.
    async fn until(&mut self, wanted: usize) -> anyhow::Result<Vec<(Instant, String)>> {
        let mut arrivals = Vec::with_capacity(ALARMS);
        while self.active.len() != wanted {
            let next = timeout(PATIENCE, self.messages.recv()).await;
            let (at, message) =
                next.with_context(|| format!("{} of {wanted} are active", self.active.len()))?.context("the stream ended")?;
            for alarm in message.alarms.into_iter().filter(|alarm| alarm.alarm.contains("/high-")) {
                if !alarm.active {
                    self.active.remove(&alarm.alarm);
                } else if self.active.insert(alarm.alarm.clone()) {
                    arrivals.push((at, alarm.alarm));
                }
            }
        }
        Ok(arrivals)
    }
}

async fn pass_on(
    mut stream: Streaming<v1::WatchAlarmsResponse>,
    to: tokio::sync::mpsc::UnboundedSender<(Instant, v1::WatchAlarmsResponse)>,
) {
    while let Ok(Some(message)) = stream.message().await {
        if to.send((Instant::now(), message)).is_err() {
            return;
        }
    }
}

/// A device whose one register has a thousand tags, with ten limits each.
fn lab() -> anyhow::Result<Lab> {
    let mut text = String::new();
    for tag in 0..TAGS {
        writeln!(text, "\n[devices.bank-cryo.tags.seen-{tag:03}]\nregister = \"holding:0\"\ntype = \"u32\"\nalarms = [")?;
        for (n, limit) in (100..).take(EACH).enumerate() {
            let keys = "type = \"hi\", deadband = 5.0, priority = \"high\", guidance = \"Lower the setpoint.\"";
            writeln!(text, "  {{ name = \"high-{n}\", limit = {limit}.0, {keys} }},")?;
        }
        text.push_str("]\n");
    }
    Ok(Lab::empty().segment("cryo", "lab-a").bank("cryo", "bank-cryo")?.text(&text))
}

/// Resident memory of the largest node, in MB.
fn resident(cluster: &mut Cluster) -> anyhow::Result<u64> {
    let of = |id: u32| -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a process has memory")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1000)
    };
    let all = cluster.nodes.iter_mut().map(|node| of(node.process()?.id())).collect::<anyhow::Result<Vec<_>>>()?;
    all.into_iter().max().context("a cluster has nodes")
}

fn report(times: &Times, memory: &[u64], arguments: &Alarms, flush: Duration) -> String {
    let mut text = String::from(HEAD);
    let _ = write!(
        text,
        "\n- Machine: {}; its load average at the end was {}.\n- Labkeeper {}, three nodes and the simulated device on this one machine; {} bursts.\n\
         - The floor: half a poll of 100 ms, ten log entries of 1,000 words each at two flushes of {} us, 50 ms in which a subscriber's changes are collected.\n\n",
        machine::describe(),
        machine::load_average(),
        env!("CARGO_PKG_VERSION"),
        arguments.rounds,
        flush.as_micros()
    );
    let _ = writeln!(text, "| milliseconds from the register's being written | {ROW_HEAD}\n|---|--:|--:|--:|--:|--:|");
    for (name, spread) in [("the first alarm", &times.first), ("half of them", &times.half), ("all 10,000", &times.all)] {
        let _ = writeln!(text, "| {name} at a subscriber {}", spread.row());
    }
    let memory: Vec<String> = memory.iter().map(u64::to_string).collect();
    let _ = write!(text, "\nMemory of the largest node in MB, before the first burst and after each: {}.\n", memory.join(", "));
    text
}

const HEAD: &str = "\
## Ten thousand alarms at once

One register is written, and 10,000 alarms that look at it become true at one reading. A subscriber at each node's `WatchAlarms`
gets all of them, each once, in the order of the journal (checked in every burst). Stated: all within five seconds.
`labkeeper-bench alarms`.
";
