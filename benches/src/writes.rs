//! How long one write takes until it stands in a device's register, beside EPICS and beside a script that talks Modbus itself.
//!
//! ```text
//!   pymodbus ─► device                                          a script on somebody's desk: nothing else knows of it
//!   p4p ─► softIOC (memory)                                     an EPICS put with completion
//!   p4p ─► softIOC ─► device                                    the same, whose record writes the register before it completes
//!   gRPC ─► Labkeeper: log on a majority ─► owner ─► device     a setpoint: to `committed`, to the register, and to `written`
//! ```
//!
//! All of them write to the same simulated device, one after the other, each waiting for its answer. Only Labkeeper's write is
//! replicated, limited, audited and survives the process that took it; so what the commit costs is told apart. When the register
//! changed is what the device's own log of writes says, by this machine's one clock; that it is `written` is known to the client
//! only after the owner's report is committed too.

use crate::{Writes, machine};
use anyhow::{Context as _, ensure};
use labkeeper_proto::v1;
use labkeeper_proto::v1::value::Kind;
use labkeeper_proto::v1::{CommandState, WaitLevel};
use labkeeper_tests::client::setpoint;
use labkeeper_tests::plant::Write;
use labkeeper_tests::ports::Port;
use labkeeper_tests::repo::root;
use labkeeper_tests::spread::Spread;
use labkeeper_tests::{Client, Cluster, Lab, Setup, page};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Where each of them writes, so that none waits for another's lock on a tag.
const TAG: &str = "cryo/bank-cryo/s";

/// Who writes, in the order of the report.
const CONTESTANTS: [(&str, Contestant); 9] = [
    ("pymodbus, a bare write", Contestant::Modbus),
    ("EPICS: p4p put to a softIOC, kept in memory", Contestant::Epics("LAB:MEM")),
    ("EPICS: the same, the record writes the register", Contestant::Epics("LAB:REG")),
    ("Labkeeper, the owner leads: committed", Contestant::Labkeeper(Through::Owner, Until::Committed)),
    ("Labkeeper, the owner leads: the register has changed", Contestant::Labkeeper(Through::Owner, Until::Register)),
    ("Labkeeper, the owner leads: known to be written", Contestant::Labkeeper(Through::Owner, Until::Written)),
    ("Labkeeper, through another node: committed", Contestant::Labkeeper(Through::Other, Until::Committed)),
    ("Labkeeper, through another node: the register has changed", Contestant::Labkeeper(Through::Other, Until::Register)),
    ("Labkeeper, through another node: known to be written", Contestant::Labkeeper(Through::Other, Until::Written)),
];

