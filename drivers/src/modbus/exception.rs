//! What a device refuses with: the exception codes of Modbus V1.1b3, section 7, and what each means for the caller.
//!
//! It knows nothing of connections.

use crate::driver::{Cause, DriverError};
use std::fmt;

/// An exception code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exception {
    /// 1: the device does not have this function.
    IllegalFunction,
    /// 2: an address of the range does not exist.
    IllegalDataAddress,
    /// 3: the value, or the number of cells, is not allowed.
    IllegalDataValue,
    /// 4: the device tried and failed.
    ServerDeviceFailure,
    /// 5: accepted, and still being worked on.
    Acknowledge,
    /// 6: busy with something else; nothing was done.
    ServerDeviceBusy,
    /// 7: cannot be done (of older versions of the protocol).
    NegativeAcknowledge,
    /// 8: the device's memory failed its check.
    MemoryParityError,
    /// 10: the gateway has no free path to the device.
    GatewayPathUnavailable,
    /// 11: the gateway asked the device behind it and got no answer.
    GatewayTargetFailedToRespond,
    /// A code that the specification does not define.
    Other(u8),
}

impl Exception {
    /// The exception of a code.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::IllegalFunction,
            2 => Self::IllegalDataAddress,
            3 => Self::IllegalDataValue,
            4 => Self::ServerDeviceFailure,
            5 => Self::Acknowledge,
            6 => Self::ServerDeviceBusy,
            7 => Self::NegativeAcknowledge,
            8 => Self::MemoryParityError,
            10 => Self::GatewayPathUnavailable,
            11 => Self::GatewayTargetFailedToRespond,
            other => Self::Other(other),
        }
    }

    /// Its code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::IllegalFunction => 1,
            Self::IllegalDataAddress => 2,
            Self::IllegalDataValue => 3,
            Self::ServerDeviceFailure => 4,
            Self::Acknowledge => 5,
            Self::ServerDeviceBusy => 6,
            Self::NegativeAcknowledge => 7,
            Self::MemoryParityError => 8,
            Self::GatewayPathUnavailable => 10,
            Self::GatewayTargetFailedToRespond => 11,
            Self::Other(code) => code,
        }
    }

    /// Its name in the specification.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IllegalFunction => "illegal function",
            Self::IllegalDataAddress => "illegal data address",
            Self::IllegalDataValue => "illegal data value",
            Self::ServerDeviceFailure => "server device failure",
            Self::Acknowledge => "acknowledge (still being processed)",
            Self::ServerDeviceBusy => "server device busy",
            Self::NegativeAcknowledge => "negative acknowledge",
            Self::MemoryParityError => "memory parity error",
            Self::GatewayPathUnavailable => "gateway path unavailable",
            Self::GatewayTargetFailedToRespond => "gateway target device failed to respond",
            Self::Other(_) => "undefined exception",
        }
    }

    /// What it means for the caller; `request` says what was asked for, in words.
    ///
    /// A gateway's exceptions are not the device's word: 11 is a time-out seen by somebody else, and a write may have
    /// reached the device before it. 5 promises an outcome that no answer will tell, which is a time-out too.
    #[must_use]
    pub fn into_error(self, request: &str) -> DriverError {
        let message = format!("{request}: {self}");
        match self {
            Self::ServerDeviceBusy => DriverError::Transient { cause: Cause::Busy, message },
            Self::Acknowledge | Self::GatewayTargetFailedToRespond => DriverError::timeout(message),
            Self::GatewayPathUnavailable => DriverError::unreachable(message),
            Self::IllegalDataAddress => DriverError::Refused { narrower_may_work: true, message },
            _ => DriverError::Refused { narrower_may_work: false, message },
        }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exception {}, {}", self.code(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_and_has_its_own_name() {
        let mut names = std::collections::BTreeSet::new();
        for code in 0..=u8::MAX {
            let exception = Exception::from_code(code);
            assert_eq!(exception.code(), code);
            if !matches!(exception, Exception::Other(_)) {
                assert!(names.insert(exception.name()), "{exception} has another's name");
            }
        }
        assert_eq!(names.len(), 10, "the specification defines nine codes, its predecessor one more");
    }

    #[test]
    fn an_exception_says_what_to_do_next() {
        let error = |code| Exception::from_code(code).into_error("read input:0");
        assert!(matches!(error(2), DriverError::Refused { narrower_may_work: true, .. }));
        assert!(matches!(error(3), DriverError::Refused { narrower_may_work: false, .. }));
        assert!(matches!(error(6), DriverError::Transient { cause: Cause::Busy, .. }));
        assert!(matches!(error(10), DriverError::Transient { cause: Cause::Unreachable, .. }));
        assert!(matches!(error(11), DriverError::Transient { cause: Cause::Timeout, .. }));
        assert_eq!(error(2).to_string(), "read input:0: exception 2, illegal data address");
    }
}
