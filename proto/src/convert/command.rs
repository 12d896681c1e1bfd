//! Where a command stands, and how far a client waits for it.

use super::{ConvertError, unknown_number};
use crate::v1;
use labkeeper_model::{CommandState, Timestamp, WaitLevel};

impl From<CommandState> for v1::CommandState {
    fn from(state: CommandState) -> Self {
        match state {
            CommandState::Received => Self::Received,
            CommandState::Validated => Self::Validated,
            CommandState::Committed => Self::Committed,
            CommandState::Dispatched => Self::Dispatched,
            CommandState::Written => Self::Written,
            CommandState::Verified => Self::Verified,
            CommandState::Rejected => Self::Rejected,
            CommandState::Expired => Self::Expired,
            CommandState::Superseded => Self::Superseded,
            CommandState::Cancelled => Self::Cancelled,
            CommandState::Failed => Self::Failed,
            CommandState::VerifyFailed => Self::VerifyFailed,
            CommandState::Unknown => Self::Unknown,
        }
    }
}

impl TryFrom<v1::CommandState> for CommandState {
    type Error = ConvertError;
    fn try_from(state: v1::CommandState) -> Result<Self, ConvertError> {
        Ok(match state {
            v1::CommandState::Unspecified => return Err(ConvertError::new("state", "is missing")),
            v1::CommandState::Received => Self::Received,
            v1::CommandState::Validated => Self::Validated,
            v1::CommandState::Committed => Self::Committed,
            v1::CommandState::Dispatched => Self::Dispatched,
            v1::CommandState::Written => Self::Written,
            v1::CommandState::Verified => Self::Verified,
            v1::CommandState::Rejected => Self::Rejected,
            v1::CommandState::Expired => Self::Expired,
            v1::CommandState::Superseded => Self::Superseded,
            v1::CommandState::Cancelled => Self::Cancelled,
            v1::CommandState::Failed => Self::Failed,
            v1::CommandState::VerifyFailed => Self::VerifyFailed,
            v1::CommandState::Unknown => Self::Unknown,
        })
    }
}

/// A field that holds a command's state by its number.
///
/// # Errors
/// [`ConvertError`] when it is absent or unknown to this version.
pub fn command_state(field: &str, number: i32) -> Result<CommandState, ConvertError> {
    let state = v1::CommandState::try_from(number).map_err(|_| unknown_number(field, number))?;
    CommandState::try_from(state).map_err(|e| ConvertError::new(field, e.what))
}

impl From<WaitLevel> for v1::WaitLevel {
    fn from(level: WaitLevel) -> Self {
        match level {
            WaitLevel::Committed => Self::Committed,
            WaitLevel::Written => Self::Written,
            WaitLevel::Verified => Self::Verified,
        }
    }
}

impl From<v1::WaitLevel> for WaitLevel {
    /// Not given means committed, as the proto says.
    fn from(level: v1::WaitLevel) -> Self {
        match level {
            v1::WaitLevel::Unspecified | v1::WaitLevel::Committed => Self::Committed,
            v1::WaitLevel::Written => Self::Written,
            v1::WaitLevel::Verified => Self::Verified,
        }
    }
}

/// A field that holds a wait level by its number.
///
/// # Errors
/// [`ConvertError`] when it is unknown to this version.
pub fn wait_level(field: &str, number: i32) -> Result<WaitLevel, ConvertError> {
    v1::WaitLevel::try_from(number).map(Into::into).map_err(|_| unknown_number(field, number))
}

impl From<&(CommandState, Timestamp)> for v1::CommandStep {
    fn from((state, time): &(CommandState, Timestamp)) -> Self {
        Self { state: v1::CommandState::from(*state).into(), time_unix_ns: time.0 }
    }
}

impl TryFrom<v1::CommandStep> for (CommandState, Timestamp) {
    type Error = ConvertError;
    fn try_from(step: v1::CommandStep) -> Result<Self, ConvertError> {
        Ok((command_state("state", step.state)?, Timestamp(step.time_unix_ns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_comes_back_in_the_order_of_its_numbers() {
        for (number, state) in (1..).zip(CommandState::ALL) {
            assert_eq!(i32::from(v1::CommandState::from(state)), number);
            assert_eq!(command_state("state", number), Ok(state));
            let step = (state, Timestamp(7));
            assert_eq!(<(CommandState, Timestamp)>::try_from(v1::CommandStep::from(&step)), Ok(step));
        }
        assert!(v1::CommandState::try_from(14).is_err(), "a state was added to the proto: add it here");
    }

    #[test]
    fn no_state_and_an_unknown_state_are_refused() {
        assert_eq!(command_state("reports.state", 0), Err(ConvertError::new("reports.state", "is missing")));
        assert_eq!(command_state("state", -1).map_err(|e| e.field), Err("state".into()));
        assert!(command_state("state", 14).is_err());
    }

    #[test]
    fn every_wait_level_comes_back_and_none_is_committed() {
        for level in [WaitLevel::Committed, WaitLevel::Written, WaitLevel::Verified] {
            assert_eq!(wait_level("wait", v1::WaitLevel::from(level).into()), Ok(level));
        }
        assert_eq!(wait_level("wait", 0), Ok(WaitLevel::Committed));
        assert!(wait_level("wait", 4).is_err());
    }
}
