//! What a bus has done so far, for metrics and for people.

use crate::driver::{Cause, DriverError};
use crate::health::HealthState;
use labkeeper_model::Name;
use std::collections::BTreeMap;
use std::time::Duration;

/// Failed requests by kind, since the bus was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCounts {
    /// No answer in time.
    pub timeout: u64,
    /// No connection, or it broke.
    pub unreachable: u64,
    /// The device was busy.
    pub busy: u64,
    /// Not the protocol.
    pub protocol: u64,
    /// The device said no.
    pub refused: u64,
    /// Not possible as things are declared.
    pub permanent: u64,
    /// Somebody with a newer epoch has the device.
    pub fenced: u64,
}

impl ErrorCounts {
    /// Counts one.
    pub(super) const fn count(&mut self, error: &DriverError) {
        let counter = match error {
            DriverError::Transient { cause: Cause::Timeout, .. } => &mut self.timeout,
            DriverError::Transient { cause: Cause::Unreachable, .. } => &mut self.unreachable,
            DriverError::Transient { cause: Cause::Busy, .. } => &mut self.busy,
            DriverError::Protocol { .. } => &mut self.protocol,
            DriverError::Refused { .. } => &mut self.refused,
            DriverError::Permanent { .. } => &mut self.permanent,
            DriverError::Fenced { .. } => &mut self.fenced,
        };
        *counter += 1;
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.timeout + self.unreachable + self.busy + self.protocol + self.refused + self.permanent + self.fenced
    }
}

/// The commands of one device that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Writes that are waiting.
    pub writes: usize,
    /// Single reads that are waiting.
    pub reads: usize,
    /// Writes that were refused at once because too many were waiting.
    pub writes_refused: u64,
    /// Single reads that were refused at once because too many were waiting.
    pub reads_refused: u64,
}

/// One device of a bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceStats {
    /// Whether it answers.
    pub health: HealthState,
    /// Requests sent to it.
    pub requests: u64,
    /// Requests that failed, by kind.
    pub errors: ErrorCounts,
    /// Polls that began late, by more than a tenth of their period.
    pub late: u64,
    /// Polls that were left out because the bus was busy. Those left out in a back-off are not counted.
    pub skipped: u64,
    /// Polls that took longer than their interval.
    pub overruns: u64,
    /// The interval that polls have: the declared one, or a multiple of it while polls take longer.
    pub poll_interval_effective: Duration,
    /// Its commands.
    pub queues: QueueStats,
    /// The last error's words; it stays after the device has recovered.
    pub last_error: Option<String>,
}

/// A bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BusStats {
    /// Whether the connection stands. Online until the next attempt to open it fails.
    pub link: HealthState,
    /// Attempts to open the connection.
    pub connects: u64,
    /// Attempts that failed.
    pub connect_errors: u64,
    /// Why the last one failed.
    pub last_connect_error: Option<String>,
    /// Requests sent, commands included.
    pub requests: u64,
    /// Writes that a device confirmed.
    pub writes: u64,
    /// Its devices by name.
    pub devices: BTreeMap<Name, DeviceStats>,
}

impl BusStats {
    /// Failed requests of all devices, by kind.
    #[must_use]
    pub fn errors(&self) -> ErrorCounts {
        self.devices.values().map(|device| device.errors).fold(ErrorCounts::default(), |sum, one| ErrorCounts {
            timeout: sum.timeout + one.timeout,
            unreachable: sum.unreachable + one.unreachable,
            busy: sum.busy + one.busy,
            protocol: sum.protocol + one.protocol,
            refused: sum.refused + one.refused,
            permanent: sum.permanent + one.permanent,
            fenced: sum.fenced + one.fenced,
        })
    }

    /// The commands of all devices.
    #[must_use]
    pub fn queues(&self) -> QueueStats {
        self.devices.values().map(|device| device.queues).fold(QueueStats::default(), |sum, one| QueueStats {
            writes: sum.writes + one.writes,
            reads: sum.reads + one.reads,
            writes_refused: sum.writes_refused + one.writes_refused,
            reads_refused: sum.reads_refused + one.reads_refused,
        })
    }

    /// Polls of all devices that began late.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.devices.values().map(|device| device.late).sum()
    }

    /// Polls of all devices that were left out because the bus was busy.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.devices.values().map(|device| device.skipped).sum()
    }
}
