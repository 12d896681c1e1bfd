//! Connections to other nodes, kept and shared. A connection is made when it is first used and again when it broke.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Entries.
    Append,
    /// Votes, heartbeats, transfers.
    Heartbeat,
    /// Snapshots.
    Snapshot,
    /// What nodes ask of each other beside consensus.
    Peer,
}

/// Most connections: seven nodes with four lanes are 28; nodes that came and went, or changed their addresses, may add as many
/// again ten times over before all are dropped and made anew as needed.
const CHANNELS_MAX: usize = 256;
/// How long a connection may take to be made. Ten round trips across a continent; far below an election where nodes are near.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A silent connection is asked for a sign of life this often, and given up after as long again without one.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

#[derive(Clone, Default)]
pub(crate) struct Pool {
    channels: Arc<Mutex<BTreeMap<(String, Lane), Channel>>>,
}

impl Pool {
    /// The connection to an address for a purpose. Must be called within a tokio runtime, which then carries the connection.
    pub(crate) fn channel(&self, address: &str, lane: Lane) -> Result<Channel, tonic::transport::Error> {
        let key = (address.to_owned(), lane);
        let mut channels = self.channels.lock();
        if let Some(channel) = channels.get(&key) {
            return Ok(channel.clone());
        }
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true)
            // A whole chunk or request fits without waiting for the other side's permission.
            .initial_stream_window_size(4 * 1024 * 1024)
            .initial_connection_window_size(8 * 1024 * 1024);
        let channel = endpoint.connect_lazy();
        if channels.len() >= CHANNELS_MAX {
            channels.clear();
        }
        channels.insert(key, channel.clone());
        Ok(channel)
    }
}
