//! A network whose links can be cut, out of proxies: works wherever TCP does, without any rights.
//!
//! ```text
//!  node a ──► proxy of b ──► node b        b advertises its proxy
//!  node b ──► proxy of a ──► node a
//!  node a ──► proxy of a device ──► device, dialled from 127.0.0.11, so that the device can tell a from b (127.0.0.12)
//! ```
//! A proxy asks the kernel which node is at the other end ([`super::whose`]), and carries each direction of a connection only
//! while [`Links`] lets it pass. What differs from a real network:
//!
//! - A connection can be made while its way is cut; it is silent then, as one that hangs in its first packets.
//! - Bytes that were sent into a cut way arrive after it has healed, as TCP's repetition would bring them, unless the sender
//!   has reset the connection meanwhile: then they are dropped, as the sender's kernel would have dropped them.

use super::links::{End, Links, Way};
use super::whose::{NodePid, whose};
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// Most bytes of one direction of a connection that a cut holds in the proxy itself: a few Modbus frames or one batch of log
/// entries. The kernel's buffers hold more.
const BUFFER_BYTES: usize = 16 * 1024;

/// Running proxies. Dropping them cuts every connection.
#[derive(Debug)]
pub struct Proxies {
    links: watch::Sender<Links>,
    pids: Vec<NodePid>,
    nodes: Vec<SocketAddr>,
    devices: BTreeMap<SocketAddr, SocketAddr>,
    /// Own threads, so that a test that blocks its own does not stop the network.
    runtime: Option<Runtime>,
}

impl Proxies {
    /// Proxies in front of nodes (where they listen) and devices.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(nodes: &[SocketAddr], devices: &[SocketAddr]) -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let links = watch::Sender::new(Links::default());
        let pids = nodes.iter().map(|_| NodePid::default()).collect();
        let mut proxies = Self { links, pids, nodes: Vec::new(), devices: BTreeMap::new(), runtime: Some(runtime) };
        for (at, node) in nodes.iter().enumerate() {
            let address = proxies.listen(End::Node(at), *node)?;
            proxies.nodes.push(address);
        }
        for device in devices {
            let address = proxies.listen(End::Field, *device)?;
            proxies.devices.insert(*device, address);
        }
        Ok(proxies)
    }

    fn listen(&self, to: End, target: SocketAddr) -> anyhow::Result<SocketAddr> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let front = Front { to, target, address, nodes: self.pids.clone(), links: self.links.subscribe() };
        self.runtime.as_ref().context("it runs until it is dropped")?.spawn(front.serve(listener));
        Ok(address)
    }

    /// Where other nodes reach a node.
    #[must_use]
    pub fn of_node(&self, node: usize) -> SocketAddr {
        self.nodes[node]
    }

    /// Where nodes reach a device.
    #[must_use]
    pub fn of_device(&self, device: SocketAddr) -> SocketAddr {
        self.devices.get(&device).copied().unwrap_or(device)
    }

    /// The cell that tells the proxies which process a node is.
    #[must_use]
    pub fn pid(&self, node: usize) -> NodePid {
        self.pids[node].clone()
    }

    /// Lets pass what `links` says, from this moment on.
    pub fn set(&self, links: &Links) {
        self.links.send_replace(links.clone());
    }
}

impl Drop for Proxies {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The address from which devices see a node.
#[must_use]
pub fn field_address(node: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, u8::try_from(11 + node).unwrap_or(u8::MAX))
}

/// What stands in front of one target.
#[derive(Clone, Debug)]
struct Front {
    to: End,
    target: SocketAddr,
    address: SocketAddr,
    nodes: Vec<NodePid>,
    links: watch::Receiver<Links>,
}

impl Front {
    async fn serve(self, listener: std::net::TcpListener) {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        loop {
            // A connection that is gone before it is accepted concerns nobody.
            let Ok((near, far)) = listener.accept().await else { continue };
            tokio::spawn(self.clone().carry(near, far));
        }
    }

    async fn carry(mut self, near: TcpStream, dialler: SocketAddr) -> io::Result<()> {
        let Some(node) = whose(&self.nodes, dialler, self.address) else { return Ok(()) };
        let (there, back) = ((End::Node(node), self.to), (self.to, End::Node(node)));
        // Both ways are needed to make a connection.
        self.links.wait_for(|links| links.passes(there) && links.passes(back)).await.map_err(io::Error::other)?;
        if is_over(&near).await {
            return Ok(());
        }
        let far = self.dial(node).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        join(near, far, there, back, self.links).await
    }

    async fn dial(&self, node: usize) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if self.to == End::Field {
            socket.bind((field_address(node), 0).into())?;
        }
        socket.connect(self.target).await
    }
}

/// Whether the dialler has given up: it has closed or reset its end and left nothing to read.
async fn is_over(near: &TcpStream) -> bool {
    let mut one = [0];
    matches!(tokio::time::timeout(Duration::ZERO, near.peek(&mut one)).await, Ok(Ok(0) | Err(_)))
}

/// Carries both directions until both have ended, or one breaks: then the other end sees a reset, too.
async fn join(mut near: TcpStream, mut far: TcpStream, there: Way, back: Way, links: watch::Receiver<Links>) -> io::Result<()> {
    let ended = {
        let (near_in, near_out) = near.split();
        let (far_in, far_out) = far.split();
        tokio::try_join!(pump(near_in, far_out, there, links.clone()), pump(far_in, near_out, back, links))
    };
    if ended.is_err() {
        near.set_zero_linger()?;
        far.set_zero_linger()?;
    }
    ended.map(|_| ())
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, way: Way, mut links: watch::Receiver<Links>) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let len = from.read(&mut buffer).await?;
        if !links.borrow().passes(way) {
            links.wait_for(|links| links.passes(way)).await.map_err(io::Error::other)?;
            // A sender that has reset the connection meanwhile has taken back what it sent.
            if let Some(reset) = from.as_ref().take_error()? {
                return Err(reset);
            }
        }
        if len == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..len]).await?;
    }
}

#[cfg(test)]
#[path = "proxies_tests.rs"]
mod tests;
