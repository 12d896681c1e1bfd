//! The memory of a simulated device: its four tables, as a master sees them.
//!
//! It knows nothing of physics, frames or sockets.

use crate::cells::Cells;
use crate::modbus::Exception;
use crate::modbus::register::Layout;
use labkeeper_model::Value;
use labkeeper_model::site::{Register, Table, ValueType, WordOrder};
use std::collections::BTreeMap;

/// One quantity of a device: where it is and how its bits are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its first cell.
    pub first: Register,
    /// Its bits.
    pub layout: Layout,
}

impl Field {
    /// A quantity without scale, most significant register first.
    #[must_use]
    pub const fn new(table: Table, address: u16, value_type: ValueType) -> Self {
        let layout = Layout { value_type, word_order: WordOrder::Big, scale: 1.0, offset: 0.0 };
        Self { first: Register { table, address }, layout }
    }

    /// A coil or discrete input.
    #[must_use]
    pub const fn bit(table: Table, address: u16) -> Self {
        Self::new(table, address, ValueType::Bool)
    }

    /// The same with the least significant register first.
    #[must_use]
    pub const fn little(mut self) -> Self {
        self.layout.word_order = WordOrder::Little;
        self
    }

    /// The same with value = raw x `scale`.
    #[must_use]
    pub const fn scaled(mut self, scale: f64) -> Self {
        self.layout.scale = scale;
        self
    }
}

/// Four tables. Cells that were never declared do not exist, unless the image is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    bits: BTreeMap<(Table, u16), bool>,
    words: BTreeMap<(Table, u16), u16>,
    whole: bool,
}

impl Image {
    /// No cell at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All 65,536 cells of each table, zero until written. Only written cells take memory.
    #[must_use]
    pub fn whole() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// Declares a quantity and sets it.
    #[must_use]
    pub fn with(mut self, field: Field, value: Value) -> Self {
        let cells = usize::from(field.layout.value_type.cells());
        let zeros = if field.first.table.is_bits() { Cells::Bits(vec![false; cells]) } else { Cells::Words(vec![0; cells]) };
        self.set(field.first, &zeros);
        self.put(field, value);
        self
    }

    /// Sets a quantity. A number that the registers cannot hold leaves them as they were: an instrument at its end of range.
    pub fn put(&mut self, field: Field, value: Value) {
        if let (true, Value::Bool(bit)) = (field.first.table.is_bits(), &value) {
            self.set(field.first, &Cells::Bits(vec![*bit]));
        } else if let Ok(words) = field.layout.encode(&value) {
            self.set(field.first, &Cells::Words(words));
        }
    }

    /// A quantity, if it exists and is a value.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<Value> {
        let cells = self.read(field.first, field.layout.value_type.cells()).ok()?;
        field.layout.decode(&cells, 0).ok()
    }

    /// A numeric quantity, if it exists and is a finite number.
    #[must_use]
    pub fn number(&self, field: Field) -> Option<f64> {
        self.get(field)?.as_f64()
    }

    /// A bit; one that does not exist is off.
    #[must_use]
    pub fn is_on(&self, field: Field) -> bool {
        self.get(field) == Some(Value::Bool(true))
    }

    /// `count` cells, all of which must exist.
    ///
    /// # Errors
    /// [`Exception::IllegalDataAddress`] if one does not.
    pub fn read(&self, first: Register, count: u16) -> Result<Cells, Exception> {
        let addresses = addresses(first, usize::from(count))?;
        if first.table.is_bits() {
            let bit = |address| self.bits.get(&(first.table, address)).copied().or(self.whole.then_some(false));
            addresses.map(bit).collect::<Option<_>>().map(Cells::Bits)
        } else {
            let word = |address| self.words.get(&(first.table, address)).copied().or(self.whole.then_some(0));
            addresses.map(word).collect::<Option<_>>().map(Cells::Words)
        }
        .ok_or(Exception::IllegalDataAddress)
    }

    /// Writes cells, all of which must exist.
    ///
    /// # Errors
    /// [`Exception::IllegalDataAddress`] if one does not; nothing is written then.
    pub fn write(&mut self, first: Register, cells: &Cells) -> Result<(), Exception> {
        let count = u16::try_from(cells.len()).map_err(|_| Exception::IllegalDataAddress)?;
        if !cells.fits(first.table) {
            return Err(Exception::IllegalDataValue);
        }
        self.read(first, count)?;
        self.set(first, cells);
        Ok(())
    }

    /// Every cell of a table that has a content of its own.
    pub(super) fn content(&self, table: Table) -> Vec<(u16, Cells)> {
        let of = move |(t, address): &(Table, u16)| (*t == table).then_some(*address);
        let bits = self.bits.iter().filter_map(|(key, bit)| Some((of(key)?, Cells::Bits(vec![*bit]))));
        let words = self.words.iter().filter_map(|(key, word)| Some((of(key)?, Cells::Words(vec![*word]))));
        bits.chain(words).collect()
    }

    /// Sets cells, whether they exist or not; what would lie beyond the table's end is left out.
    pub(super) fn set(&mut self, first: Register, cells: &Cells) {
        match cells {
            Cells::Bits(bits) => {
                self.bits.extend((first.address..=u16::MAX).zip(bits).map(|(address, bit)| ((first.table, address), *bit)));
            }
            Cells::Words(words) => {
                self.words.extend((first.address..=u16::MAX).zip(words).map(|(address, word)| ((first.table, address), *word)));
            }
        }
    }
}

fn addresses(first: Register, count: usize) -> Result<impl Iterator<Item = u16>, Exception> {
    let beyond = usize::from(first.address) + count > usize::from(u16::MAX) + 1;
    if beyond { Err(Exception::IllegalDataAddress) } else { Ok((first.address..=u16::MAX).take(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPERATURE: Field = Field::new(Table::Input, 10, ValueType::F32);

    #[test]
    fn only_declared_cells_exist() {
        let image = Image::new().with(TEMPERATURE, Value::F64(1.5));
        assert_eq!(image.number(TEMPERATURE), Some(1.5));
        let at = |address| Register { table: Table::Input, address };
        assert!(image.read(at(10), 2).is_ok());
        assert_eq!(image.read(at(10), 3), Err(Exception::IllegalDataAddress));
        assert_eq!(image.read(at(9), 1), Err(Exception::IllegalDataAddress));
    }

    #[test]
    fn a_whole_image_ends_at_65535() {
        let mut image = Image::whole();
        let last = Register { table: Table::Holding, address: 65_535 };
        assert!(image.write(last, &Cells::Words(vec![7])).is_ok());
        assert_eq!(image.read(last, 1), Ok(Cells::Words(vec![7])));
        assert_eq!(image.write(last, &Cells::Words(vec![1, 2])), Err(Exception::IllegalDataAddress));
        assert_eq!(image.write(last, &Cells::Bits(vec![true])), Err(Exception::IllegalDataValue));
        assert_eq!(image.read(last, 1), Ok(Cells::Words(vec![7])), "nothing of a refused write remains");
    }
}
