//! What is said to a gate: who wants to talk to the device, and under which epoch.
//!
//! A gate stands on the device's side of the network and forwards bytes for the newest epoch alone. One line there, one line back, and
//! then the connection is the device's:
//!
//! ```text
//!   node                                                          gate
//!    │  LABKEEPER-GATE/1 segment=cryo epoch=42 node=lab-a\n ───────►│
//!    │◄───────────────────────────────────────────────────── OK\n   │  forwards from here on
//!    │                                          or  STALE epoch=43\n │  closes
//! ```
//!
//! It knows nothing of what the device speaks. The gate itself is a mode of the node's program.

use crate::driver::DriverError;
use labkeeper_model::{Epoch, Name};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest answer in bytes: `STALE epoch=`, 20 digits of a 64-bit number and the line's end are 33.
const ANSWER_BYTES_MAX: usize = 64;

/// How to get past a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The gate's `host:port`.
    pub address: String,
    /// The segment that the device belongs to.
    pub segment: Name,
    /// The epoch under which this node owns it.
    pub epoch: Epoch,
    /// This node's name, for the gate's log.
    pub node: String,
}

/// What a gate answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Open,
    Stale { newest: Epoch },
}

impl Pass {
    /// The line that is sent.
    fn line(&self) -> String {
        let Self { segment, epoch, node, .. } = self;
        format!("LABKEEPER-GATE/1 segment={segment} epoch={epoch} node={node}\n")
    }

    /// Says the line and waits for the answer, for as long as the caller lets it.
    ///
    /// # Errors
    /// [`DriverError::Fenced`] if the gate knows a newer owner; unreachable or a protocol error if it does not answer like a gate.
    pub async fn show(&self, stream: &mut TcpStream) -> Result<(), DriverError> {
        let broke = |error: io::Error| DriverError::unreachable(format!("the gate at {} broke the connection: {error}", self.address));
        stream.write_all(self.line().as_bytes()).await.map_err(broke)?;
        let line = read_line(stream).await.map_err(broke)?;
        match parse(&line) {
            Some(Answer::Open) => Ok(()),
            Some(Answer::Stale { newest }) => Err(DriverError::Fenced {
                newest: Some(newest),
                message: format!("the gate at {} serves epoch {newest}, and this is epoch {}", self.address, self.epoch),
            }),
            None => Err(DriverError::protocol(format!("{} does not answer like a gate", self.address))),
        }
    }
}

/// Reads up to the end of the line and not a byte more: what follows is the device's.
async fn read_line(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut line = vec![];
    while line.last() != Some(&b'\n') && line.len() < ANSWER_BYTES_MAX {
        line.push(stream.read_u8().await?);
    }
    Ok(line)
}

fn parse(line: &[u8]) -> Option<Answer> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    if line == "OK" {
        return Some(Answer::Open);
    }
    let newest = line.strip_prefix("STALE epoch=")?.parse().ok()?;
    Some(Answer::Stale { newest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_what_gates_expect() {
        let segment = Name::new("cryo").unwrap();
        let pass = Pass { address: "10.1.0.9:7502".into(), segment, epoch: 42, node: "lab-a".into() };
        assert_eq!(pass.line(), "LABKEEPER-GATE/1 segment=cryo epoch=42 node=lab-a\n");
    }

    #[test]
    fn answers_are_understood_and_anything_else_is_none() {
        assert_eq!(parse(b"OK\n"), Some(Answer::Open));
        assert_eq!(parse(b"STALE epoch=18446744073709551615\n"), Some(Answer::Stale { newest: Epoch::MAX }));
        for bad in [&b"OK"[..], b"ok\n", b"OK \n", b"STALE\n", b"STALE epoch=\n", b"STALE epoch=-1\n", b"\xff\n", b"", b"HTTP/1.1 400\n"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
