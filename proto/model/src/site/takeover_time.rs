//! How long a device is alone when its owner dies, at worst, and of what that consists.
//!
//! ```text
//!  last poll     owner and leader die     new leader     lease counted out      connected, first reading
//!     |---- poll -----|----- election -----|- lease, guard -|------ connect -------|
//! ```
//!
//! The parts add up, because the owner may be the leader too, and a new leader counts every lease in full from its first entry: it cannot
//! know when the old one began. Where another node dies than the leader, the election falls away.

use super::DeviceSpec;
use crate::LeaseTerms;
use std::fmt;
use std::time::Duration;

/// The parts of the longest takeover of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeoverTime {
    /// Since the last request before the owner died.
    pub poll: Duration,
    /// Until there is a leader and it has committed an entry.
    pub election: Duration,
    /// Until the leader may give the segment to another node.
    pub lease: Duration,
    /// Until the new owner is connected and has a reading: the device's time-out for each.
    pub connect: Duration,
}

impl TakeoverTime {
    /// Of a device, under the terms of its owner's session and with the longest election that the nodes' timing allows.
    #[must_use]
    pub fn of(device: &DeviceSpec, terms: &LeaseTerms, election: Duration) -> Self {
        Self { poll: device.poll, election, lease: terms.leader_waits(), connect: device.timeout.saturating_mul(2) }
    }

    /// All parts together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.poll.saturating_add(self.election).saturating_add(self.lease).saturating_add(self.connect)
    }
}

impl fmt::Display for TakeoverTime {
    /// The addition, in milliseconds rounded up: `500ms since the last poll + ... = 5.3s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = |part: Duration| Duration::from_millis(u64::try_from(part.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX));
        write!(
            f,
            "{:?} since the last poll + {:?} election + {:?} lease and guard + {:?} to connect and read = {:?}",
            up(self.poll),
            up(self.election),
            up(self.lease),
            up(self.connect),
            up(self.total())
        )
    }
}
