//! One readable or writable quantity of a device, and which values it accepts.

use super::{AlarmSpec, Register, ValueType, WordOrder};
use crate::{Name, Value};
use std::fmt;
use std::time::Duration;

/// What may be done with a tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Read only.
    #[default]
    Read,
    /// Read and write.
    ReadWrite,
    /// Write only: never polled, its value is never known.
    Write,
}

impl Access {
    /// Whether it is polled.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }

    /// Whether it takes setpoints.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// The range in which an engineer lets setpoints be, in the tag's unit; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

/// How a write is verified: a reading of `readback` within `tolerance` within `timeout`.
#[derive(Clone, Debug, PartialEq)]
pub struct Verify {
    /// A readable tag of the same device, often the written tag itself.
    pub readback: Name,
    /// Largest difference that counts as equal, absolute, in the tag's unit.
    pub tolerance: f64,
    /// How long the reading may take to follow.
    pub timeout: Duration,
}

/// What a new owner does with a setpoint that had been written before it took over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Takeover {
    /// The hardware is right: take its value over, write nothing.
    #[default]
    Adopt,
    /// Write the desired value again if the device differs.
    Reassert,
    /// Drive to the safe value.
    Safe,
    /// Read only, until an operator confirms.
    Hold,
}

/// A tag whose write does something that must not be repeated: a pulse, a start. It has no desired value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionSpec {
    /// A readable tag of the same device that the device counts up by one each time: tells a lost outcome from one that never was.
    pub probe: Option<Name>,
}

/// The declaration of one tag.
#[derive(Clone, Debug, PartialEq)]
pub struct TagSpec {
    /// For people.
    pub description: String,
    /// Where it lives.
    pub register: Register,
    /// How its bits are laid out.
    pub value_type: ValueType,
    /// Which register comes first, where there are several.
    pub word_order: WordOrder,
    /// What may be done with it.
    pub access: Access,
    /// Its engineering unit, as shown ("degC", "mbar"); empty if it has none.
    pub unit: String,
    /// value = raw x scale + offset. Never zero.
    pub scale: f64,
    /// value = raw x scale + offset.
    pub offset: f64,
    /// Smallest change worth reporting, in the tag's unit; 0 reports every reading.
    pub deadband: f64,
    /// The range of its setpoints.
    pub limits: Option<Limits>,
    /// How writes are verified; without it, the tag itself is read back if it can be.
    pub verify: Option<Verify>,
    /// What a new owner does.
    pub takeover: Takeover,
    /// The value that harms nobody, in the tag's unit: for `takeover = "safe"` and for a device that is left alone.
    pub safe: Option<Value>,
    /// Whether a wrong write could do harm, so that an operator confirms an unplanned takeover where only the lease protects the device.
    pub dangerous: bool,
    /// Its alarms.
    pub alarms: Vec<AlarmSpec>,
    /// What a write does, if it must not be repeated; `None` for a setpoint.
    pub action: Option<ActionSpec>,
    /// How long a selection lasts where a command needs one before it (select before operate); `None` where it does not.
    pub select: Option<Duration>,
    /// How fast a setpoint is approached at most, in units per second; `None`: in one step, unless a command asks for a rate.
    pub ramp_per_s: Option<f64>,
}

impl Default for TagSpec {
    /// What a site file leaves out; register and type stand for nothing.
    fn default() -> Self {
        Self {
            description: String::new(),
            register: Register { table: super::Table::Input, address: 0 },
            value_type: ValueType::U16,
            word_order: WordOrder::default(),
            access: Access::default(),
            unit: String::new(),
            scale: 1.0,
            offset: 0.0,
            deadband: 0.0,
            limits: None,
            verify: None,
            takeover: Takeover::default(),
            safe: None,
            dangerous: false,
            alarms: vec![],
            action: None,
            select: None,
            ramp_per_s: None,
        }
    }
}

/// Why a tag does not accept a value.
#[derive(Clone, Debug, PartialEq)]
pub enum UnfitValue {
    /// The tag is read-only.
    ReadOnly,
    /// A text for a number, or the like.
    WrongType {
        /// What the tag takes.
        wanted: ValueType,
        /// What was given, in words.
        got: &'static str,
    },
    /// NaN or infinite.
    NotFinite,
    /// A fraction for a whole number.
    NotWhole,
    /// Outside the engineer's limits.
    OutOfLimits {
        /// The limits.
        limits: Limits,
    },
    /// The device's registers cannot hold it.
    OutOfRange {
        /// Smallest value that the registers can hold.
        min: f64,
        /// Largest value that the registers can hold.
        max: f64,
    },
    /// A text longer than its registers.
    TooLong {
        /// Most bytes.
        max: u16,
    },
}

