//! A tag's reading as the command line shows it: one shape for `get` and `watch`, in JSON and in a table.

use super::error::CliError;
use super::field::{Drift, DriftJson, Hold, HoldJson};
use super::output::row;
use super::ramp::{Ramp, RampJson};
use super::value;
use labkeeper_model::{BadReason, ErrorCode, Quality, Sample, Timestamp, Value};
use labkeeper_proto::convert::{command_state, value_opt};
use labkeeper_proto::v1;
use serde::Serialize;

/// A reading in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ReadingJson {
    tag: String,
    value: serde_json::Value,
    unit: String,
    quality: &'static str,
    time: Option<String>,
    owner: Option<String>,
    setpoint: Option<SetpointJson>,
    drift: Option<DriftJson>,
    hold: Option<HoldJson>,
    fencing: Option<String>,
    ramp: Option<RampJson>,
}

/// A tag's setpoint in JSON. Its keys are a promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct SetpointJson {
    value: serde_json::Value,
    revision: u64,
    state: &'static str,
    by: String,
    reason: String,
}

/// A tag with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    /// `segment/device/tag`.
    pub(super) tag: String,
    unit: String,
    sample: Sample,
    owner: Option<String>,
    setpoint: Option<Setpoint>,
    drift: Option<Drift>,
    hold: Option<Hold>,
    fencing: Option<String>,
    ramp: Option<Ramp>,
}

#[derive(Clone, Debug, PartialEq)]
struct Setpoint {
    value: Option<Value>,
    revision: u64,
    state: &'static str,
    by: String,
    reason: String,
}

impl TryFrom<v1::TagReading> for Reading {
    type Error = CliError;
    fn try_from(wire: v1::TagReading) -> Result<Self, CliError> {
        let setpoint = wire.setpoint.map(|setpoint| {
            let state = command_state("setpoint.state", setpoint.state).map_err(|error| bad_answer(&error))?;
            let value = value_opt(setpoint.value).map_err(|error| bad_answer(&error))?;
            Ok::<_, CliError>(Setpoint {
                value,
                revision: setpoint.revision,
                state: state.as_str(),
                by: setpoint.actor,
                reason: setpoint.reason,
            })
        });
        Ok(Self {
            sample: sample(wire.sample)?,
            tag: wire.tag,
            unit: wire.unit,
            owner: (!wire.owner.is_empty()).then_some(wire.owner),
            setpoint: setpoint.transpose()?,
            drift: wire.drift.map(TryInto::try_into).transpose()?,
            hold: wire.hold.map(TryInto::try_into).transpose()?,
            fencing: (!wire.rung.is_empty()).then_some(wire.rung),
            ramp: wire.ramp.map(TryInto::try_into).transpose()?,
        })
    }
}

/// A sample as it came; none at all is one that was not yet read.
fn sample(wire: Option<v1::Sample>) -> Result<Sample, CliError> {
    match wire {
        None => Ok(Sample { time: Timestamp(0), value: None, quality: Quality::Bad(BadReason::NotYetRead) }),
        Some(sample) => Sample::try_from(sample).map_err(|error| bad_answer(&error)),
    }
}

/// A node's answer that this version does not understand.
pub(super) fn bad_answer(error: &dyn std::fmt::Display) -> CliError {
    CliError::failed(ErrorCode::Internal, format!("the node's answer makes no sense to this version: {error}"))
}

impl Reading {
    /// Takes a sample, and says whether it differs from the one before.
    ///
    /// # Errors
    /// The sample makes no sense to this version.
    pub(super) fn update(&mut self, wire: Option<v1::Sample>) -> Result<bool, CliError> {
        let before = std::mem::replace(&mut self.sample, sample(wire)?);
        Ok(before != self.sample)
    }

    /// As JSON.
    #[must_use]
    pub(super) fn json(&self) -> ReadingJson {
        ReadingJson {
            tag: self.tag.clone(),
            value: value::to_json(self.sample.value.as_ref()),
            unit: self.unit.clone(),
            quality: self.sample.quality.as_str(),
            time: (self.sample.time != Timestamp(0)).then(|| value::time(self.sample.time)),
            owner: self.owner.clone(),
            setpoint: self.setpoint.as_ref().map(|setpoint| SetpointJson {
                value: value::to_json(setpoint.value.as_ref()),
                revision: setpoint.revision,
                state: setpoint.state,
                by: setpoint.by.clone(),
                reason: setpoint.reason.clone(),
            }),
            drift: self.drift.as_ref().map(Drift::json),
            hold: self.hold.as_ref().map(Hold::json),
            fencing: self.fencing.clone(),
            ramp: self.ramp.as_ref().map(Ramp::json),
        }
    }

    /// The heads of [`Reading::row`]'s columns.
    #[must_use]
    pub(super) fn heads() -> Vec<String> {
        row(["TAG", "VALUE", "UNIT", "QUALITY", "AGE", "OWNER", "SETPOINT"])
    }

    /// As a row of a table.
    #[must_use]
    pub(super) fn row(&self, now: Timestamp) -> Vec<String> {
        let age = if self.sample.time == Timestamp(0) { "-".to_owned() } else { value::age(self.sample.time, now) };
        vec![
            self.tag.clone(),
            value::to_text(self.sample.value.as_ref()),
            self.unit.clone(),
            self.sample.quality.to_string(),
            age,
            self.owner.clone().unwrap_or_else(|| "-".to_owned()),
            self.setpoint_in_words(),
        ]
    }

