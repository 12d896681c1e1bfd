//! On whose behalf a bus acts, and what its owner demands of it.

use labkeeper_model::{Epoch, SessionId};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Whether this node may drive the bus's devices at this moment, whatever the command: the lease. Asked right before every frame that
/// changes something, ahead of the command's own guard, with nothing awaited in between. It must not wait for anything.
pub type Permit = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Told at each turn of a bus that it goes on, for whoever restarts what hangs.
pub type Progress = Arc<dyn Fn() + Send + Sync>;

/// What a bus is opened with.
#[derive(Clone)]
pub struct BusOptions {
    /// The owner's name, for the logs of gates.
    pub node: String,
    /// The epoch under which it owns the segment: the fencing token that is shown to devices and gates.
    pub epoch: Epoch,
    /// The owner's session, for the records of writes.
    pub session: SessionId,
    /// The local address of connections to devices; the operating system's choice if there is none.
    pub source: Option<IpAddr>,
    /// T_io: how long a write that was sent may still take effect.
    pub write_timeout: Duration,
    /// The right to drive.
    pub permit: Permit,
}

impl BusOptions {
    /// T_io where nothing else is said: a slow serial gateway's answer takes 100 ms; twice that.
    pub const WRITE_TIMEOUT_DEFAULT: Duration = Duration::from_millis(200);
}

impl Default for BusOptions {
    /// An owner without rivals: epoch and session 0, and a permit that is never refused.
    fn default() -> Self {
        Self {
            node: String::new(),
            epoch: 0,
            session: 0,
            source: None,
            write_timeout: Self::WRITE_TIMEOUT_DEFAULT,
            permit: Arc::new(|| Ok(())),
        }
    }
}

impl fmt::Debug for BusOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, epoch, session, source, write_timeout, permit: _ } = self;
        let mut out = f.debug_struct("BusOptions");
        out.field("node", node).field("epoch", epoch).field("session", session);
        out.field("source", source).field("write_timeout", write_timeout).finish_non_exhaustive()
    }
}