impl fmt::Display for UnfitValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => write!(f, "the tag is read-only"),
            Self::WrongType { wanted, got } => write!(f, "the tag takes {wanted}, not {got}"),
            Self::NotFinite => write!(f, "NaN and infinity are not setpoints"),
            Self::NotWhole => write!(f, "the tag takes whole numbers"),
            Self::OutOfLimits { limits } => write!(f, "the limits are {} to {}", limits.min, limits.max),
            Self::OutOfRange { min, max } => write!(f, "the device's registers hold {min} to {max}"),
            Self::TooLong { max } => write!(f, "the tag takes at most {max} bytes of text"),
        }
    }
}

impl TagSpec {
    /// Whether `value = raw` without scale and offset, so that integers stay integers.
    #[must_use]
    pub fn is_unscaled(&self) -> bool {
        self.scale == 1.0 && self.offset == 0.0
    }

    /// Brings a client's value into the form that the tag has, or says why it cannot: integers become real where the tag
    /// is real, whole reals become integers where the tag is an integer.
    ///
    /// # Errors
    /// [`UnfitValue`] when the tag is read-only, or the value has the wrong type, is not finite, or lies outside
    /// the limits or the registers' range.
    pub fn accept(&self, value: &Value) -> Result<Value, UnfitValue> {
        if self.access.is_writable() { self.fit(value) } else { Err(UnfitValue::ReadOnly) }
    }

    /// Brings a value into the form that the tag has, whether or not it may be written: what a reading can be compared with.
    ///
    /// # Errors
    /// As for [`accept`](Self::accept), but never [`UnfitValue::ReadOnly`].
    pub fn fit(&self, value: &Value) -> Result<Value, UnfitValue> {
        let wrong_type = UnfitValue::WrongType { wanted: self.value_type, got: value.kind() };
        match (self.value_type, value) {
            (ValueType::Bool, Value::Bool(_)) => Ok(value.clone()),
            (ValueType::Text(max), Value::Text(text)) if text.len() <= usize::from(max) => Ok(value.clone()),
            (ValueType::Text(max), Value::Text(_)) => Err(UnfitValue::TooLong { max }),
            (kind, _) if kind.is_number() => self.accept_number(value, value.as_f64().ok_or(wrong_type)?),
            _ => Err(wrong_type),
        }
    }

    fn accept_number(&self, value: &Value, number: f64) -> Result<Value, UnfitValue> {
        if !number.is_finite() {
            return Err(UnfitValue::NotFinite);
        }
        if let Some(limits) = self.limits.filter(|l| number < l.min || number > l.max) {
            return Err(UnfitValue::OutOfLimits { limits });
        }
        let (min, max) = self.engineering_range();
        if number < min || number > max {
            return Err(UnfitValue::OutOfRange { min, max });
        }
        if !(self.value_type.is_integer() && self.is_unscaled()) {
            return Ok(Value::F64(number));
        }
        match value {
            Value::I64(_) | Value::U64(_) => as_integer(value, self.value_type).ok_or(UnfitValue::OutOfRange { min, max }),
            _ if number.fract() != 0.0 => Err(UnfitValue::NotWhole),
            _ => whole(number, self.value_type).ok_or(UnfitValue::OutOfRange { min, max }),
        }
    }

    /// How a write to the tag `name` is verified: as declared, else by reading the tag itself back within half a step of
    /// its registers within two seconds; `None` for a tag that cannot be read and names no other.
    #[must_use]
    pub fn verification(&self, name: &Name, wanted: &Value) -> Option<Verify> {
        if self.verify.is_some() || !self.access.is_readable() {
            return self.verify.clone();
        }
        let step = match self.value_type {
            ValueType::F32 => wanted.as_f64().unwrap_or(0.0).abs() * f64::from(f32::EPSILON),
            ValueType::F64 => wanted.as_f64().unwrap_or(0.0).abs() * f64::EPSILON,
            _ if self.is_unscaled() => 0.0,
            _ => self.scale.abs() / 2.0,
        };
        Some(Verify { readback: name.clone(), tolerance: step, timeout: Self::VERIFY_TIMEOUT_DEFAULT })
    }

    /// How long a reading may take to follow a write where nothing is declared: four times the default poll interval.
    pub const VERIFY_TIMEOUT_DEFAULT: Duration = Duration::from_secs(2);
    /// How long a selection lasts where nothing is declared (the default of IEC 61850 devices such as ABB REC615).
    pub const SELECT_DEFAULT: Duration = Duration::from_secs(10);

    /// Whether a value that the tag accepted is its safe value, the one that anybody may set at any time.
    #[must_use]
    pub fn is_safe(&self, accepted: &Value) -> bool {
        self.safe.as_ref().is_some_and(|safe| self.accept(safe).as_ref() == Ok(accepted))
    }

