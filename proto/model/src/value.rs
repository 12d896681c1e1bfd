//! A value, how far it can be trusted, and when it was so.
//!
//! A reading without a value says why: there is no `NaN` or `-1` that means "broken".

use crate::Timestamp;
use std::fmt;

/// One quantity's value, in the tag's engineering unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A coil, a discrete input, a flag.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A real number. Never NaN or infinite where it is a setpoint.
    F64(f64),
    /// A text of a bounded number of characters.
    Text(String),
}

impl Value {
    /// The kind of value in words, with their article: "a boolean", "an integer", "a number" or "a text".
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::I64(_) | Self::U64(_) => "an integer",
            Self::F64(_) => "a number",
            Self::Text(_) => "a text",
        }
    }

    /// The value as a real number, for limits and deadbands; `None` for booleans and texts. Integers beyond
    /// 2^53 lose their last digits.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "documented: limits and deadbands compare in f64")]
    pub const fn as_f64(&self) -> Option<f64> {
        match self {
            Self::I64(v) => Some(*v as f64),
            Self::U64(v) => Some(*v as f64),
            Self::F64(v) => Some(*v),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    /// Whether two values are the same within `tolerance` (absolute, in the tag's unit). Integers, booleans and texts
    /// with a zero tolerance are compared exactly.
    #[must_use]
    pub fn within(&self, other: &Self, tolerance: f64) -> bool {
        if self == other {
            return true;
        }
        match (self.as_f64(), other.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= tolerance,
            _ => false,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::I64(v) => write!(f, "{v}"),
            Self::U64(v) => write!(f, "{v}"),
            Self::F64(v) => write!(f, "{v}"),
            Self::Text(v) => write!(f, "{v:?}"),
        }
    }
}

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Read from the device, in time.
    Good,
    /// Usable with care.
    Uncertain(UncertainReason),
    /// Not to be acted upon.
    Bad(BadReason),
}

/// Why a value is uncertain. A closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UncertainReason {
    /// The last good value, older than it should be.
    Stale,
    /// Outside the range that the tag declares.
    OutOfRange,
}

/// Why a value is bad. A closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BadReason {
    /// No reading has been taken since the owner started.
    NotYetRead,
    /// The connection to the device is down.
    CommFailure,
    /// The device did not answer in time.
    Timeout,
    /// The device answered with something that is not its protocol, or not a value of the declared type.
    Protocol,
    /// The device refused the request (a Modbus exception, for instance).
    DeviceError,
    /// The tag's declaration does not fit the device.
    Configuration,
    /// No node owns the segment at present.
    NotOwned,
    /// The owner is out of reach of the node that answers.
    OwnerUnreachable,
    /// The owner leaves the device alone: its driver failed too often.
    Quarantined,
}

impl Quality {
    /// Stable words for files, logs and JSON: `good`, `uncertain:stale`, `bad:timeout`, ...
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain(UncertainReason::Stale) => "uncertain:stale",
            Self::Uncertain(UncertainReason::OutOfRange) => "uncertain:out_of_range",
            Self::Bad(BadReason::NotYetRead) => "bad:not_yet_read",
            Self::Bad(BadReason::CommFailure) => "bad:comm_failure",
            Self::Bad(BadReason::Timeout) => "bad:timeout",
            Self::Bad(BadReason::Protocol) => "bad:protocol",
            Self::Bad(BadReason::DeviceError) => "bad:device_error",
            Self::Bad(BadReason::Configuration) => "bad:configuration",
            Self::Bad(BadReason::NotOwned) => "bad:not_owned",
            Self::Bad(BadReason::OwnerUnreachable) => "bad:owner_unreachable",
            Self::Bad(BadReason::Quarantined) => "bad:quarantined",
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One reading of one tag. Which tag is said by whatever carries the sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When the owner received it, strictly increasing per tag and owner.
    pub time: Timestamp,
    /// The value; with a bad quality the last good one, or none if there never was one.
    pub value: Option<Value>,
    /// How far to trust it.
    pub quality: Quality,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerance_compares_across_number_kinds_and_nothing_else() {
        assert!(Value::F64(5.0).within(&Value::I64(5), 0.0));
        assert!(Value::F64(5.04).within(&Value::F64(5.0), 0.05));
        assert!(!Value::F64(5.06).within(&Value::F64(5.0), 0.05));
        assert!(!Value::F64(f64::NAN).within(&Value::F64(5.0), 1e9));
        assert!(!Value::Bool(true).within(&Value::I64(1), 10.0));
    }
}
