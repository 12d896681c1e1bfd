//! The gate's port: takes connections, reads their claims, and lets one at a time through.
//!
//! Claims are decided one after the other, under one lock that is held from the verdict until the earlier connection has ended: so the
//! disk, the turn and the answers always agree. The lock is held for a write to disk and a reset, both of which end.

use super::claim::{Claim, LINE_BYTES_MAX};
use super::ledger::{Ledger, Verdict};
use super::memory::{Memory, MemoryError};
use super::pipe::{self, End};
use super::turn::{Turn, Turns};
use labkeeper_model::Epoch;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::{Mutex, Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Most connections that have not passed yet. Nodes are a handful and their claims take a second at most; the rest waits in the kernel.
const WAITING_MAX: usize = 32;
/// Pause after the kernel has refused a connection: it is out of files, and asking again at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where a gate stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateOptions {
    /// The device's `host:port`.
    pub device: String,
    /// Longest time for a claim to arrive.
    pub claim_timeout: Duration,
    /// Longest time to connect to the device.
    pub connect_timeout: Duration,
}

impl GateOptions {
    /// With the usual times: a node gives up after two seconds, and each of the two steps takes less than half of that or is in trouble.
    #[must_use]
    pub fn new(device: impl Into<String>) -> Self {
        let second = Duration::from_secs(1);
        Self { device: device.into(), claim_timeout: second, connect_timeout: second }
    }
}

/// A gate, ready to serve.
#[derive(Debug)]
pub struct Gate {
    options: GateOptions,
    turns: Turns,
    claims: Mutex<Claims>,
}

/// What claims are decided by.
#[derive(Debug)]
struct Claims {
    ledger: Ledger,
    memory: Arc<Memory>,
    /// The connection that has passed last.
    passed: Option<Passed>,
}

/// A connection that has passed, as those after it see it.
#[derive(Debug)]
struct Passed {
    cut: CancellationToken,
    /// Ends when its sockets are closed.
    closed: oneshot::Receiver<()>,
}

/// What a connection gets when it passes.
struct Pass {
    turn: Turn,
    cut: CancellationToken,
    /// Dropped when the sockets are closed.
    closed: oneshot::Sender<()>,
}

/// Why a claim does not pass.
enum Refusal {
    Stale(Epoch),
    Bad(String),
}

impl Gate {
    /// Takes the file in which epochs are remembered.
    ///
    /// # Errors
    /// [`MemoryError`]: a gate that cannot remember must not stand before a device.
    pub fn open(options: GateOptions, state: &Path) -> Result<Self, MemoryError> {
        let (memory, ledger) = Memory::open(state)?;
        for claim in ledger.claims() {
            tracing::info!("remembered: {claim}");
        }
        let claims = Mutex::new(Claims { ledger, memory: Arc::new(memory), passed: None });
        Ok(Self { options, turns: Turns::default(), claims })
    }

