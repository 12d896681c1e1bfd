//! Whose turn it is to send to the device: one connection's, the newest that was let in.
//!
//! The right and its use are under one lock. A thread that hands bytes to the kernel holds it, and whoever takes the turn away waits for that:
//! when [`Turns::next`] has returned, not one more byte of an earlier connection is handed over. The handing over does not block, so the
//! lock is held for microseconds.

use parking_lot::Mutex;
use std::io;
use tokio::net::TcpStream;

/// The connection whose turn it is, by the number that it got when it was let in.
#[derive(Debug, Default)]
pub(super) struct Turns {
    newest: Mutex<u64>,
}

/// One connection's claim to be the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u64);

/// Why bytes were not handed over.
#[derive(Debug)]
pub(super) enum NotSent {
    /// A newer connection has been let in.
    TurnIsOver,
    /// The connection to the device.
    Io(io::Error),
}

impl Turns {
    /// Gives the turn to one more connection, and takes it from all earlier ones.
    pub(super) fn next(&self) -> Turn {
        let mut newest = self.newest.lock();
        *newest += 1;
        Turn(*newest)
    }

    /// Hands bytes to the kernel for the device, as many as it takes without waiting, if it is still this connection's turn.
    ///
    /// # Errors
    /// It is not, or the connection is broken, or would block.
    pub(super) fn try_send(&self, turn: Turn, device: &TcpStream, bytes: &[u8]) -> Result<usize, NotSent> {
        let newest = self.newest.lock();
        if *newest != turn.0 {
            return Err(NotSent::TurnIsOver);
        }
        device.try_write(bytes).map_err(NotSent::Io)
    }

    /// Whether it is still this connection's turn. It may be over right afterwards.
    pub(super) fn is(&self, turn: Turn) -> bool {
        *self.newest.lock() == turn.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn only_the_newest_turn_sends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let device = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
        let (mut served, _) = listener.accept().await.expect("a connection");
        device.writable().await.expect("room");
        let turns = Turns::default();
        let first = turns.next();
        assert_eq!(turns.try_send(first, &device, b"one").expect("its turn"), 3);
        let second = turns.next();
        assert!(matches!(turns.try_send(first, &device, b"late"), Err(NotSent::TurnIsOver)));
        assert!(!turns.is(first) && turns.is(second));
        assert_eq!(turns.try_send(second, &device, b"two").expect("its turn"), 3);
        drop(device);
        let mut received = vec![];
        served.read_to_end(&mut received).await.expect("bytes");
        assert_eq!(received, b"onetwo");
    }
}
