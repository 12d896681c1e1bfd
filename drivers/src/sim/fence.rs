//! The owner register of a simulated device, as the program of a real PLC would keep it.
//!
//! | request | answer |
//! |---|---|
//! | a claim (a write of both registers) of the newest epoch or a newer one | taken: this connection holds it |
//! | a claim of an older epoch | exception 3 |
//! | any other write, on a connection that holds the newest epoch, or before anybody has claimed | carried out |
//! | any other write, on another connection | exception 4 |
//! | a write that touches one of the two registers only | exception 2 |
//! | a read | carried out; the registers hold the newest epoch |
//!
//! A fence that only records takes everything, so that a test sees what would have got through.
//!
//! It knows nothing of connections but what they hold.

use crate::cells::Cells;
use crate::fence;
use crate::modbus::Exception;
use labkeeper_model::Epoch;
use labkeeper_model::site::{Register, Table};

/// What a fence does with the writes of an older owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FenceMode {
    /// It refuses them.
    #[default]
    Enforce,
    /// It lets them through; the log of writes has their epochs.
    Record,
}

/// What a write is to a fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A claim of this epoch.
    Claim(Epoch),
    /// Anything else.
    Plain,
}

/// The fence of one device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fence {
    register: Register,
    mode: FenceMode,
    /// The newest epoch that was claimed.
    newest: Option<Epoch>,
}

impl Fence {
    /// A fence that nobody has claimed.
    pub(super) const fn new(register: Register, mode: FenceMode) -> Self {
        Self { register, mode, newest: None }
    }

    /// What a write of these cells is.
    ///
    /// # Errors
    /// Exception 2 if it would write a part of the fence.
    pub(super) fn kind(&self, first: Register, cells: &Cells) -> Result<Kind, Exception> {
        let (fence, start) = (u32::from(self.register.address), u32::from(first.address));
        let end = start + u32::try_from(cells.len()).unwrap_or(u32::MAX);
        if first.table != Table::Holding || end <= fence || start >= fence + 2 {
            return Ok(Kind::Plain);
        }
        let whole = first == self.register && cells.len() == 2;
        fence::held(cells).filter(|_| whole).map(Kind::Claim).ok_or(Exception::IllegalDataAddress)
    }

    /// Whether it lets a write through, from a connection that holds `held`.
    ///
    /// # Errors
    /// The exception with which it refuses.
    pub(super) fn admit(&mut self, kind: Kind, held: Option<Epoch>) -> Result<(), Exception> {
        let enforced = self.mode == FenceMode::Enforce;
        match kind {
            Kind::Claim(epoch) if enforced && self.newest > Some(epoch) => Err(Exception::IllegalDataValue),
            Kind::Claim(epoch) => {
                self.newest = self.newest.max(Some(epoch));
                Ok(())
            }
            Kind::Plain if enforced && self.newest > held => Err(Exception::ServerDeviceFailure),
            Kind::Plain => Ok(()),
        }
    }

    /// What its registers hold, and where they are.
    pub(super) fn shown(&self) -> (Register, Cells) {
        let newest = fence::claim(self.newest.unwrap_or(0)).unwrap_or(Cells::Words(vec![u16::MAX; 2]));
        (self.register, newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Register = Register { table: Table::Holding, address: 100 };

    fn write(address: u16, words: &[u16]) -> (Register, Cells) {
        (Register { address, ..AT }, Cells::Words(words.to_vec()))
    }

    #[test]
    fn an_older_claim_and_a_connection_without_the_newest_are_refused() {
        let mut fence = Fence::new(AT, FenceMode::Enforce);
        assert_eq!(fence.admit(Kind::Plain, None), Ok(()), "nobody has claimed it yet");
        assert_eq!(fence.admit(Kind::Claim(7), None), Ok(()));
        assert_eq!(fence.admit(Kind::Claim(7), None), Ok(()), "the same owner connects again");
        assert_eq!(fence.admit(Kind::Plain, Some(7)), Ok(()));
        assert_eq!(fence.admit(Kind::Plain, None), Err(Exception::ServerDeviceFailure));
        assert_eq!(fence.admit(Kind::Claim(8), None), Ok(()));
        assert_eq!(fence.admit(Kind::Claim(7), None), Err(Exception::IllegalDataValue));
        assert_eq!(fence.admit(Kind::Plain, Some(7)), Err(Exception::ServerDeviceFailure));
        assert_eq!(fence.shown(), (AT, Cells::Words(vec![0, 8])));
    }

    #[test]
    fn one_that_records_refuses_nothing_and_keeps_the_newest() {
        let mut fence = Fence::new(AT, FenceMode::Record);
        for (kind, held) in [(Kind::Claim(8), None), (Kind::Claim(7), None), (Kind::Plain, Some(7)), (Kind::Plain, None)] {
            assert_eq!(fence.admit(kind, held), Ok(()));
        }
        assert_eq!(fence.shown().1, Cells::Words(vec![0, 8]));
    }

    #[test]
    fn only_both_registers_at_once_are_a_claim() {
        let fence = Fence::new(AT, FenceMode::Enforce);
        let kind = |(first, cells): (Register, Cells)| fence.kind(first, &cells);
        assert_eq!(kind(write(100, &[1, 2])), Ok(Kind::Claim(0x1_0002)));
        for part in [write(99, &[1, 2]), write(101, &[1]), write(100, &[1]), write(99, &[1; 9]), write(100, &[1; 3])] {
            assert_eq!(kind(part.clone()), Err(Exception::IllegalDataAddress), "{part:?}");
        }
        for beside in [write(98, &[1, 2]), write(102, &[1]), write(0, &[1])] {
            assert_eq!(kind(beside.clone()), Ok(Kind::Plain), "{beside:?}");
        }
        let coils = (Register { table: Table::Coil, address: 100 }, Cells::Bits(vec![true; 2]));
        assert_eq!(kind(coils), Ok(Kind::Plain));
    }
}
