//! Units of measurement, as tags and numbers carry them: a closed table of what labs write, by dimension.
//!
//! **Temperatures** have an offset between their units, and a difference of temperatures has none. So `t > 298 K` converts with the offset
//! if `t` is in degC, and sums and differences of temperatures must be in one unit. What comes out of a subtraction may stand for either,
//! a temperature or a difference of two: it is compared with others of its unit, and in another unit with differences alone.
//!
//! It knows no compound units: a product or a quotient of two units is refused, except a ratio within one dimension.

use std::fmt;

/// What a number is measured in.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// No unit: fits every one.
    Any,
    /// One of the table.
    Known { row: &'static Row, is_difference: bool },
    /// One that the table does not have: fits itself.
    Own(String),
}

/// What is measured. Units of one dimension are converted into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension {
    Angle,
    Current,
    Energy,
    Field,
    Flow,
    Force,
    Frequency,
    Fraction,
    Length,
    Mass,
    Power,
    Pressure,
    Resistance,
    Rotation,
    StandardFlow,
    Temperature,
    Time,
    Velocity,
    Voltage,
    Volume,
}

/// One unit: `base = value * scale + offset`, in the dimension's base unit.
#[derive(Debug, PartialEq)]
struct Row {
    /// Ways to write it, the one that is shown first.
    names: &'static [&'static str],
    dimension: Dimension,
    scale: f64,
    offset: f64,
}

const fn row(names: &'static [&'static str], dimension: Dimension, scale: f64) -> Row {
    Row { names, dimension, scale, offset: 0.0 }
}

/// Sources: The International System of Units, 9th edition (BIPM); Torr = 101325/760 Pa and psi after NIST SP 811, B.8. Standard flow (sccm)
/// is an amount of gas per time, not a volume per time, and rotation is not counted among frequencies.
static TABLE: &[Row] = &[
    Row { names: &["degC", "°C"], dimension: Dimension::Temperature, scale: 1.0, offset: 273.15 },
    Row { names: &["degF", "°F"], dimension: Dimension::Temperature, scale: 5.0 / 9.0, offset: 459.67 * 5.0 / 9.0 },
    row(&["K"], Dimension::Temperature, 1.0),
    row(&["mK"], Dimension::Temperature, 1e-3),
    row(&["Pa"], Dimension::Pressure, 1.0),
    row(&["hPa"], Dimension::Pressure, 1e2),
    row(&["kPa"], Dimension::Pressure, 1e3),
    row(&["MPa"], Dimension::Pressure, 1e6),
    row(&["mbar"], Dimension::Pressure, 1e2),
    row(&["bar"], Dimension::Pressure, 1e5),
    row(&["Torr", "torr"], Dimension::Pressure, 101_325.0 / 760.0),
    row(&["mTorr"], Dimension::Pressure, 101.325 / 760.0),
    row(&["psi"], Dimension::Pressure, 6_894.757_293_168),
    row(&["s"], Dimension::Time, 1.0),
    row(&["ms"], Dimension::Time, 1e-3),
    row(&["us", "µs"], Dimension::Time, 1e-6),
    row(&["min"], Dimension::Time, 60.0),
    row(&["h"], Dimension::Time, 3_600.0),
    row(&["d"], Dimension::Time, 86_400.0),
    row(&["V"], Dimension::Voltage, 1.0),
    row(&["uV", "µV"], Dimension::Voltage, 1e-6),
    row(&["mV"], Dimension::Voltage, 1e-3),
    row(&["kV"], Dimension::Voltage, 1e3),
    row(&["A"], Dimension::Current, 1.0),
    row(&["nA"], Dimension::Current, 1e-9),
    row(&["uA", "µA"], Dimension::Current, 1e-6),
    row(&["mA"], Dimension::Current, 1e-3),
    row(&["W"], Dimension::Power, 1.0),
    row(&["uW", "µW"], Dimension::Power, 1e-6),
    row(&["mW"], Dimension::Power, 1e-3),
    row(&["kW"], Dimension::Power, 1e3),
    row(&["J"], Dimension::Energy, 1.0),
    row(&["mJ"], Dimension::Energy, 1e-3),
    row(&["kJ"], Dimension::Energy, 1e3),
    row(&["Wh"], Dimension::Energy, 3.6e3),
    row(&["kWh"], Dimension::Energy, 3.6e6),
    row(&["Ohm", "Ω"], Dimension::Resistance, 1.0),
    row(&["mOhm", "mΩ"], Dimension::Resistance, 1e-3),
    row(&["kOhm", "kΩ"], Dimension::Resistance, 1e3),
    row(&["MOhm", "MΩ"], Dimension::Resistance, 1e6),
    row(&["T"], Dimension::Field, 1.0),
    row(&["mT"], Dimension::Field, 1e-3),
    row(&["G"], Dimension::Field, 1e-4),
    row(&["m"], Dimension::Length, 1.0),
    row(&["nm"], Dimension::Length, 1e-9),
    row(&["um", "µm"], Dimension::Length, 1e-6),
    row(&["mm"], Dimension::Length, 1e-3),
    row(&["cm"], Dimension::Length, 1e-2),
    row(&["km"], Dimension::Length, 1e3),
    row(&["m/s"], Dimension::Velocity, 1.0),
    row(&["mm/s"], Dimension::Velocity, 1e-3),
    row(&["kg"], Dimension::Mass, 1.0),
    row(&["g"], Dimension::Mass, 1e-3),
    row(&["mg"], Dimension::Mass, 1e-6),
    row(&["N"], Dimension::Force, 1.0),
    row(&["kN"], Dimension::Force, 1e3),
    row(&["l", "L"], Dimension::Volume, 1.0),
    row(&["ml", "mL"], Dimension::Volume, 1e-3),
    row(&["m3"], Dimension::Volume, 1e3),
    row(&["l/min", "L/min"], Dimension::Flow, 1.0),
    row(&["ml/min", "mL/min"], Dimension::Flow, 1e-3),
    row(&["l/h", "L/h"], Dimension::Flow, 1.0 / 60.0),
    row(&["l/s", "L/s"], Dimension::Flow, 60.0),
    row(&["m3/h"], Dimension::Flow, 1_000.0 / 60.0),
    row(&["sccm"], Dimension::StandardFlow, 1.0),
    row(&["slm", "slpm"], Dimension::StandardFlow, 1e3),
    row(&["rpm", "1/min"], Dimension::Rotation, 1.0),
    row(&["Hz"], Dimension::Frequency, 1.0),
    row(&["mHz"], Dimension::Frequency, 1e-3),
    row(&["kHz"], Dimension::Frequency, 1e3),
    row(&["MHz"], Dimension::Frequency, 1e6),
    row(&["GHz"], Dimension::Frequency, 1e9),
    row(&["%"], Dimension::Fraction, 1e-2),
    row(&["ppm"], Dimension::Fraction, 1e-6),
    row(&["ppb"], Dimension::Fraction, 1e-9),
    row(&["deg", "°"], Dimension::Angle, 1.0),
    row(&["rad"], Dimension::Angle, 180.0 / std::f64::consts::PI),
];

