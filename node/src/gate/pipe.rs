//! Bytes between a node and the device, both ways, for as long as it is the node's turn.
//!
//! One piece is on its way in each direction; whoever does not read slows only the one who sends to it. It does not look at what it carries.

use super::turn::{NotSent, Turn, Turns};
use std::io;
use tokio::net::TcpStream;

/// One piece: more than any Modbus frame (260 bytes), so that a request is not torn apart. Two for each connection, of which there is one.
const PIECE_BYTES: usize = 4096;

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The node closed it.
    ByNode,
    /// The device closed it.
    ByDevice,
    /// A newer connection was let in.
    TurnIsOver,
    /// It broke.
    Broken(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// Carries bytes until one side ends.
pub(super) async fn carry(node: &TcpStream, device: &TcpStream, turns: &Turns, turn: Turn) -> End {
    let ended = tokio::select! {
        ended = to_device(node, device, turns, turn) => ended,
        ended = to_node(device, node) => ended,
    };
    match ended {
        Ok(end) | Err(end) => end,
    }
}

async fn to_device(node: &TcpStream, device: &TcpStream, turns: &Turns, turn: Turn) -> Result<End, End> {
    let mut piece = [0; PIECE_BYTES];
    loop {
        let length = receive(node, &mut piece).await?;
        if length == 0 {
            return Ok(End::ByNode);
        }
        let mut rest = &piece[..length];
        while !rest.is_empty() {
            device.writable().await?;
            match turns.try_send(turn, device, rest) {
                Ok(sent) => rest = &rest[sent..],
                Err(NotSent::TurnIsOver) => return Ok(End::TurnIsOver),
                Err(NotSent::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(NotSent::Io(error)) => return Err(End::Broken(error)),
            }
        }
    }
}

async fn to_node(device: &TcpStream, node: &TcpStream) -> Result<End, End> {
    let mut piece = [0; PIECE_BYTES];
    loop {
        let length = receive(device, &mut piece).await?;
        if length == 0 {
            return Ok(End::ByDevice);
        }
        let mut rest = &piece[..length];
        while !rest.is_empty() {
            node.writable().await?;
            match node.try_write(rest) {
                Ok(sent) => rest = &rest[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(End::Broken(error)),
            }
        }
    }
}

/// Waits for bytes; 0 when there will be no more.
async fn receive(stream: &TcpStream, piece: &mut [u8]) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        match stream.try_read(piece) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}
