//! One node of a test: its configuration, its data directory, its process over many lives, and a client.

use crate::client::Client;
use crate::clock::ClockFile;
use crate::network::{NodePid, Seat};
use crate::ports::Port;
use crate::process::Process;
use crate::wait;
use anyhow::{Context as _, bail};
use rustix::process::Signal;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// A node that runs, or ran, or will.
#[derive(Debug)]
pub struct Node {
    /// Its name in the site.
    pub name: String,
    /// The address of its gRPC port.
    pub grpc: Port,
    /// The address of its HTTP port.
    pub http: Port,
    /// Where other nodes reach it.
    pub peers: SocketAddr,
    /// Talks to it.
    pub client: Client,
    seat: Sitting,
    clock: Option<ClockFile>,
    environment: Vec<(String, String)>,
    reach: String,
    config: PathBuf,
    log: PathBuf,
    process: Option<Process>,
}

/// Where it lives.
#[derive(Debug)]
struct Sitting {
    listen: Ipv4Addr,
    enter: Vec<String>,
    pid: NodePid,
}

impl Node {
    /// Prepares a node in a directory of its own below `dir`; does not start it.
    ///
    /// # Errors
    /// When there is no free port or the configuration cannot be written.
    pub fn prepare(name: &str, dir: &Path) -> anyhow::Result<Self> {
        Self::prepare_at(Seat::loopback()?, name, dir, "*", "")
    }

    /// As [`Node::prepare`], where a network has a seat for it, for one segment that it reaches, with more lines in its
    /// configuration.
    ///
    /// # Errors
    /// When the configuration cannot be written.
    pub fn prepare_at(seat: Seat, name: &str, dir: &Path, reach: &str, more: &str) -> anyhow::Result<Self> {
        let Seat { first: grpc, second: http, listen, peers, enter, pid } = seat;
        let client = Client::new(grpc.address(), http.address())?;
        let node = Self {
            name: name.to_owned(),
            grpc,
            http,
            peers,
            client,
            seat: Sitting { listen, enter, pid },
            clock: None,
            environment: Vec::new(),
            reach: reach.to_owned(),
            config: dir.join(format!("{name}.toml")),
            log: dir.join(format!("{name}.log")),
            process: None,
        };
        std::fs::write(&node.config, node.config_text(&dir.join(name), more))?;
        Ok(node)
    }

    /// Gives it a clock of its own, which a test can set wrong. To be called before it is started.
    ///
    /// # Errors
    /// When the clock's file cannot be written.
    pub fn own_clock(&mut self) -> anyhow::Result<()> {
        self.clock = Some(ClockFile::create(self.config.with_extension("clock"))?);
        Ok(())
    }

    /// Adds a line to the table `[node]` of its configuration. To be called before it is started.
    ///
    /// # Errors
    /// When the file cannot be rewritten.
    pub fn add_key(&self, line: &str) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(&self.config)?.replacen("[node]\n", &format!("[node]\n{line}\n"), 1);
        Ok(std::fs::write(&self.config, text)?)
    }

    /// Starts it with one more environment variable from here on.
    pub fn set_environment(&mut self, key: &str, value: &str) {
        self.environment.push((key.to_owned(), value.to_owned()));
    }

    /// Its own clock.
    ///
    /// # Errors
    /// When it goes by the machine's.
    pub fn clock(&mut self) -> anyhow::Result<&mut ClockFile> {
        self.clock.as_mut().with_context(|| format!("{} has no clock of its own", self.name))
    }

    /// A node.toml for this node with another data directory, and more lines at its end.
    #[must_use]
    pub fn config_text(&self, data_dir: &Path, more: &str) -> String {
        let (name, reach, listen, peers) = (&self.name, &self.reach, self.seat.listen, self.peers);
        let (grpc, http) = (self.grpc.address(), self.http.address());
        let advertise = if peers == SocketAddr::from((listen, grpc.port())) {
            String::new()
        } else {
            format!("\n[advertise]\ngrpc = \"{peers}\"\nhttp = \"http://{http}\"\n")
        };
        format!(
            "[node]\nname = {name:?}\ndata_dir = {data_dir:?}\nreach = [{reach:?}]\n\n\
             [listen]\ngrpc = \"{listen}:{}\"\nhttp = \"{listen}:{}\"\n{advertise}{more}",
            grpc.port(),
            http.port()
        )
    }

    /// Its configuration file, for a test to rewrite before a start.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.config.with_extension("")
    }

    /// Starts it, and waits until it answers.
    ///
    /// # Errors
    /// When it ends or does not answer.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        self.launch()?;
        self.answering().await
    }

    /// Starts it without waiting: for nodes that are meant to fail.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn launch(&mut self) -> anyhow::Result<()> {
        let config = self.config.display().to_string();
        let environment: Vec<_> = self.clock.iter().map(ClockFile::variable).chain(self.environment.iter().cloned()).collect();
        let process = Process::labkeeper_behind(&self.name, &self.seat.enter, &["node", "--config", &config], &environment, &self.log)?;
        self.seat.pid.set(process.id());
        self.process = Some(process);
        Ok(())
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// When it ends or does not answer.
    pub async fn answering(&mut self) -> anyhow::Result<()> {
        let client = self.client.clone();
        let name = self.name.clone();
        let process = std::cell::RefCell::new(self.process()?);
        wait::until(&format!("{name} to answer"), wait::SOON, || async {
            client.status().await.map(|_| ()).with_context(|| match process.borrow_mut().must_run() {
                Ok(()) => "it runs but does not answer".to_owned(),
                Err(ended) => ended.to_string(),
            })
        })
        .await
    }

    /// Kills it as a power cut would. Returns when it is gone.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        self.process.take().with_context(|| format!("{} does not run", self.name))?.kill9()
    }

    /// Stops it in a planned way, and waits until it is gone.
    ///
    /// # Errors
    /// When it does not run, does not end, or ends with an error.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let mut process = self.process.take().with_context(|| format!("{} does not run", self.name))?;
        process.signal(Signal::TERM)?;
        let status = process.end(wait::SOON).await?;
        if !status.success() {
            bail!("{} stopped with {status}\n{}", self.name, process.log_tail(30));
        }
        Ok(())
    }

    /// Freezes it: it holds its memory, its sockets and its beliefs, and does nothing.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.process()?.signal(Signal::STOP)
    }

    /// Lets a frozen node go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.process()?.signal(Signal::CONT)
    }

    /// Whether it was started and not killed or stopped since.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Its process.
    ///
    /// # Errors
    /// When it does not run.
    pub fn process(&mut self) -> anyhow::Result<&mut Process> {
        self.process.as_mut().with_context(|| format!("{} does not run", self.name))
    }

    /// Everything that it wrote in all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until its log has a text.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn logged(&self, text: &str) -> anyhow::Result<()> {
        let look = || async { self.log().contains(text).then_some(()).with_context(|| self.log()) };
        wait::until(&format!("{text:?} in the log of {}", self.name), wait::SOON, look).await
    }
}