/// How a number is brought into another unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Conversion {
    from: (f64, f64),
    to: (f64, f64),
}

impl Conversion {
    const SAME: Self = Self { from: (1.0, 0.0), to: (1.0, 0.0) };

    const fn scale(from: &Row, to: &Row) -> Self {
        Self { from: (from.scale, 0.0), to: (to.scale, 0.0) }
    }

    /// The number in the other unit; the very same one where nothing is to be converted.
    pub(crate) fn apply(self, number: f64) -> f64 {
        if self.from == self.to { number } else { (number * self.from.0 + self.from.1 - self.to.1) / self.to.0 }
    }
}

/// Two units that do not go together: what is wrong, and what to do.
pub(crate) type Mismatch = (String, &'static str);

impl Unit {
    /// No unit.
    pub(crate) const ANY: Self = Self(Kind::Any);

    /// The unit of a text, as it stands behind a number or in a tag's declaration; an empty text is no unit.
    #[must_use]
    pub fn new(text: &str) -> Self {
        match text {
            "" | "1" => Self::ANY,
            _ => Self(
                TABLE
                    .iter()
                    .find(|row| row.names.contains(&text))
                    .map_or_else(|| Kind::Own(text.to_owned()), |row| Kind::Known { row, is_difference: false }),
            ),
        }
    }

    /// Seconds.
    pub(crate) fn seconds() -> Self {
        Self::new("s")
    }

    /// Whether it is none.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == Kind::Any
    }

    /// How the right number is brought into the left one's unit, so that the two can be compared.
    pub(crate) fn compared(&self, right: &Self) -> Result<Conversion, Mismatch> {
        match (&self.0, &right.0) {
            (Kind::Any, _) | (_, Kind::Any) => Ok(Conversion::SAME),
            (Kind::Own(left), Kind::Own(right)) if left == right => Ok(Conversion::SAME),
            (Kind::Known { row: left, is_difference: l }, Kind::Known { row: right, is_difference: r })
                if left.dimension == right.dimension =>
            {
                if left == right {
                    Ok(Conversion::SAME)
                } else if left.dimension != Dimension::Temperature || (*l && *r) {
                    Ok(Conversion::scale(right, left))
                } else if *l || *r {
                    Err(ambiguous(left, right))
                } else {
                    Ok(Conversion { from: (right.scale, right.offset), to: (left.scale, left.offset) })
                }
            }
            _ => Err((format!("{self} and {right} do not go together"), "compare and add what has the same dimension")),
        }
    }

    /// The unit of a sum or a difference, and how the right number is brought into it.
    pub(crate) fn added(&self, right: &Self, is_subtraction: bool) -> Result<(Self, Conversion), Mismatch> {
        let conversion = self.compared(right)?;
        let unit = match (&self.0, &right.0) {
            (Kind::Any, _) => right.clone(),
            (Kind::Known { row, is_difference: l }, Kind::Known { row: other, is_difference: r })
                if row.dimension == Dimension::Temperature =>
            {
                if row != other && !(*l && *r) {
                    return Err(ambiguous(row, other));
                }
                Self(Kind::Known { row, is_difference: is_subtraction || (*l && *r) })
            }
            _ => self.clone(),
        };
        Ok((unit, conversion))
    }

    /// The unit of a product.
    pub(crate) fn multiplied(&self, right: &Self) -> Result<Self, Mismatch> {
        match (&self.0, &right.0) {
            (_, Kind::Any) => Ok(self.clone()),
            (Kind::Any, _) => Ok(right.clone()),
            _ => Err((format!("{self} times {right} is a unit that there is no name for"), "multiply with a number that has no unit")),
        }
    }

    /// The unit of a quotient, and how the divisor is brought into the dividend's unit.
    pub(crate) fn divided(&self, right: &Self) -> Result<(Self, Conversion), Mismatch> {
        match (&self.0, &right.0) {
            (_, Kind::Any) => Ok((self.clone(), Conversion::SAME)),
            (Kind::Known { row, is_difference: l }, Kind::Known { is_difference: r, .. })
                if row.dimension == Dimension::Temperature && !(*l && *r) =>
            {
                Err(("a ratio of temperatures depends on where their unit begins".into(), "divide differences of temperatures"))
            }
            (Kind::Any, _) => {
                Err((format!("a number by {right} is a unit that there is no name for"), "divide by a number that has no unit"))
            }
            _ => Ok((Self::ANY, self.compared(right)?)),
        }
    }
}

