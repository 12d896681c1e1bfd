//! The sockets of the plant: frames in, reactions out. One task per connection.
//!
//! It knows nothing of devices; what a request means is decided by [`Units::handle`].

use super::units::{Master, Reaction, Units};
use crate::modbus::mbap::{HEADER_LEN, Header, PDU_LEN_MAX};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most connections of one server. A site has at most seven nodes, and each opens one; the rest is for people with tools. More
/// are closed at once, as a device with few sockets does.
const CONNECTIONS_MAX: usize = 64;
/// How long to wait after a failed accept: out of file descriptors, ten tries a second are enough and cost nothing.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What is sent for garbage: its "protocol" is 0xBEEF and its "length" 51,966, so it cannot be a frame.
const GARBAGE: &[u8] = b"\xDE\xAD\xBE\xEF\xCA\xFE\xBA\xBE\x00\xFF\x55\xAA";

/// What a flooding device sends at a time, and how often: 4 MB a second, more than any reader of such a device can use.
const FLOOD: (usize, Duration) = (4_096, Duration::from_millis(1));

/// What a device that serves one connection does with a second one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondConnection {
    /// It ends the first one, and then serves the second.
    #[default]
    ReplacesFirst,
    /// It ends the second one at once.
    IsRefused,
}

/// One listening device, or several behind one address.
pub(super) struct Server {
    pub(super) units: Arc<Units>,
    /// Whether it serves one connection only, and which.
    pub(super) single: Option<SecondConnection>,
    /// Changes when a fault begins or ends.
    pub(super) faults: watch::Receiver<()>,
    pub(super) cancel: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// A connection that is served.
struct Served {
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Accepts connections until it is cancelled.
    pub(super) async fn serve(self, listener: TcpListener) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut newest: Option<Served> = None;
        while let Some(accepted) = self.cancel.run_until_cancelled(listener.accept()).await {
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a peer that left again: either passes, but not at once.
                    tracing::warn!(%error, "the plant cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else { continue };
            match (self.single, newest.take_if(|first| !first.task.is_finished())) {
                (Some(SecondConnection::IsRefused), Some(first)) => {
                    newest = Some(first);
                    continue;
                }
                (Some(SecondConnection::ReplacesFirst), Some(first)) => {
                    first.cancel.cancel();
                    // Whatever it was doing is done, or will not be.
                    drop(first.task.await);
                }
                _ => {}
            }
            newest = Some(self.start(stream, peer, slot));
        }
    }

    fn start(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) -> Served {
        let (units, faults, cancel) = (Arc::clone(&self.units), self.faults.clone(), self.cancel.child_token());
        let cancelled = cancel.clone();
        let task = self.tasks.spawn(async move {
            let ended = cancelled.run_until_cancelled(connection(stream, peer, &units, faults)).await;
            tracing::debug!(%peer, ?ended, "connection ended");
            drop(slot);
        });
        Served { cancel, task }
    }
}

/// Serves one connection until it ends, or until what comes on it is no frame.
async fn connection(mut stream: TcpStream, peer: SocketAddr, units: &Units, faults: watch::Receiver<()>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.split();
    tokio::select! {
        ended = answer_requests(reader, &writer, Master::new(peer), units) => ended,
        ended = flood(&writer, units, faults) => ended,
    }
}

async fn answer_requests(mut reader: ReadHalf<'_>, writer: &WriteHalf<'_>, mut master: Master, units: &Units) -> io::Result<()> {
    let mut header = [0; HEADER_LEN];
    let mut body = [0; PDU_LEN_MAX];
    loop {
        reader.read_exact(&mut header).await?;
        let Some(header) = Header::parse(&header) else { return Ok(()) };
        let pdu = &mut body[..header.pdu_len];
        reader.read_exact(pdu).await?;
        match units.handle(header.unit, pdu, &mut master) {
            Reaction::Answer { pdu, after } => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                let mut frame = Header { pdu_len: pdu.len(), ..header }.to_bytes().to_vec();
                frame.extend(pdu);
                send(writer, &frame).await?;
            }
            Reaction::Silence => {}
            Reaction::Garbage => send(writer, GARBAGE).await?,
            Reaction::Close => return Ok(()),
        }
    }
}

async fn send(writer: &WriteHalf<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        writer.writable().await?;
        match writer.try_write(bytes) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends what nobody asked for while a device has that fault. What the other end does not take is left out.
async fn flood(writer: &WriteHalf<'_>, units: &Units, mut faults: watch::Receiver<()>) -> io::Result<()> {
    let noise = [0xff; FLOOD.0];
    loop {
        if !units.floods() {
            // A plant that has been dropped ends its connections by itself.
            if faults.changed().await.is_err() {
                return std::future::pending().await;
            }
            continue;
        }
        match writer.try_write(&noise) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => tokio::time::sleep(FLOOD.1).await,
        }
    }
}
