//! `labkeeper demo`: a lab and a cluster from one command, and nothing left of them when it ends, however it ends.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1;
use labkeeper_proto::v1::value::Kind;
use labkeeper_tests::client::{quality, setpoint, value};
use labkeeper_tests::ports::Port;
use labkeeper_tests::process::Process;
use labkeeper_tests::{Client, cli, wait};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Three nodes, a plant and an election: ten times what it takes on an idle machine.
const UP_MAX: Duration = Duration::from_secs(40);
/// gRPC from the base on, HTTP from 80 above it, devices from 100 above it.
const PORTS: u16 = 120;
const SETPOINT: &str = "cryo/chiller-1/temperature_setpoint";

struct Demo {
    base: TempDir,
    ports: Vec<Port>,
    process: Option<Process>,
}

impl Demo {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { base: TempDir::with_prefix("labkeeper-demo-")?, ports: Port::reserve_row(PORTS)?, process: None })
    }

    fn dir(&self) -> PathBuf {
        self.base.path().join("demo")
    }

    fn base_port(&self) -> String {
        self.ports[0].address().port().to_string()
    }

    fn client(&self) -> anyhow::Result<Client> {
        Client::new(self.ports[0].address(), self.ports[80].address())
    }

    /// Starts it and waits until every value of every device is good.
    async fn start(&mut self, more: &[&str]) -> anyhow::Result<Client> {
        let (dir, port) = (self.dir().display().to_string(), self.base_port());
        let args = [&["demo", "--dir", &dir, "--base-port", &port], more].concat();
        let mut process = Process::labkeeper("demo", &args, &self.base.path().join("demo.log"))?;
        let client = self.client()?;
        let live = wait::until("the demo to be live", UP_MAX, || is_live(&client)).await;
        process.must_run()?;
        live.with_context(|| process.log_tail(40))?;
        self.process = Some(process);
        Ok(client)
    }

    async fn end(&mut self, signal: Signal) -> anyhow::Result<()> {
        let mut process = self.process.take().context("it runs")?;
        process.signal(signal)?;
        process.end(wait::SOON).await?;
        let dir = self.dir();
        wait::until("all its processes to be gone", wait::SOON, || async {
            let left = processes_of(&dir)?;
            ensure!(left.is_empty(), "{left:#?}");
            Ok(())
        })
        .await?;
        process.must_not_have_panicked()
    }
}

async fn is_live(client: &Client) -> anyhow::Result<()> {
    let status = client.status().await?;
    ensure!(status.nodes.len() == 3 && !status.leader.is_empty(), "{status:?}");
    let readings = client.readings("**").await?;
    ensure!(readings.len() > 20, "{} tags", readings.len());
    for reading in readings {
        ensure!(quality(&reading) == v1::Quality::Good, "{} is {:?}", reading.tag, quality(&reading));
    }
    Ok(())
}

/// The command lines of running processes that name `dir`.
fn processes_of(dir: &Path) -> anyhow::Result<Vec<String>> {
    let name = dir.display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")?.filter_map(Result::ok) {
        // Not a process, or one that has just ended.
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&name) {
            found.push(line);
        }
    }
    Ok(found)
}

#[tokio::test]
async fn the_demo_lives_ends_cleanly_resumes_and_starts_afresh() -> anyhow::Result<()> {
    let mut demo = Demo::new()?;
    let client = demo.start(&[]).await?;
    ensure!(processes_of(&demo.dir())?.len() >= 5, "a demo, a plant and three nodes");
    let first = client.reading("cryo/chiller-1/outlet_temperature").await?;
    wait::until("the simulated physics to move", wait::SOON, || async {
        let now = client.reading("cryo/chiller-1/outlet_temperature").await?;
        ensure!(value(&now) != value(&first), "{now:?}");
        Ok(())
    })
    .await?;
    let command = client.set(setpoint(SETPOINT, Kind::Number(17.5))).await?;
    assert_eq!(command.revision, 1);
    demo.end(Signal::INT).await?;

    let client = demo.start(&[]).await?;
    let resumed = client.reading(SETPOINT).await?.setpoint.context("the setpoint outlives the demo")?;
    assert_eq!(resumed.command_id, command.id);
    // Killed without a chance to clean up: the kernel ends its processes.
    demo.end(Signal::KILL).await?;

    let client = demo.start(&["--fresh"]).await?;
    assert_eq!(client.reading(SETPOINT).await?.setpoint, None);
    demo.end(Signal::TERM).await
}

#[tokio::test]
async fn the_demo_names_a_taken_port_and_never_wipes_what_is_not_its_own() -> anyhow::Result<()> {
    let demo = Demo::new()?;
    let (dir, port) = (demo.dir().display().to_string(), demo.base_port());
    let squatter = std::net::TcpListener::bind(demo.ports[1].address())?;
    let ran = cli::run("", &["demo", "--dir", &dir, "--base-port", &port]).await?.with_code(1)?;
    assert!(ran.err.contains(&demo.ports[1].address().port().to_string()) && ran.err.contains("--base-port"), "{}", ran.err);
    drop(squatter);

    let precious = demo.base.path().join("precious");
    std::fs::create_dir(&precious)?;
    std::fs::write(precious.join("thesis.txt"), "three years")?;
    let ran = cli::run("", &["demo", "--dir", &precious.display().to_string(), "--base-port", &port, "--fresh"]).await?;
    assert_ne!(ran.code, 0, "{ran:?}");
    assert_eq!(std::fs::read_to_string(precious.join("thesis.txt"))?, "three years");
    ensure!(processes_of(demo.base.path())?.is_empty(), "a refused demo leaves nothing running");
    Ok(())
}