#[derive(Clone, Copy)]
enum Contestant {
    Modbus,
    Epics(&'static str),
    Labkeeper(Through, Until),
}

#[derive(Clone, Copy)]
enum Through {
    Owner,
    Other,
}

/// What ends a write's time.
#[derive(Clone, Copy, PartialEq)]
enum Until {
    /// The client has the answer that it is committed.
    Committed,
    /// The device has it.
    Register,
    /// The client has the answer that the device has it.
    Written,
}

/// Runs the comparison, prints the report, and writes it where it was asked for.
///
/// # Errors
/// When something does not come up, or a write fails.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a report, and its progress")]
pub(crate) async fn run(arguments: &Writes) -> anyhow::Result<()> {
    let dir = tempfile::Builder::new().prefix("labkeeper-bench-").tempdir_in(arguments.disk.canonicalize()?)?;
    let lab = Lab::empty().segment("cryo", "lab-a").bank("cryo", "bank-cryo")?;
    let device = lab.devices().first().context("a device")?.port();
    let cluster = Setup::new(3, lab).below(dir.path().to_path_buf()).start().await?;
    let rivals = Rivals::start(device).await?;
    let mut results: BTreeMap<usize, Spread> = BTreeMap::new();
    for round in 1..=arguments.rounds {
        for (at, (name, contestant)) in CONTESTANTS.iter().enumerate() {
            let times = match contestant {
                Contestant::Modbus => rivals.python("modbus_write.py", &device.to_string(), arguments.writes).await?,
                Contestant::Epics(pv) => rivals.python("put.py", pv, arguments.writes).await?,
                Contestant::Labkeeper(through, until) => ours(&cluster, *through, *until, arguments.writes).await?,
            };
            let mut spread = Spread::default();
            times.iter().for_each(|time| spread.add(*time));
            eprintln!("round {round}: {name}: median {} us", spread.quantile(0.5).as_micros());
            times.into_iter().for_each(|time| results.entry(at).or_default().add(time));
        }
    }
    let report = report(&results, arguments);
    println!("{report}");
    if let Some(path) = &arguments.write {
        page::write_section(path, "writes", &report)?;
    }
    cluster.finish()
}

/// Setpoints one after the other; each to another tag than the one before, whose reading back may still be under way.
async fn ours(cluster: &Cluster, through: Through, until: Until, count: usize) -> anyhow::Result<Vec<Duration>> {
    let leader = cluster.leader().await?;
    let owner = cluster.owner("cryo").await?;
    let node = match through {
        Through::Owner => owner,
        Through::Other => (0..cluster.nodes.len()).find(|node| *node != leader && *node != owner).context("three nodes")?,
    };
    let client: &Client = &cluster.nodes[node].client;
    let (wait, wanted) = match until {
        Until::Committed => (WaitLevel::Committed, CommandState::Committed),
        Until::Register | Until::Written => (WaitLevel::Written, CommandState::Written),
    };
    let (mut times, mut begins) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for n in 0..count {
        let request = v1::SetSetpointRequest { wait: wait.into(), ..setpoint(&format!("{TAG}{:02}", tag_of(n)), Kind::Unsigned(n as u64)) };
        begins.push(SystemTime::now().duration_since(UNIX_EPOCH)?);
        let began = Instant::now();
        let command = client.set(request).await?;
        times.push(began.elapsed());
        ensure!(command.state() >= wanted && command.state() <= CommandState::Verified, "{command:?}");
    }
    if until == Until::Register { arrivals(cluster, &begins).await } else { Ok(times) }
}

const fn tag_of(n: usize) -> usize {
    4 + n % 8
}

/// How long after its beginning each of these writes reached its register, by the device's log.
async fn arrivals(cluster: &Cluster, begins: &[Duration]) -> anyhow::Result<Vec<Duration>> {
    let writes = cluster.plant.recorded()?;
    let first = begins.first().copied().unwrap_or_default();
    let times = |write: &Write| Duration::from_nanos(u64::try_from(write.time_unix_ns).unwrap_or_default());
    let mut writes = writes.iter().filter(|write| times(write) >= first);
    let mut arrivals = Vec::with_capacity(begins.len());
    for (n, began) in begins.iter().enumerate() {
        // Registers of a setpoint: two words, the upper one first.
        let is_of = |write: &&Write| usize::from(write.address) == 2 * tag_of(n) && write.values.last().copied() == u16::try_from(n).ok();
        let write = writes.by_ref().find(is_of).with_context(|| format!("write {n} is not in the device's log"))?;
        arrivals.push(times(write).saturating_sub(*began));
    }
    Ok(arrivals)
}

/// The others' programs, and where they find each other: on loopback, on ports of their own.
struct Rivals {
    python: PathBuf,
    scripts: PathBuf,
    environment: Vec<(&'static str, String)>,
    // Killed when dropped.
    _ioc: Child,
}

impl Rivals {
    async fn start(device: u16) -> anyhow::Result<Self> {
        let python = root().join("benches/.venv/bin/python");
        ensure!(python.exists(), "{} is missing: run scripts/setup-epics.sh", python.display());
        // A reservation is a UDP socket, and EPICS needs UDP: only the numbers are taken.
        let ports: Vec<u16> = Port::reserve_row(4)?.iter().map(|port| port.address().port()).collect();
        let port = |n: usize| ports[n].to_string();
        let here = || "127.0.0.1".to_owned();
        let environment = vec![
            ("EPICS_PVA_SERVER_PORT", port(0)),
            ("EPICS_PVA_BROADCAST_PORT", port(1)),
            ("EPICS_PVA_ADDR_LIST", here()),
            ("EPICS_PVA_AUTO_ADDR_LIST", "NO".to_owned()),
            ("EPICS_PVAS_INTF_ADDR_LIST", here()),
            ("EPICS_CA_SERVER_PORT", port(2)),
            ("EPICS_CAS_SERVER_PORT", port(2)),
            ("EPICS_CA_REPEATER_PORT", port(3)),
            ("EPICS_CA_ADDR_LIST", here()),
            ("EPICS_CA_AUTO_ADDR_LIST", "NO".to_owned()),
            ("EPICS_CAS_INTF_ADDR_LIST", here()),
        ];
        let scripts = root().join("benches/python");
        let mut ioc = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(&python)
            .arg(scripts.join("ioc.py"))
            .arg(device.to_string())
            .envs(environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(ioc.stdout.take().context("a piped stdout")?).lines();
        while lines.next_line().await?.context("the softIOC has ended")? != "ready" {}
        Ok(Self { python, scripts, environment, _ioc: ioc })
    }

    /// Runs a script that prints how long each of its writes took.
    async fn python(&self, script: &str, target: &str, count: usize) -> anyhow::Result<Vec<Duration>> {
        let mut command = Command::new(&self.python);
        command.arg(self.scripts.join(script)).arg(target).arg(count.to_string()).kill_on_drop(true);
        let output = command.envs(self.environment.iter().map(|(key, value)| (key, value))).output().await?;
        ensure!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout)?;
        let line = text.lines().last().context("no figures")?.trim_matches(['[', ']']);
        line.split(',').map(|ns| Ok(Duration::from_nanos(ns.trim().parse()?))).collect()
    }
}

fn report(results: &BTreeMap<usize, Spread>, arguments: &Writes) -> String {
    let mut text = String::from(HEAD);
    let _ = write!(
        text,
        "\n- Machine: {}.\n- Labkeeper {}, p4p 4.3.0, softIOC 4.7.2 (EPICS 7.0.10), pymodbus 3.11.4; {} rounds of {} writes each, in turns.\n\n",
        machine::describe(),
        env!("CARGO_PKG_VERSION"),
        arguments.rounds,
        arguments.writes
    );
    let _ = writeln!(text, "| microseconds | p50 | p99 |\n|---|--:|--:|");
    let us = |at: usize, share: f64| results.get(&at).map_or(0, |spread| spread.quantile(share).as_micros());
    for (at, (name, _)) in CONTESTANTS.iter().enumerate() {
        let _ = writeln!(text, "| {name} | {} | {} |", us(at, 0.5), us(at, 0.99));
    }
    let beyond = |committed: usize, written: usize| {
        let (committed, written) = (us(committed, 0.5), us(written, 0.5));
        let when = if written < committed { "before" } else { "after" };
        format!("{} us {when} it", written.abs_diff(committed))
    };
    let _ = write!(
        text,
        "\nThe commit and its answer, as the client sees them, bound the commit from above. The register has changed {} where the owner\n\
         leads, {} through another node (medians): the owner writes while the answer is on its way.\n",
        beyond(3, 4),
        beyond(6, 7)
    );
    text
}

const HEAD: &str = "\
## One write, until it stands in a register, beside EPICS

One client writes again and again, each time waiting for the answer, to one simulated Modbus device on this machine. The bare
script and the softIOC keep nothing when they die; Labkeeper's setpoint is on the disks of a majority before the owner begins,
and each of its steps is reported through the log. `labkeeper-bench writes`.
";
