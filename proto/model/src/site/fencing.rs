//! What keeps the late write of a node that has lost its lease away from a device.
//!
//! A node's own clock closes almost everything, but not a process that is frozen between looking at the clock and sending. What closes
//! that is something at the device, and devices differ in what they have. So each device declares it, and the rung is shown wherever the
//! device is shown.

use super::Register;
use std::fmt;

/// How a device tells its owner from an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fencing {
    /// It does not: only the lease protects it.
    #[default]
    LeaseOnly,
    /// It serves one connection at a time, so that a new owner's connection is the only one.
    SingleConnection,
    /// It grants a lock that ends with the connection.
    DeviceLock,
    /// It compares epochs: whoever connects writes its epoch, and a connection with an older one cannot write.
    DeviceToken {
        /// Where the epoch is written: two holding registers, most significant word first.
        register: Register,
    },
    /// A gate stands before it and compares epochs on its behalf.
    Gate {
        /// The gate's `host:port`. The gate knows the device's own address.
        address: String,
    },
}

/// How strong the protection is: a higher rung closes more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// The lease alone: all but a process frozen between check and send.
    F1,
    /// One connection at a time.
    F3,
    /// A lock that ends with the connection; some devices let another client break it.
    F4,
    /// Epochs are compared at the device.
    F5,
}

impl Rung {
    /// Its short name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::F1 => "F1",
            Self::F3 => "F3",
            Self::F4 => "F4",
            Self::F5 => "F5",
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Fencing {
    /// Its word in a site file and wherever it is shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::LeaseOnly => "lease_only",
            Self::SingleConnection => "single_connection",
            Self::DeviceLock => "device_lock",
            Self::DeviceToken { .. } => "device_token",
            Self::Gate { .. } => "gate",
        }
    }

    /// The mechanism that is declared by its word alone; `None` for other words, and for mechanisms that need an address.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::LeaseOnly, Self::SingleConnection, Self::DeviceLock].into_iter().find(|fencing| fencing.as_str() == word)
    }

    /// Its place on the ladder.
    #[must_use]
    pub const fn rung(&self) -> Rung {
        match self {
            Self::LeaseOnly => Rung::F1,
            Self::SingleConnection => Rung::F3,
            Self::DeviceLock => Rung::F4,
            Self::DeviceToken { .. } | Self::Gate { .. } => Rung::F5,
        }
    }
}

impl fmt::Display for Fencing {
    /// `lease_only`, `device_token at holding:100`, `gate at 10.1.0.9:7502`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::DeviceToken { register } => write!(f, " at {register}"),
            Self::Gate { address } => write!(f, " at {address}"),
            _ => Ok(()),
        }
    }
}
