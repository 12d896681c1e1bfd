//! Between the socket and `tokio-modbus`: checks what comes in, and holds a write back until the moment it may leave.
//!
//! In: the crate waits for as many bytes as a header's length field says before it looks at anything, so noise with a large "length"
//! would look like a slow device for as long as the time-out is. The connection ends at the first header that cannot be one, which
//! also bounds what a peer can make us buffer to one frame of 260 bytes.
//!
//! Out: while a [`Departure`] is at the outlet, the next frame is its write.
//!
//! ```text
//!            not writable                     would block (the kernel changed its mind)
//!           ┌────────────┐                  ┌───────────────────────────────┐
//!   frame ──┴► writable? ┴─ yes ─► guard? ──┴ yes ─► try_write ─► whole ────┴─► waiting for the answer
//!                                    │                   └─────► a part ───────► an error: the connection ends
//!                                    └─ no ─► nothing is sent
//! ```
//!
//! From the guard's answer to the system call there is no await, no allocation and no other task.
//!
//! It knows nothing of functions and values.

use super::mbap::Follower;
use crate::departure::Departure;
use parking_lot::Mutex;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A socket that can be asked whether it takes something, without giving it anything yet.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// Waits until it takes something.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Gives it bytes without waiting. Returns how many it took; an error means none.
    fn try_send(&self, bytes: &[u8]) -> io::Result<usize>;
}

impl Socket for TcpStream {
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_ready(cx)
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

/// Where the driver puts the write whose frame comes next.
#[derive(Clone, Debug, Default)]
pub(super) struct Outlet(Arc<Mutex<Option<Arc<Departure>>>>);

impl Outlet {
    /// The next frames are this write's, until it is replaced; of none, they are let through.
    pub(super) fn put(&self, departure: Option<Arc<Departure>>) {
        *self.0.lock() = departure;
    }

    fn next(&self) -> Option<Arc<Departure>> {
        self.0.lock().clone()
    }
}

/// A stream whose incoming frames are checked (a bad header is an error of kind `InvalidData`), and whose writes are guarded.
#[derive(Debug)]
pub(super) struct Transport<S> {
    socket: S,
    follower: Follower,
    outlet: Outlet,
}

impl<S> Transport<S> {
    /// Checks what comes from `socket`, from the start of a frame on.
    pub(super) fn new(socket: S, outlet: Outlet) -> Self {
        Self { socket, follower: Follower::default(), outlet }
    }
}

impl<S: Socket> AsyncRead for Transport<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buf);
        if matches!(polled, Poll::Ready(Ok(()))) && !self.follower.follow(&buf.filled()[before..]) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "not a Modbus TCP header")));
        }
        polled
    }
}

impl<S: Socket> AsyncWrite for Transport<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, frame: &[u8]) -> Poll<io::Result<usize>> {
        let Some(departure) = self.outlet.next() else { return Pin::new(&mut self.socket).poll_write(cx, frame) };
        loop {
            ready!(self.socket.poll_writable(cx))?;
            if !departure.ask() {
                // The crate keeps a frame until the transport takes it, and would send it later: so it is taken, and goes nowhere.
                return Poll::Ready(Ok(frame.len()));
            }
            match self.socket.try_send(frame) {
                Ok(sent) => {
                    departure.left();
                    let whole = sent == frame.len();
                    return Poll::Ready(if whole { Ok(sent) } else { Err(io::Error::other("the socket took a part of the frame")) });
                }
                // Its readiness is cleared by that, so the next question waits.
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
