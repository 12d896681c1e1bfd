//! The owner register of a device that compares epochs itself: what is written there, and what a refusal means.
//!
//! The device's program keeps the newest epoch that was written to two holding registers, refuses an older one with an exception, and
//! refuses every write on a connection that has not claimed the newest. So a node that has lost a segment without noticing cannot
//! write, however long it was frozen.
//!
//! ```text
//!                       taken
//!   connect ──► claim ────────► read, write
//!                 │ refused                    the register holds more than our epoch
//!                 └────────► read the register ─────────────────────────────────────► fenced: let go
//!                                             └─────► refused: something else is wrong with it
//! ```
//!
//! It knows nothing of connections, and a driver knows nothing of it: a claim is a write of two registers like any other.

use crate::cells::Cells;
use crate::driver::DriverError;
use crate::plan::Span;
use labkeeper_model::Epoch;
use labkeeper_model::site::Register;

/// The registers of the fence.
#[must_use]
pub const fn span(register: Register) -> Span {
    Span { first: register, count: 2 }
}

/// What is written to claim a device: the epoch, most significant register first.
///
/// # Errors
/// Permanent if the epoch does not fit 32 bits. At one change of owner a second that takes 136 years.
pub fn claim(epoch: Epoch) -> Result<Cells, DriverError> {
    let epoch = u32::try_from(epoch).map_err(|_| DriverError::permanent(format!("epoch {epoch} does not fit a fence of 32 bits")))?;
    let [b0, b1, b2, b3] = epoch.to_be_bytes();
    Ok(Cells::Words(vec![u16::from_be_bytes([b0, b1]), u16::from_be_bytes([b2, b3])]))
}

/// The epoch that the registers hold; `None` if these are not the cells of a fence.
#[must_use]
pub fn held(cells: &Cells) -> Option<Epoch> {
    match cells.words(0, 2)? {
        [high, low] => Some(Epoch::from(*high) << 16 | Epoch::from(*low)),
        _ => None,
    }
}

/// What a refused claim of `epoch` means, with what the register held afterwards, if it could be read.
#[must_use]
pub fn refused(device: &str, epoch: Epoch, refusal: DriverError, held: Option<Epoch>) -> DriverError {
    match held {
        Some(newest) if newest > epoch => {
            DriverError::Fenced { newest: Some(newest), message: format!("{device} belongs to epoch {newest}, and this is epoch {epoch}") }
        }
        _ => refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_comes_back_from_its_registers() {
        assert_eq!(claim(0x0001_0002), Ok(Cells::Words(vec![1, 2])));
        for epoch in [0, 1, 0xffff, 0x1_0000, 0xffff_ffff] {
            assert_eq!(held(&claim(epoch).unwrap()), Some(epoch));
        }
        assert!(matches!(claim(0x1_0000_0000), Err(DriverError::Permanent { .. })));
        assert_eq!(held(&Cells::Bits(vec![true, true])), None);
    }

    #[test]
    fn only_a_newer_epoch_in_the_register_means_that_somebody_else_has_it() {
        let refusal = DriverError::Refused { narrower_may_work: false, message: "exception 2".into() };
        let verdict = |held| refused("plc", 7, refusal.clone(), held);
        assert!(matches!(verdict(Some(8)), DriverError::Fenced { newest: Some(8), .. }));
        for no_reason in [None, Some(7), Some(0)] {
            assert_eq!(verdict(no_reason), refusal, "{no_reason:?}");
        }
    }
}
