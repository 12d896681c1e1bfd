//! From cells to a value and back: type, word order, scale and offset.
//!
//! ```text
//!   cells ──(word order)──► bytes ──(type)──► raw value ──(x scale + offset)──► value in the tag's unit
//! ```
//!
//! - Bytes within a register are always high first. `word_order` says which register of a number comes first; it does
//!   not apply to texts.
//! - Without scale and offset integers stay integers, to the last of 64 bits. With them, everything is a real number.
//! - A scale of one n-th (0.1, 0.01, 0.25) divides by n: raw 3 with scale 0.1 reads 0.3 and not 0.30000000000000004.
//! - A single-precision number is widened by its shortest decimal form: a device's 20.1 reads 20.1 and not
//!   20.100000381469727, so what was set and what is read back compare equal.
//!
//! It knows nothing of requests or devices.

use crate::cells::Cells;
use labkeeper_model::site::{TagSpec, UnfitValue, ValueType, WordOrder};
use labkeeper_model::{BadReason, Value};

/// How a tag's cells are to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// What the bits are.
    pub value_type: ValueType,
    /// Which register of a number comes first.
    pub word_order: WordOrder,
    /// value = raw x scale + offset. Never zero.
    pub scale: f64,
    /// value = raw x scale + offset.
    pub offset: f64,
}

/// Why cells are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// Fewer cells than the type has, or bits for words.
    #[error("the answer has other cells than were asked for")]
    Cells,
    /// NaN or infinite: how devices say that a sensor is broken or open.
    #[error("the device reports a number that is not finite")]
    NotFinite,
    /// A text that is not UTF-8.
    #[error("the text is not UTF-8")]
    NotText,
}

impl NoValue {
    /// The quality that the reading gets because of it.
    #[must_use]
    pub const fn reason(self) -> BadReason {
        match self {
            Self::Cells | Self::NotText => BadReason::Protocol,
            Self::NotFinite => BadReason::DeviceError,
        }
    }
}

/// The value of a tag whose cells begin at `offset`.
///
/// # Errors
/// [`NoValue`] if the cells are not of the tag's type.
pub fn decode(tag: &TagSpec, cells: &Cells, offset: usize) -> Result<Value, NoValue> {
    Layout::of(tag).decode(cells, offset)
}

/// The cells that hold a value.
///
/// # Errors
/// [`UnfitValue`] if the tag does not accept the value, or its registers cannot hold it.
pub fn encode(tag: &TagSpec, value: &Value) -> Result<Cells, UnfitValue> {
    let accepted = tag.accept(value)?;
    if tag.register.table.is_bits() {
        return match accepted {
            Value::Bool(bit) => Ok(Cells::Bits(vec![bit])),
            other => Err(UnfitValue::WrongType { wanted: ValueType::Bool, got: other.kind() }),
        };
    }
    Layout::of(tag).encode(&accepted).map(Cells::Words)
}

impl Layout {
    /// The layout of a tag.
    #[must_use]
    pub const fn of(tag: &TagSpec) -> Self {
        Self { value_type: tag.value_type, word_order: tag.word_order, scale: tag.scale, offset: tag.offset }
    }

    /// The value whose cells begin at `offset`.
    ///
    /// # Errors
    /// [`NoValue`] if the cells are not of this layout.
    pub fn decode(&self, cells: &Cells, offset: usize) -> Result<Value, NoValue> {
        if let Cells::Bits(_) = cells {
            let bit = cells.bit(offset).filter(|_| self.value_type == ValueType::Bool);
            return bit.map(Value::Bool).ok_or(NoValue::Cells);
        }
        let words = cells.words(offset, usize::from(self.value_type.cells())).ok_or(NoValue::Cells)?;
        self.scaled(raw(self.value_type, self.word_order, words)?)
    }

    /// The registers that hold a value.
    ///
    /// # Errors
    /// [`UnfitValue`] if the registers cannot hold it.
    pub fn encode(&self, value: &Value) -> Result<Vec<u16>, UnfitValue> {
        let wrong_type = UnfitValue::WrongType { wanted: self.value_type, got: value.kind() };
        let bytes = match (self.value_type, value) {
            (ValueType::Bool, Value::Bool(bit)) => return Ok(vec![u16::from(*bit)]),
            (ValueType::Text(len), Value::Text(text)) => return text_words(text, len),
            (kind, Value::I64(v)) if kind.is_integer() && self.is_unscaled() => self.integer(i128::from(*v))?,
            (kind, Value::U64(v)) if kind.is_integer() && self.is_unscaled() => self.integer(i128::from(*v))?,
            (kind, _) if kind.is_number() => self.number(value.as_f64().ok_or(wrong_type)?)?,
            _ => return Err(wrong_type),
        };
        let mut words: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        if self.word_order == WordOrder::Little {
            words.reverse();
        }
        Ok(words)
    }

    fn is_unscaled(&self) -> bool {
        self.scale == 1.0 && self.offset == 0.0
    }