fn ambiguous(left: &Row, right: &Row) -> Mismatch {
    let [left, right] = [left, right].map(|row| row.names.first().copied().unwrap_or_default());
    (format!("sums and differences of temperatures in {left} and in {right} begin at different zeros"), "write all of them in one unit")
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Any => f.write_str("a number without a unit"),
            Kind::Known { row, .. } => f.write_str(row.names.first().copied().unwrap_or_default()),
            Kind::Own(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `number` of one unit is in another.
    fn convert(number: f64, from: &str, to: &str) -> Option<f64> {
        Unit::new(to).compared(&Unit::new(from)).ok().map(|conversion| conversion.apply(number))
    }

    #[test]
    fn scales_are_converted_within_a_dimension_and_nowhere_else() {
        assert_eq!(convert(1.0, "bar", "mbar"), Some(1_000.0));
        assert_eq!(convert(760.0, "Torr", "kPa").map(|kpa| (kpa * 1e9).round() / 1e9), Some(101.325));
        assert_eq!(convert(2.0, "min", "s"), Some(120.0));
        assert_eq!(convert(1.0, "bar", "degC"), None);
        assert_eq!(convert(1.0, "sccm", "l/min"), None, "an amount of gas is not a volume");
        assert_eq!(convert(5.0, "widgets", "widgets"), Some(5.0));
        assert_eq!(convert(5.0, "widgets", "gadgets"), None);
        assert_eq!(convert(5.0, "", "gadgets"), Some(5.0), "a number without a unit fits everything");
    }

    #[test]
    fn temperatures_are_compared_with_their_offset() {
        assert_eq!(convert(300.0, "K", "degC").map(|c| (c * 1e6).round() / 1e6), Some(26.85));
        assert_eq!(convert(212.0, "degF", "°C").map(|c| (c * 1e6).round() / 1e6), Some(100.0));
    }

    #[test]
    fn a_difference_of_temperatures_has_no_offset() {
        let [degc, kelvin] = ["degC", "K"].map(Unit::new);
        let (difference, _) = degc.added(&degc, true).expect("one unit");
        assert!(difference.compared(&degc).is_ok());
        assert!(difference.compared(&kelvin).is_err(), "5 K may be a temperature or a difference");
        let (in_kelvin, _) = kelvin.added(&kelvin, true).expect("one unit");
        assert_eq!(difference.compared(&in_kelvin).map(|conversion| conversion.apply(5.0)), Ok(5.0));
        assert!(degc.added(&kelvin, false).is_err());
        assert!(degc.divided(&degc).is_err());
        assert_eq!(difference.divided(&in_kelvin).map(|(unit, _)| unit), Ok(Unit::ANY));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = TABLE.iter().flat_map(|row| row.names).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
