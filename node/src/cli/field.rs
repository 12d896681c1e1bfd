//! What takeovers leave behind at tags: setpoints that differ from their devices, and tags that wait for an operator.

use super::error::CliError;
use super::reading::bad_answer;
use super::status::words;
use super::value;
use labkeeper_model::{Timestamp, Value};
use labkeeper_proto::convert::value_opt;
use labkeeper_proto::v1;
use serde::Serialize;

/// A setpoint that a takeover left different from its device.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drift {
    /// What the new owner found and did, as a stable word.
    pub(super) outcome: String,
    /// What the device had; `None` if it could not be read.
    pub(super) actual: Option<Value>,
    since: Timestamp,
}

/// A tag that takes no setpoints until an operator confirms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hold {
    reason: String,
    actual: Option<Value>,
    since: Timestamp,
}

/// A drift in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct DriftJson {
    outcome: String,
    actual: serde_json::Value,
    since: String,
}

/// A hold in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct HoldJson {
    reason: String,
    actual: serde_json::Value,
    since: String,
}

impl TryFrom<v1::TagDrift> for Drift {
    type Error = CliError;
    fn try_from(wire: v1::TagDrift) -> Result<Self, CliError> {
        let actual = value_opt(wire.actual).map_err(|error| bad_answer(&error))?;
        Ok(Self { outcome: words::outcome(wire.outcome), actual, since: Timestamp::from_millis(wire.since_unix_ms) })
    }
}

impl TryFrom<v1::TagHold> for Hold {
    type Error = CliError;
    fn try_from(wire: v1::TagHold) -> Result<Self, CliError> {
        let actual = value_opt(wire.actual).map_err(|error| bad_answer(&error))?;
        Ok(Self { reason: words::hold_reason(wire.reason), actual, since: Timestamp::from_millis(wire.since_unix_ms) })
    }
}

impl Drift {
    /// As JSON.
    #[must_use]
    pub(super) fn json(&self) -> DriftJson {
        DriftJson { outcome: self.outcome.clone(), actual: value::to_json(self.actual.as_ref()), since: value::time(self.since) }
    }
}

impl Hold {
    /// As JSON.
    #[must_use]
    pub(super) fn json(&self) -> HoldJson {
        HoldJson { reason: self.reason.clone(), actual: value::to_json(self.actual.as_ref()), since: value::time(self.since) }
    }
}
