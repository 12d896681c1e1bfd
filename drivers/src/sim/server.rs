//! The sockets of the plant: frames in, reactions out. One task per connection.
//!
//! It knows nothing of devices; what a request means is decided by [`Units::handle`].

use super::device::{Reaction, Units};
use crate::modbus::mbap::{HEADER_LEN, Header, PDU_LEN_MAX};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most connections of one server. A site has at most seven nodes, and each opens one; the rest is for people with tools. More
/// are closed at once, as a device with few sockets does.
const CONNECTIONS_MAX: usize = 64;
/// How long to wait after a failed accept: out of file descriptors, ten tries a second are enough and cost nothing.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What is sent for garbage: its "protocol" is 0xBEEF and its "length" 51,966, so it cannot be a frame.
const GARBAGE: &[u8] = b"\xDE\xAD\xBE\xEF\xCA\xFE\xBA\xBE\x00\xFF\x55\xAA";

/// Accepts connections until `cancel`.
pub(super) async fn serve(listener: TcpListener, units: Arc<Units>, cancel: CancellationToken, tasks: TaskTracker) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Some(accepted) = cancel.run_until_cancelled(listener.accept()).await {
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
        let (units, cancel) = (Arc::clone(&units), cancel.clone());
        tasks.spawn(async move {
            let ended = cancel.run_until_cancelled(connection(stream, peer, &units)).await;
            tracing::debug!(%peer, ?ended, "connection ended");
            drop(slot);
        });
    }
}

/// Serves one connection until it ends, or until what comes on it is no frame.
async fn connection(mut stream: TcpStream, peer: SocketAddr, units: &Units) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut header = [0; HEADER_LEN];
    let mut body = [0; PDU_LEN_MAX];
    loop {
        stream.read_exact(&mut header).await?;
        let Some(header) = Header::parse(&header) else { return Ok(()) };
        let pdu = &mut body[..header.pdu_len];
        stream.read_exact(pdu).await?;
        match units.handle(header.unit, pdu, peer) {
            Reaction::Answer { pdu, after } => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                let mut frame = Header { pdu_len: pdu.len(), ..header }.to_bytes().to_vec();
                frame.extend(pdu);
                stream.write_all(&frame).await?;
            }
            Reaction::Silence => {}
            Reaction::Garbage => stream.write_all(GARBAGE).await?,
            Reaction::Close => return Ok(()),
        }
    }
}
