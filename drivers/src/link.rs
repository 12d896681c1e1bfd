//! How a TCP connection to a device is opened, so that nothing of this node outlives its right to drive the device.
//!
//! | setting | why |
//! |---|---|
//! | bound to `source` | on a machine with several networks, devices are reached by the right one; tests tell nodes apart by it |
//! | SO_LINGER 0, before connecting | whatever ends the connection (a stop, a panic, kill -9) resets it and drops what the kernel still queues |
//! | TCP_NODELAY | a request is one small segment; it must not wait for the acknowledgement of the one before |
//! | TCP_USER_TIMEOUT | the kernel repeats a segment on its own, also for a frozen process: not for longer than this |
//! | the gate's line | where a gate stands before the device |
//!
//! It knows nothing of what is said on the connection afterwards.

use crate::driver::DriverError;
use crate::gate::Pass;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

/// Longest time to connect: the first SYN is repeated after 1 s, so one lost packet leaves another second for the answer.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Unacknowledged data is given up after so many times T_io. A write that passed its check is handed over no later than S (the stall that
/// is tolerated) after the check, which is T_io before the lease ends or earlier; the successor writes no earlier than G >= T_io + S after
/// the lease ends. Between the two lie T_io - S + G >= 2 T_io. With the default of 200 ms that is 400 ms, in which one repetition (after
/// 200 ms at the earliest) still mends a lost packet, and makes a device that delays its acknowledgements answer.
const GIVE_UP_AFTER: u32 = 2;

/// Everything that a connection to one address depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The device's `host:port`. Where there is a gate, the gate's is used instead.
    pub address: String,
    /// The local address to connect from; the operating system's choice if there is none.
    pub source: Option<IpAddr>,
    /// T_io: how long a write that was sent may still take effect.
    pub write_timeout: Duration,
    /// The gate before the device, if there is one.
    pub gate: Option<Pass>,
}

impl Link {
    /// The address that is really connected to.
    #[must_use]
    pub fn peer(&self) -> &str {
        self.gate.as_ref().map_or(&self.address, |gate| &gate.address)
    }

    /// Opens a connection on which the device listens, within [`CONNECT_TIMEOUT`].
    ///
    /// # Errors
    /// Permanent if an address cannot be one; fenced if a gate knows a newer owner; otherwise unreachable.
    pub async fn open(&self) -> Result<TcpStream, DriverError> {
        let peer = self.peer();
        match timeout(CONNECT_TIMEOUT, self.open_all()).await {
            Err(_) => Err(DriverError::unreachable(format!("{peer} took no connection within {CONNECT_TIMEOUT:?}"))),
            Ok(opened) => opened,
        }
    }

    async fn open_all(&self) -> Result<TcpStream, DriverError> {
        let peer = self.peer();
        let mut stream = self.connect().await.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => DriverError::permanent(format!("{peer} is no address: {error}")),
            io::ErrorKind::AddrNotAvailable if self.source.is_some() => {
                DriverError::permanent(format!("{peer} cannot be reached from {:?}: {error}", self.source))
            }
            _ => DriverError::unreachable(format!("{peer} takes no connection: {error}")),
        })?;
        if let Some(gate) = &self.gate {
            gate.show(&mut stream).await?;
        }
        Ok(stream)
    }

    /// Tries each address that the name has.
    async fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address that can be used");
        for peer in lookup_host(self.peer()).await? {
            match self.connect_to(peer).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(&self, peer: SocketAddr) -> io::Result<TcpStream> {
        let socket = if peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_zero_linger()?;
        socket.set_nodelay(true)?;
        if let Some(source) = self.source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(peer).await?;
        // Not before: it would bound the attempts to connect too, and those have their own bound.
        let give_up_ms = (self.write_timeout * GIVE_UP_AFTER).as_millis();
        rustix::net::sockopt::set_tcp_user_timeout(&stream, u32::try_from(give_up_ms).unwrap_or(u32::MAX).max(1))?;
        Ok(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    fn link(address: String) -> Link {
        Link { address, source: None, write_timeout: Duration::from_millis(200), gate: None }
    }

    async fn listener() -> (TcpListener, Link) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = link(listener.local_addr().unwrap().to_string());
        (listener, link)
    }

    #[tokio::test]
    async fn a_dropped_connection_is_reset() {
        let (listener, link) = listener().await;
        let stream = link.open().await.unwrap();
        let (mut served, _) = listener.accept().await.unwrap();
        drop(stream);
        let read = served.read_u8().await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset, "an orderly end would deliver what is queued first");
    }

    #[tokio::test]
    async fn it_comes_from_the_source_address() {
        let (listener, link) = listener().await;
        let link = Link { source: Some("127.0.0.17".parse().unwrap()), ..link };
        let stream = link.open().await.unwrap();
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.ip().to_string(), "127.0.0.17");
        drop(stream);
        // TEST-NET-1, which no machine has.
        let foreign = Link { source: Some("192.0.2.1".parse().unwrap()), ..link };
        let error = foreign.open().await.unwrap_err();
        assert!(matches!(&error, DriverError::Permanent { message } if message.contains("192.0.2.1")), "{error:?}");
    }

    #[tokio::test]
    async fn the_kernel_gives_up_in_time() {
        let (_listener, link) = listener().await;
        let stream = link.open().await.unwrap();
        assert_eq!(rustix::net::sockopt::tcp_user_timeout(&stream).unwrap(), 400);
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn what_is_no_address_is_permanent_and_a_refusal_is_not() {
        let error = link("nonsense".into()).open().await.unwrap_err();
        assert!(matches!(error, DriverError::Permanent { .. }), "{error:?}");
        let (listener, link) = listener().await;
        drop(listener);
        let error = link.open().await.unwrap_err();
        assert!(matches!(error, DriverError::Transient { .. }), "{error:?}");
    }
}