    fn scaled(&self, raw: Value) -> Result<Value, NoValue> {
        let Some(number) = raw.as_f64() else { return Ok(raw) };
        let scaled = match divisor(self.scale) {
            _ if self.is_unscaled() => number,
            Some(n) => number / n + self.offset,
            None => number * self.scale + self.offset,
        };
        match raw {
            _ if !scaled.is_finite() => Err(NoValue::NotFinite),
            Value::I64(_) | Value::U64(_) if self.is_unscaled() => Ok(raw),
            _ => Ok(Value::F64(scaled)),
        }
    }

    /// A real number as big-endian bytes of the type.
    fn number(&self, value: f64) -> Result<Vec<u8>, UnfitValue> {
        if !value.is_finite() {
            return Err(UnfitValue::NotFinite);
        }
        let raw = match divisor(self.scale) {
            Some(n) => (value - self.offset) * n,
            None => (value - self.offset) / self.scale,
        };
        match self.value_type {
            // The conversion rounds to the nearest; beyond the largest single it gives infinity, which is caught here.
            ValueType::F32 if (raw as f32).is_finite() => Ok((raw as f32).to_be_bytes().to_vec()),
            ValueType::F64 if raw.is_finite() => Ok(raw.to_be_bytes().to_vec()),
            ValueType::F32 | ValueType::F64 => Err(self.out_of_range()),
            // Conversion to i128 saturates, far outside of what 64 bits hold.
            _ => self.integer(raw.round() as i128),
        }
    }

    /// A raw integer as big-endian bytes of the type.
    fn integer(&self, raw: i128) -> Result<Vec<u8>, UnfitValue> {
        match self.value_type {
            ValueType::I16 => i16::try_from(raw).map(|v| v.to_be_bytes().to_vec()),
            ValueType::U16 => u16::try_from(raw).map(|v| v.to_be_bytes().to_vec()),
            ValueType::I32 => i32::try_from(raw).map(|v| v.to_be_bytes().to_vec()),
            ValueType::U32 => u32::try_from(raw).map(|v| v.to_be_bytes().to_vec()),
            ValueType::I64 => i64::try_from(raw).map(|v| v.to_be_bytes().to_vec()),
            _ => u64::try_from(raw).map(|v| v.to_be_bytes().to_vec()),
        }
        .map_err(|_| self.out_of_range())
    }

    fn out_of_range(&self) -> UnfitValue {
        let (low, high) = self.value_type.raw_range().unwrap_or((f64::MIN, f64::MAX));
        let (a, b) = (low * self.scale + self.offset, high * self.scale + self.offset);
        UnfitValue::OutOfRange { min: a.min(b), max: a.max(b) }
    }
}

/// The whole n of a scale that is exactly one n-th.
fn divisor(scale: f64) -> Option<f64> {
    let n = (1.0 / scale).round();
    // Up to 2^53 every whole number is exact.
    (n.abs() >= 2.0 && n.abs() <= 9_007_199_254_740_992.0 && 1.0 / n == scale).then_some(n)
}

/// The raw value of words that are as many as the type has.
fn raw(value_type: ValueType, order: WordOrder, words: &[u16]) -> Result<Value, NoValue> {
    if let ValueType::Text(len) = value_type {
        return text(words, usize::from(len));
    }
    let mut bits = 0u64;
    let mut shift_in = |word: &u16| bits = bits << 16 | u64::from(*word);
    match order {
        WordOrder::Big => words.iter().for_each(&mut shift_in),
        WordOrder::Little => words.iter().rev().for_each(&mut shift_in),
    }
    Ok(match value_type {
        ValueType::Bool => Value::Bool(bits != 0),
        ValueType::I16 => Value::I64(i64::from(bits as u16 as i16)),
        ValueType::I32 => Value::I64(i64::from(bits as u32 as i32)),
        ValueType::I64 => Value::I64(bits as i64),
        ValueType::U16 | ValueType::U32 | ValueType::U64 => Value::U64(bits),
        ValueType::F32 => Value::F64(widen(f32::from_bits(bits as u32))),
        ValueType::F64 | ValueType::Text(_) => Value::F64(f64::from_bits(bits)),
    })
}

/// A single-precision number by its shortest decimal form.
fn widen(single: f32) -> f64 {
    single.to_string().parse().unwrap_or_else(|_| f64::from(single))
}

/// Bytes up to the first zero, at most `len`.
fn text(words: &[u16], len: usize) -> Result<Value, NoValue> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).take(len).take_while(|byte| *byte != 0).collect();
    String::from_utf8(bytes).map(Value::Text).map_err(|_| NoValue::NotText)
}

fn text_words(text: &str, len: u16) -> Result<Vec<u16>, UnfitValue> {
    if text.len() > usize::from(len) {
        return Err(UnfitValue::TooLong { max: len });
    }
    if text.contains('\0') {
        return Err(UnfitValue::WrongType { wanted: ValueType::Text(len), got: "text with a zero byte in it" });
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(usize::from(ValueType::Text(len).cells()) * 2, 0);
    Ok(bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
}

#[cfg(test)]
#[path = "register_tests.rs"]
mod tests;
