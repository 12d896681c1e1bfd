//! Ports for the processes of a test.
//!
//! A node needs its port in its configuration, and keeps it over many restarts, so "any free port" must stay free while
//! nobody listens on it. Ports that the system hands out for port 0 do not: it takes them from the range of outgoing
//! connections, and a client's socket may sit on one when the node comes back. So ports come from below that range, and a
//! reservation is a UDP socket of the same number: visible to every other test process, in nobody's way on TCP.

use anyhow::bail;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// Below Linux' default range of outgoing connections (32,768 to 60,999), above what services use by default.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A TCP port that no other test uses while this lives.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    _reservation: Option<UdpSocket>,
}

impl Port {
    /// Reserves a port on which nobody listens.
    ///
    /// # Errors
    /// When 200 random ports are taken: with a twelfth of the range in use, that happens once in 12^200 times.
    pub fn reserve() -> anyhow::Result<Self> {
        for _ in 0..200 {
            if let Some(port) = Self::take(rand::random_range(RANGE)) {
                return Ok(port);
            }
        }
        bail!("no free port in {RANGE:?}")
    }

    /// Reserves `len` ports in a row, the first of them first.
    ///
    /// # Errors
    /// When no such row is found among 200 random ones.
    pub fn reserve_row(len: u16) -> anyhow::Result<Vec<Self>> {
        for _ in 0..200 {
            let first = rand::random_range(RANGE.start..RANGE.end - len);
            let row: Option<Vec<Self>> = (first..first + len).map(Self::take).collect();
            if let Some(row) = row {
                return Ok(row);
            }
        }
        bail!("no {len} free ports in a row in {RANGE:?}")
    }

    /// Reserves a port if nobody has it.
    fn take(number: u16) -> Option<Self> {
        let reservation = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        let _unused = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { address: (Ipv4Addr::LOCALHOST, number).into(), _reservation: Some(reservation) })
    }

    /// A port of an address that is the test's own, so that nobody else can take it.
    #[must_use]
    pub fn fixed(address: SocketAddr) -> Self {
        Self { address, _reservation: None }
    }

    /// Its address: on loopback unless it is fixed.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_given_once_and_free_for_tcp() {
        let ports: Vec<Port> = (0..50).map(|_| Port::reserve().unwrap()).collect();
        let distinct: std::collections::BTreeSet<_> = ports.iter().map(Port::address).collect();
        assert_eq!(distinct.len(), 50);
        TcpListener::bind(ports[0].address()).unwrap();
    }
}
