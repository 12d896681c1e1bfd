//! What a table of a device holds, before anybody gives it a meaning: bits, or 16-bit words.
//!
//! It knows nothing of types, scales or word order; those are in [`crate::modbus::register`].

use labkeeper_model::site::Table;
use serde::{Deserialize, Serialize};

/// Consecutive cells of one table. In JSON a plain list: of booleans, or of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cells {
    /// Of a coil or discrete-input table.
    Bits(Vec<bool>),
    /// Of a holding or input register table.
    Words(Vec<u16>),
}

impl Cells {
    /// How many cells there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Bits(bits) => bits.len(),
            Self::Words(words) => words.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether cells of this kind are what the table holds.
    #[must_use]
    pub const fn fits(&self, table: Table) -> bool {
        matches!(self, Self::Bits(_)) == table.is_bits()
    }

    /// The bit at `offset`, if these are bits and there are that many.
    #[must_use]
    pub fn bit(&self, offset: usize) -> Option<bool> {
        match self {
            Self::Bits(bits) => bits.get(offset).copied(),
            Self::Words(_) => None,
        }
    }

    /// `count` words from `offset`, if these are words and there are that many.
    #[must_use]
    pub fn words(&self, offset: usize, count: usize) -> Option<&[u16]> {
        match self {
            Self::Words(words) => words.get(offset..offset.checked_add(count)?),
            Self::Bits(_) => None,
        }
    }
}
