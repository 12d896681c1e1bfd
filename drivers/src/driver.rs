//! What a driver is to its bus, and how it fails.
//!
//! A driver owns one connection and does one request at a time. It decides nothing: not when to read, not when to try
//! again, not whether a write is allowed. Errors are sorted by what the caller can do next:
//!
//! | error | what to do next |
//! |---|---|
//! | transient | try again later, with back-off; the same request may succeed |
//! | permanent | nothing until the declaration or the installation changes |
//! | protocol | drop the connection: what comes next on it cannot be trusted either |
//! | refused | the device works and said no; look at the request |
//! | fenced | let go of the device: somebody with a newer epoch has it |

use crate::cells::Cells;
use crate::departure::Departure;
use crate::plan::Span;
use labkeeper_model::site::Register;
use labkeeper_model::{BadReason, Epoch, ErrorCode};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// One connection's worth of a protocol.
///
/// A failed request may leave the connection unusable; the driver then drops it and [`Driver::is_connected`] says so.
/// Dropping the driver, or a future of it, closes what it holds.
pub trait Driver: Send {
    /// Opens the connection, closing an earlier one. Bounded in time by the driver itself.
    fn connect(&mut self) -> impl Future<Output = Result<(), DriverError>> + Send;
    /// Whether there is a connection on which a request makes sense.
    fn is_connected(&self) -> bool;
    /// Does one request of a read plan. `Ok` has exactly as many cells as the span.
    fn read(&mut self, target: Target, span: Span) -> impl Future<Output = Result<Cells, DriverError>> + Send;
    /// Writes consecutive cells, all in one request.
    ///
    /// Once the whole frame can be handed over without waiting, the driver calls [`Departure::ask`] and, if it may, hands the frame
    /// over with no await in between; then it calls [`Departure::left`]. A frame that was taken in part ends the connection.
    fn write(
        &mut self,
        target: Target,
        first: Register,
        cells: Cells,
        departure: &Arc<Departure>,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Drops the connection, if there is one, with everything that has not reached the device yet.
    fn close(&mut self);
}

/// Whom a request is for, and how long its answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The unit behind the connection.
    pub unit_id: u8,
    /// Longest time from handing over the request to having the whole answer.
    pub timeout: Duration,
}

/// Why a transient error came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// No answer in time.
    Timeout,
    /// No connection, or it broke.
    Unreachable,
    /// The device answered that it is busy and did nothing.
    Busy,
}

/// How a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// The same request may succeed later.
    #[error("{message}")]
    Transient {
        /// Why.
        cause: Cause,
        /// For people.
        message: String,
    },
    /// The request cannot succeed until something is changed.
    #[error("{message}")]
    Permanent {
        /// For people.
        message: String,
    },
    /// What came back is not the protocol.
    #[error("{message}")]
    Protocol {
        /// For people.
        message: String,
    },
    /// The device said no.
    #[error("{message}")]
    Refused {
        /// The device objects to the range of addresses: asked for less at a time it may answer.
        narrower_may_work: bool,
        /// For people.
        message: String,
    },
    /// The device, or the gate before it, knows a newer owner.
    #[error("{message}")]
    Fenced {
        /// The newest epoch that it knows, if it said so.
        newest: Option<Epoch>,
        /// For people.
        message: String,
    },
}

impl DriverError {
    /// No answer in time.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::Transient { cause: Cause::Timeout, message: message.into() }
    }

    /// No connection.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::Transient { cause: Cause::Unreachable, message: message.into() }
    }

    /// Not possible as things are declared.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::Permanent { message: message.into() }
    }

    /// Not the protocol.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::Protocol { message: message.into() }
    }

    /// The quality that readings get because of it.
    #[must_use]
    pub const fn reason(&self) -> BadReason {
        match self {
            Self::Transient { cause: Cause::Timeout, .. } => BadReason::Timeout,
            Self::Transient { cause: Cause::Unreachable, .. } | Self::Fenced { .. } => BadReason::CommFailure,
            Self::Transient { cause: Cause::Busy, .. } | Self::Refused { .. } => BadReason::DeviceError,
            Self::Permanent { .. } => BadReason::Configuration,
            Self::Protocol { .. } => BadReason::Protocol,
        }
    }

    /// The stable code under which a person meets it.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Transient { cause: Cause::Timeout, .. } => ErrorCode::DeviceTimeout,
            Self::Transient { cause: Cause::Unreachable, .. } => ErrorCode::DeviceUnreachable,
            Self::Transient { cause: Cause::Busy, .. } | Self::Refused { .. } => ErrorCode::DeviceRefused,
            Self::Permanent { .. } => ErrorCode::DeviceConfiguration,
            Self::Protocol { .. } => ErrorCode::DeviceProtocol,
            Self::Fenced { .. } => ErrorCode::Fenced,
        }
    }

    /// Whether the device proved by its answer that it is there: then only this request failed, not the device.
    #[must_use]
    pub const fn is_an_answer(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Transient { cause: Cause::Busy, .. })
    }
}

/// What kept a write from being sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The device has as many writes waiting as it takes; trying again shortly makes sense.
    #[error("too many writes are waiting for this device")]
    Busy,
    /// The bus was stopped first, or is being started again.
    #[error("the bus was stopped before the write was sent")]
    Stopped,
    /// The device has not been read yet since the bus was taken over; trying again shortly makes sense.
    #[error("the device has not been read yet, and is not written before")]
    NotReadYet,
    /// The guard said no: its own words.
    #[error("{0}")]
    Guard(String),
    /// The device cannot be reached, or the value does not fit.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

/// How a write failed, by what may have become of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Nothing was sent: the device is as it was.
    #[error("not sent: {0}")]
    NotSent(Obstacle),
    /// The device answered that it did not do it.
    #[error("refused: {0}")]
    Refused(DriverError),
    /// The frame may have reached the device, and the effect is unknown.
    #[error("sent, but with unknown effect: {0}")]
    MayHaveReached(DriverError),
}

impl WriteError {
    /// Sorts the failure of a write whose frame was handed to the socket. Only an answer proves that nothing happened.
    #[must_use]
    pub const fn after_sending(error: DriverError) -> Self {
        if error.is_an_answer() { Self::Refused(error) } else { Self::MayHaveReached(error) }
    }

    /// The stable code under which a person meets it.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotSent(Obstacle::Busy) => ErrorCode::Overloaded,
            Self::NotSent(Obstacle::NotReadYet) => ErrorCode::DeviceUnreachable,
            Self::NotSent(Obstacle::Stopped) => ErrorCode::NotOwner,
            Self::NotSent(Obstacle::Guard(_)) => ErrorCode::WriteFailed,
            Self::NotSent(Obstacle::Driver(error)) | Self::Refused(error) => error.code(),
            Self::MayHaveReached(_) => ErrorCode::OutcomeUnknown,
        }
    }

    /// Whether the device may have taken the value although the write failed.
    #[must_use]
    pub const fn may_have_reached(&self) -> bool {
        matches!(self, Self::MayHaveReached(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_proves_that_a_write_had_no_effect() {
        let refused = DriverError::Refused { narrower_may_work: false, message: "no".into() };
        let busy = DriverError::Transient { cause: Cause::Busy, message: "busy".into() };
        assert!(!WriteError::after_sending(refused).may_have_reached());
        assert!(!WriteError::after_sending(busy).may_have_reached());
        for error in [DriverError::timeout("t"), DriverError::unreachable("u"), DriverError::protocol("p"), DriverError::permanent("x")] {
            assert!(WriteError::after_sending(error.clone()).may_have_reached(), "{error}");
        }
    }
}
