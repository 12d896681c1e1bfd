//! Values, qualities and samples.

use super::{ConvertError, required, unknown_number};
use crate::v1;
use labkeeper_model::{BadReason, Quality, Sample, Timestamp, UncertainReason, Value};

impl From<&Value> for v1::Value {
    fn from(value: &Value) -> Self {
        use v1::value::Kind;
        let kind = match value {
            Value::Bool(v) => Kind::Boolean(*v),
            Value::I64(v) => Kind::Integer(*v),
            Value::U64(v) => Kind::Unsigned(*v),
            Value::F64(v) => Kind::Number(*v),
            Value::Text(v) => Kind::Text(v.clone()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<v1::Value> for Value {
    type Error = ConvertError;
    fn try_from(value: v1::Value) -> Result<Self, ConvertError> {
        use v1::value::Kind;
        Ok(match required("value", value.kind)? {
            Kind::Boolean(v) => Self::Bool(v),
            Kind::Integer(v) => Self::I64(v),
            Kind::Unsigned(v) => Self::U64(v),
            Kind::Number(v) => Self::F64(v),
            Kind::Text(v) => Self::Text(v),
        })
    }
}

/// A value that may be absent. A message whose kind is not set counts as absent too: that is how canonical JSON writes it.
///
/// # Errors
/// [`ConvertError`] when there is a kind that cannot be a value.
pub fn value_opt(value: Option<v1::Value>) -> Result<Option<Value>, ConvertError> {
    value.filter(|v| v.kind.is_some()).map(Value::try_from).transpose()
}

impl From<Quality> for v1::Quality {
    fn from(quality: Quality) -> Self {
        match quality {
            Quality::Good => Self::Good,
            Quality::Uncertain(UncertainReason::Stale) => Self::UncertainStale,
            Quality::Uncertain(UncertainReason::OutOfRange) => Self::UncertainOutOfRange,
            Quality::Bad(BadReason::NotYetRead) => Self::BadNotYetRead,
            Quality::Bad(BadReason::CommFailure) => Self::BadCommFailure,
            Quality::Bad(BadReason::Timeout) => Self::BadTimeout,
            Quality::Bad(BadReason::Protocol) => Self::BadProtocol,
            Quality::Bad(BadReason::DeviceError) => Self::BadDeviceError,
            Quality::Bad(BadReason::Configuration) => Self::BadConfiguration,
            Quality::Bad(BadReason::NotOwned) => Self::BadNotOwned,
            Quality::Bad(BadReason::OwnerUnreachable) => Self::BadOwnerUnreachable,
            Quality::Bad(BadReason::Quarantined) => Self::BadQuarantined,
        }
    }
}

impl TryFrom<v1::Quality> for Quality {
    type Error = ConvertError;
    fn try_from(quality: v1::Quality) -> Result<Self, ConvertError> {
        Ok(match quality {
            v1::Quality::Unspecified => return Err(ConvertError::new("quality", "is missing")),
            v1::Quality::Good => Self::Good,
            v1::Quality::UncertainStale => Self::Uncertain(UncertainReason::Stale),
            v1::Quality::UncertainOutOfRange => Self::Uncertain(UncertainReason::OutOfRange),
            v1::Quality::BadNotYetRead => Self::Bad(BadReason::NotYetRead),
            v1::Quality::BadCommFailure => Self::Bad(BadReason::CommFailure),
            v1::Quality::BadTimeout => Self::Bad(BadReason::Timeout),
            v1::Quality::BadProtocol => Self::Bad(BadReason::Protocol),
            v1::Quality::BadDeviceError => Self::Bad(BadReason::DeviceError),
            v1::Quality::BadConfiguration => Self::Bad(BadReason::Configuration),
            v1::Quality::BadNotOwned => Self::Bad(BadReason::NotOwned),
            v1::Quality::BadOwnerUnreachable => Self::Bad(BadReason::OwnerUnreachable),
            v1::Quality::BadQuarantined => Self::Bad(BadReason::Quarantined),
        })
    }
}

impl From<&Sample> for v1::Sample {
    fn from(sample: &Sample) -> Self {
        Self {
            time_unix_ns: sample.time.0,
            value: sample.value.as_ref().map(Into::into),
            quality: v1::Quality::from(sample.quality).into(),
        }
    }
}

impl TryFrom<v1::Sample> for Sample {
    type Error = ConvertError;
    fn try_from(sample: v1::Sample) -> Result<Self, ConvertError> {
        let quality = v1::Quality::try_from(sample.quality).map_err(|_| unknown_number("quality", sample.quality))?;
        Ok(Self { time: Timestamp(sample.time_unix_ns), value: value_opt(sample.value)?, quality: quality.try_into()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    const QUALITIES: [Quality; 12] = [
        Quality::Good,
        Quality::Uncertain(UncertainReason::Stale),
        Quality::Uncertain(UncertainReason::OutOfRange),
        Quality::Bad(BadReason::NotYetRead),
        Quality::Bad(BadReason::CommFailure),
        Quality::Bad(BadReason::Timeout),
        Quality::Bad(BadReason::Protocol),
        Quality::Bad(BadReason::DeviceError),
        Quality::Bad(BadReason::Configuration),
        Quality::Bad(BadReason::NotOwned),
        Quality::Bad(BadReason::OwnerUnreachable),
        Quality::Bad(BadReason::Quarantined),
    ];

    fn over_the_wire(value: &Value) -> Value {
        let bytes = v1::Value::from(value).encode_to_vec();
        v1::Value::decode(&bytes[..]).expect("own bytes").try_into().expect("own value")
    }

    #[test]
    fn every_kind_of_value_comes_back_with_its_extremes() {
        let values = [
            Value::Bool(true),
            Value::Bool(false),
            Value::I64(i64::MIN),
            Value::I64(i64::MAX),
            Value::U64(0),
            Value::U64(u64::MAX),
            Value::F64(-0.0),
            Value::F64(f64::MIN_POSITIVE),
            Value::F64(f64::INFINITY),
            Value::Text(String::new()),
            Value::Text("Grüße".into()),
        ];
        for value in values {
            assert_eq!(over_the_wire(&value), value);
        }
        let nan = Value::F64(f64::from_bits(0x7ff8_0000_0000_0001));
        assert!(matches!(over_the_wire(&nan), Value::F64(v) if v.to_bits() == 0x7ff8_0000_0000_0001), "NaN keeps its bits");
    }

    #[test]
    fn every_quality_comes_back_and_has_a_number_of_its_own() {
        let mut numbers: Vec<i32> = vec![];
        for quality in QUALITIES {
            let wire = v1::Quality::from(quality);
            numbers.push(wire.into());
            assert_eq!(Quality::try_from(wire), Ok(quality));
        }
        assert_eq!(numbers, (1..=12).collect::<Vec<i32>>());
        assert!(v1::Quality::try_from(13).is_err(), "a quality was added to the proto: add it here");
    }

    #[test]
    fn a_sample_comes_back_with_and_without_a_value() {
        for value in [None, Some(Value::F64(21.5))] {
            let sample = Sample { time: Timestamp(-1), value, quality: Quality::Bad(BadReason::Timeout) };
            assert_eq!(Sample::try_from(v1::Sample::from(&sample)), Ok(sample));
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(Value::try_from(v1::Value { kind: None }), Err(ConvertError::new("value", "is missing")));
        let unknown = v1::Sample { time_unix_ns: 0, value: None, quality: 99 };
        assert_eq!(Sample::try_from(unknown).map_err(|e| e.field), Err("quality".into()));
        let absent = v1::Sample { time_unix_ns: 0, value: None, quality: 0 };
        assert!(Sample::try_from(absent).is_err());
    }
}