    /// How fast a setpoint is approached, in units per second: as fast as was asked for, and never faster than is declared; `None` in one
    /// step.
    #[must_use]
    pub fn ramp_rate(&self, asked_per_s: Option<f64>) -> Option<f64> {
        let rates = [asked_per_s, self.ramp_per_s].into_iter().flatten().filter(|rate| rate.is_finite() && *rate > 0.0);
        rates.min_by(f64::total_cmp)
    }

    /// Smallest and largest value that the registers can hold, in the tag's unit.
    fn engineering_range(&self) -> (f64, f64) {
        let (low, high) = self.value_type.raw_range().unwrap_or((f64::MIN, f64::MAX));
        let (a, b) = (low * self.scale + self.offset, high * self.scale + self.offset);
        (a.min(b), a.max(b))
    }
}

/// An integer in the kind that the type has (signed types hold `I64`, unsigned `U64`).
fn as_integer(value: &Value, kind: ValueType) -> Option<Value> {
    let wide: i128 = match value {
        Value::I64(v) => i128::from(*v),
        Value::U64(v) => i128::from(*v),
        _ => return None,
    };
    match kind {
        ValueType::U16 | ValueType::U32 | ValueType::U64 => u64::try_from(wide).ok().map(Value::U64),
        _ => i64::try_from(wide).ok().map(Value::I64),
    }
}

/// A whole real number as an integer; `None` beyond 2^53, where reals skip whole numbers.
#[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53, checked in the line above the cast")]
fn whole(number: f64, kind: ValueType) -> Option<Value> {
    (number.abs() <= 9_007_199_254_740_992.0).then_some(())?;
    as_integer(&Value::I64(number as i64), kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Table;

    fn tag(value_type: ValueType) -> TagSpec {
        TagSpec { register: Register { table: Table::Holding, address: 0 }, value_type, access: Access::ReadWrite, ..TagSpec::default() }
    }

    #[test]
    fn numbers_take_the_tags_kind() {
        assert_eq!(tag(ValueType::F32).accept(&Value::I64(5)), Ok(Value::F64(5.0)));
        assert_eq!(tag(ValueType::U16).accept(&Value::F64(5.0)), Ok(Value::U64(5)));
        assert_eq!(tag(ValueType::I16).accept(&Value::U64(5)), Ok(Value::I64(5)));
        assert_eq!(tag(ValueType::U16).accept(&Value::F64(5.5)), Err(UnfitValue::NotWhole));
        assert_eq!(tag(ValueType::U64).accept(&Value::U64(u64::MAX)), Ok(Value::U64(u64::MAX)));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(tag(ValueType::F64).accept(&Value::F64(f64::NAN)), Err(UnfitValue::NotFinite));
        assert_eq!(tag(ValueType::I16).accept(&Value::I64(40_000)), Err(UnfitValue::OutOfRange { min: -32768.0, max: 32767.0 }));
        assert_eq!(tag(ValueType::U64).accept(&Value::I64(-1)), Err(UnfitValue::OutOfRange { min: 0.0, max: u64::MAX as f64 }));
        assert!(matches!(tag(ValueType::F32).accept(&Value::Text("hot".into())), Err(UnfitValue::WrongType { .. })));
        assert!(matches!(tag(ValueType::Bool).accept(&Value::I64(1)), Err(UnfitValue::WrongType { .. })));
        assert_eq!(tag(ValueType::Text(3)).accept(&Value::Text("abcd".into())), Err(UnfitValue::TooLong { max: 3 }));
        let read_only = TagSpec { access: Access::Read, ..tag(ValueType::F32) };
        assert_eq!(read_only.accept(&Value::F64(1.0)), Err(UnfitValue::ReadOnly));
    }

    #[test]
    fn the_safe_value_is_known_in_the_tags_own_kind() {
        let safe = TagSpec { safe: Some(Value::F64(5.0)), ..tag(ValueType::U16) };
        assert!(safe.is_safe(&Value::U64(5)));
        assert!(!safe.is_safe(&Value::U64(6)));
        assert!(!tag(ValueType::U16).is_safe(&Value::U64(0)), "a tag without a safe value has none");
    }

    #[test]
    fn limits_and_scale_are_in_the_tags_unit() {
        let limits = Limits { min: 5.0, max: 40.0 };
        let limited = TagSpec { limits: Some(limits), scale: 0.1, ..tag(ValueType::I16) };
        assert_eq!(limited.accept(&Value::F64(40.0)), Ok(Value::F64(40.0)));
        assert_eq!(limited.accept(&Value::F64(40.1)), Err(UnfitValue::OutOfLimits { limits }));
        let negative = TagSpec { scale: -1.0, ..tag(ValueType::U16) };
        assert!(negative.accept(&Value::F64(-5.0)).is_ok());
        assert!(negative.accept(&Value::F64(5.0)).is_err());
    }
}