    /// The setpoint, how far it has got, and what a takeover changed about it: "12.5 (verified), device had 20, held",
    /// and where it is on its way.
    fn setpoint_in_words(&self) -> String {
        let setpoint = self.setpoint.as_ref().map(|s| format!("{} ({})", value::to_text(s.value.as_ref()), s.state));
        let drift = self.drift.as_ref().map(|drift| format!("device had {}", value::to_text(drift.actual.as_ref())));
        let held = self.hold.as_ref().map(|_| "held".to_owned());
        let ramp = self.ramp.as_ref().map(Ramp::in_words).filter(|words| !words.is_empty());
        setpoint.into_iter().chain(ramp).chain(drift).chain(held).collect::<Vec<_>>().join(", ")
    }

    /// As a line of a log, with the time instead of the age.
    #[must_use]
    pub(super) fn line(&self) -> String {
        let time = if self.sample.time == Timestamp(0) { "-".to_owned() } else { value::time(self.sample.time) };
        let value = value::to_text(self.sample.value.as_ref());
        [time.as_str(), &self.tag, &value, &self.unit, self.sample.quality.as_str()]
            .iter()
            .filter(|s| !s.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join("  ")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A reading with everything in it.
    pub(in crate::cli) fn full() -> v1::TagReading {
        v1::TagReading {
            tag: "cryo/chiller-1/temperature_setpoint".into(),
            unit: "degC".into(),
            sample: Some(v1::Sample {
                time_unix_ns: 1_772_366_400_123_000_000,
                value: Some((&Value::F64(12.5)).into()),
                quality: v1::Quality::Good.into(),
            }),
            owner: "lab-a".into(),
            setpoint: Some(v1::Setpoint {
                value: Some((&Value::F64(12.5)).into()),
                revision: 3,
                state: v1::CommandState::Verified.into(),
                actor: "ann@desk".into(),
                reason: "cool down".into(),
                command_id: String::new(),
            }),
            rung: "F1".into(),
            ..v1::TagReading::default()
        }
    }

    #[test]
    fn the_keys_of_a_reading_are_a_promise() {
        let json = Reading::try_from(full()).expect("a reading").json();
        assert_eq!(
            serde_json::to_string(&json).expect("JSON"),
            r#"{"tag":"cryo/chiller-1/temperature_setpoint","value":12.5,"unit":"degC","quality":"good","time":"2026-03-01T12:00:00.123Z","owner":"lab-a","setpoint":{"value":12.5,"revision":3,"state":"verified","by":"ann@desk","reason":"cool down"},"drift":null,"hold":null,"fencing":"F1","ramp":null}"#
        );
    }

    #[test]
    fn what_is_not_known_is_null() {
        let unknown = v1::TagReading { tag: "cryo/a/t".into(), ..v1::TagReading::default() };
        assert_eq!(
            serde_json::to_string(&Reading::try_from(unknown).expect("a reading").json()).expect("JSON"),
            r#"{"tag":"cryo/a/t","value":null,"unit":"","quality":"bad:not_yet_read","time":null,"owner":null,"setpoint":null,"drift":null,"hold":null,"fencing":null,"ramp":null}"#
        );
    }

    #[test]
    fn what_a_takeover_left_is_told_with_the_setpoint() {
        let drift = v1::TagDrift {
            outcome: v1::ReconcileOutcome::Held.into(),
            actual: Some((&Value::F64(20.0)).into()),
            epoch: 4,
            since_unix_ms: 1_772_366_400_000,
        };
        let hold = v1::TagHold {
            reason: v1::TagHoldReason::Policy.into(),
            actual: drift.actual.clone(),
            epoch: 4,
            since_unix_ms: 1_772_366_400_000,
        };
        let left = v1::TagReading { drift: Some(drift), hold: Some(hold), ..full() };
        let reading = Reading::try_from(left).expect("a reading");
        assert_eq!(reading.row(Timestamp(0))[6], "12.5 (verified), device had 20, held");
        let json = serde_json::to_value(reading.json()).expect("JSON");
        assert_eq!(json["drift"].to_string(), r#"{"actual":20.0,"outcome":"held","since":"2026-03-01T12:00:00Z"}"#);
        assert_eq!(json["hold"].to_string(), r#"{"actual":20.0,"reason":"policy","since":"2026-03-01T12:00:00Z"}"#);
    }

    #[test]
    fn a_ramp_is_told_with_the_setpoint() {
        let ramp = v1::Ramp { state: v1::RampState::Ramping.into(), time_to_target_s: Some(7.0), ..v1::Ramp::default() };
        let reading = Reading::try_from(v1::TagReading { ramp: Some(ramp), ..full() }).expect("a reading");
        assert_eq!(reading.row(Timestamp(0))[6], "12.5 (verified), ramping, 7 s to go");
    }

    #[test]
    fn people_get_a_row_and_a_line() {
        let reading = Reading::try_from(full()).expect("a reading");
        let now = Timestamp(1_772_366_401_123_000_000);
        assert_eq!(reading.row(now), ["cryo/chiller-1/temperature_setpoint", "12.5", "degC", "good", "1.0 s", "lab-a", "12.5 (verified)"]);
        assert_eq!(reading.line(), "2026-03-01T12:00:00.123Z  cryo/chiller-1/temperature_setpoint  12.5  degC  good");
    }
}
