//! Where a tag lives in a Modbus device and how its bits are laid out.
//!
//! Source: MODBUS Application Protocol Specification V1.1b3, sections 4.3 (four tables) and 4.4 (zero-based
//! addressing in the PDU). The order of words in values of several registers is not standardised.

use std::fmt;

/// One of the four Modbus tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Single bits, read and write.
    Coil,
    /// Single bits, read only.
    Discrete,
    /// 16-bit words, read only.
    Input,
    /// 16-bit words, read and write.
    Holding,
}

impl Table {
    /// The word in a site file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coil => "coil",
            Self::Discrete => "discrete",
            Self::Input => "input",
            Self::Holding => "holding",
        }
    }

    /// Whether the protocol can write to it.
    #[must_use]
    pub const fn is_writable(self) -> bool {
        matches!(self, Self::Coil | Self::Holding)
    }

    /// Whether its cells are single bits.
    #[must_use]
    pub const fn is_bits(self) -> bool {
        matches!(self, Self::Coil | Self::Discrete)
    }
}

/// A table and a zero-based address, written `holding:10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Register {
    /// Which table.
    pub table: Table,
    /// Zero-based, as in the protocol data unit (manuals often count from 1 or from 40001).
    pub address: u16,
}

impl Register {
    /// Parses `coil:0`, `discrete:0`, `input:0` or `holding:0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (table, address) = text.split_once(':')?;
        let table = match table {
            "coil" => Table::Coil,
            "discrete" => Table::Discrete,
            "input" => Table::Input,
            "holding" => Table::Holding,
            _ => return None,
        };
        let digits = !address.is_empty() && address.bytes().all(|b| b.is_ascii_digit());
        Some(Self { table, address: digits.then(|| address.parse().ok()).flatten()? })
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.table.as_str(), self.address)
    }
}

/// How the bits of a value are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// One bit; in a register table, whether the word is not zero (written as 1 or 0).
    Bool,
    /// Signed 16 bits, one register.
    I16,
    /// Unsigned 16 bits, one register.
    U16,
    /// Signed 32 bits, two registers.
    I32,
    /// Unsigned 32 bits, two registers.
    U32,
    /// Signed 64 bits, four registers.
    I64,
    /// Unsigned 64 bits, four registers.
    U64,
    /// IEEE 754 single precision, two registers.
    F32,
    /// IEEE 754 double precision, four registers.
    F64,
    /// Bytes, two to a register, high byte first, padded with zeros. The number is its length in bytes.
    Text(u16),
}

impl ValueType {
    /// Longest text in bytes: what one read request can fetch, 125 registers of two bytes.
    pub const TEXT_LEN_MAX: u16 = 250;

    /// Parses the word in a site file: `bool i16 u16 i32 u32 i64 u64 f32 f64 string(N)`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "bool" => Self::Bool,
            "i16" => Self::I16,
            "u16" => Self::U16,
            "i32" => Self::I32,
            "u32" => Self::U32,
            "i64" => Self::I64,
            "u64" => Self::U64,
            "f32" => Self::F32,
            "f64" => Self::F64,
            _ => {
                let n: u16 = text.strip_prefix("string(")?.strip_suffix(')')?.parse().ok()?;
                (1..=Self::TEXT_LEN_MAX).contains(&n).then_some(Self::Text(n))?
            }
        })
    }

    /// How many cells (bits or registers) a value takes.
    #[must_use]
    pub const fn cells(self) -> u16 {
        match self {
            Self::Bool | Self::I16 | Self::U16 => 1,
            Self::I32 | Self::U32 | Self::F32 => 2,
            Self::I64 | Self::U64 | Self::F64 => 4,
            Self::Text(n) => n.div_ceil(2),
        }
    }

    /// Whether it is a whole number.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::I16 | Self::U16 | Self::I32 | Self::U32 | Self::I64 | Self::U64)
    }

    /// Whether it is a number of any kind.
    #[must_use]
    pub const fn is_number(self) -> bool {
        self.is_integer() || matches!(self, Self::F32 | Self::F64)
    }

    /// The smallest and largest raw value that the bits can hold; `None` for booleans and texts.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "limits of 64-bit integers are compared in f64 and then exactly at encoding")]
    pub fn raw_range(self) -> Option<(f64, f64)> {
        Some(match self {
            Self::I16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
            Self::U16 => (0.0, f64::from(u16::MAX)),
            Self::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
            Self::U32 => (0.0, f64::from(u32::MAX)),
            Self::I64 => (i64::MIN as f64, i64::MAX as f64),
            Self::U64 => (0.0, u64::MAX as f64),
            Self::F32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
            Self::F64 => (f64::MIN, f64::MAX),
            Self::Bool | Self::Text(_) => return None,
        })
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Bool => "bool",
            Self::I16 => "i16",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Text(n) => return write!(f, "string({n})"),
        };
        f.write_str(word)
    }
}

/// Which register of a value of several registers comes first. Bytes within a register are always high first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WordOrder {
    /// Most significant register first.
    #[default]
    Big,
    /// Least significant register first.
    Little,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_parse_and_print() {
        let register = Register::parse("holding:10").expect("a register");
        assert_eq!(register, Register { table: Table::Holding, address: 10 });
        assert_eq!(register.to_string(), "holding:10");
        for bad in ["holding", "holding:", "holding:-1", "holding:+1", "holding:65536", "register:1"] {
            assert_eq!(Register::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn types_parse_and_print() {
        for word in ["bool", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64", "string(12)"] {
            assert_eq!(ValueType::parse(word).expect(word).to_string(), word);
        }
        assert_eq!(ValueType::parse("string(0)"), None);
        assert_eq!(ValueType::parse("string(251)"), None);
        assert_eq!(ValueType::Text(5).cells(), 3);
    }
}