    /// Serves until the future is dropped, which ends every connection.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let waiting = Arc::new(Semaphore::new(WAITING_MAX));
        let mut connections = JoinSet::new();
        loop {
            // Those that have ended: as many as were taken since the last time, at most.
            while connections.try_join_next().is_some() {}
            // The semaphore is never closed.
            let Ok(place) = waiting.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((node, peer)) => {
                    let gate = self.clone();
                    connections.spawn(async move {
                        let ended = gate.admit(node, || drop(place)).await;
                        tracing::info!("{peer}: {ended}");
                    });
                }
                Err(error) => {
                    tracing::warn!("taking a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// One connection from its claim to its end, which is told in words.
    async fn admit(&self, mut node: TcpStream, decided: impl FnOnce()) -> String {
        let claim = match timeout(self.options.claim_timeout, read_claim(&mut node)).await {
            Ok(Ok(claim)) => claim,
            Ok(Err(why)) => return answer(node, format!("BAD {why}\n")).await,
            Err(_) => return answer(node, "BAD no claim in time\n".into()).await,
        };
        let passed = self.decide(&claim).await;
        decided();
        match passed {
            Ok(pass) => {
                tracing::info!("passes: {claim}");
                let ended = self.pass(node, pass.turn, &pass.cut).await;
                // The sockets are closed: whoever waits to be the next may go on.
                drop(pass.closed);
                format!("{claim}: {ended}")
            }
            Err(Refusal::Stale(newest)) => format!("{claim}: {}", answer(node, format!("STALE epoch={newest}\n")).await),
            Err(Refusal::Bad(why)) => format!("{claim}: {}", answer(node, format!("BAD {why}\n")).await),
        }
    }

    /// Decides a claim; one that passes is on disk, has the turn, and every earlier connection is closed.
    async fn decide(&self, claim: &Claim) -> Result<Pass, Refusal> {
        let mut claims = self.claims.lock().await;
        match claims.ledger.judge(claim) {
            Verdict::Stale { newest } => return Err(Refusal::Stale(newest)),
            Verdict::Refused(why) => return Err(Refusal::Bad(why.to_owned())),
            Verdict::Known => {}
            Verdict::Newer => {
                let (ledger, memory) = (claims.ledger.with(claim), claims.memory.clone());
                let kept = tokio::task::spawn_blocking(move || memory.keep(&ledger).map(|()| ledger)).await;
                let forgetful = |why: String| Refusal::Bad(format!("this gate cannot remember: {why}").replace('\n', " "));
                claims.ledger = kept.map_err(|error| forgetful(error.to_string()))?.map_err(|error| forgetful(error.to_string()))?;
            }
        }
        let turn = self.turns.next();
        if let Some(earlier) = claims.passed.take() {
            earlier.cut.cancel();
            // Ends with an error when the sender is dropped, which is when the sockets are closed.
            let _ = earlier.closed.await;
        }
        let (closed, is_closed) = oneshot::channel();
        let cut = CancellationToken::new();
        claims.passed = Some(Passed { cut: cut.clone(), closed: is_closed });
        Ok(Pass { turn, cut, closed })
    }

    /// Connects a node that has passed with the device, until one of them ends it or it is cut.
    async fn pass(&self, node: TcpStream, turn: Turn, cut: &CancellationToken) -> String {
        let ended = tokio::select! {
            ended = self.connect_and_carry(&node, turn) => ended,
            () = cut.cancelled() => Ok(End::TurnIsOver),
        };
        match ended {
            Ok(End::TurnIsOver) => {
                // A reset, so that the node learns at once and nothing that is queued for it arrives late.
                if let Err(error) = node.set_zero_linger() {
                    tracing::debug!("a cut connection is closed without a reset: {error}");
                }
                "cut: a newer claim has passed".to_owned()
            }
            Ok(End::ByNode) => "the node closed".to_owned(),
            Ok(End::ByDevice) => "the device closed".to_owned(),
            Ok(End::Broken(error)) => format!("broke: {error}"),
            Err(error) => format!("the device at {} takes no connection: {error}", self.options.device),
        }
    }

    async fn connect_and_carry(&self, node: &TcpStream, turn: Turn) -> io::Result<End> {
        let device = timeout(self.options.connect_timeout, connect(&self.options.device)).await??;
        // A claim that came meanwhile has taken the turn, and this connection must not hear that it has passed.
        if !self.turns.is(turn) {
            return Ok(End::TurnIsOver);
        }
        node.set_nodelay(true)?;
        say(node, b"OK\n").await?;
        Ok(pipe::carry(node, &device, &self.turns, turn).await)
    }
}

/// Reads up to the end of the line and not a byte more: what follows is the device's.
async fn read_claim(node: &mut TcpStream) -> Result<Claim, String> {
    let mut line = Vec::with_capacity(LINE_BYTES_MAX);
    loop {
        match node.read_u8().await.map_err(|error| error.to_string())? {
            b'\n' => return Claim::parse(&line).map_err(str::to_owned),
            _ if line.len() == LINE_BYTES_MAX => return Err("not a claim".to_owned()),
            byte => line.push(byte),
        }
    }
}

/// Connects so that whatever ends the connection, kill -9 of the gate included, resets it and drops what the kernel still queues.
async fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for address in lookup_host(address).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_zero_linger()?;
        socket.set_nodelay(true)?;
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn say(node: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        node.writable().await?;
        match node.try_write(bytes) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Answers and closes. A few bytes into an empty queue never wait; a node that is gone does not matter.
async fn answer(mut node: TcpStream, text: String) -> String {
    if node.write_all(text.as_bytes()).await.is_ok() {
        let _ = node.shutdown().await;
    }
    format!("refused: {}", text.trim_end())
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
