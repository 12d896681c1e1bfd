//! What must be true of every world, one invariant to a file. The numbers I1 to I9 are those of the ownership protocol; that each rule of
//! the protocol is needed for them is shown by leaving it out (`tests/mutations.rs`).

mod accepted_once;
mod i1_fencing;
mod i2_one_owner;
mod i3_lease_before_expiry;
mod i4_only_growing;
mod i5_without_quorum;
mod i6_after_freeze;
mod i7_deadlines;
mod i8_kept_again;
mod i9_epochs_sorted;
mod read_first;
mod replicas_equal;
mod reports_in_epoch;
mod settled;

use crate::fact::Fact;
use crate::world::World;

/// Something that must be true, watched as things happen.
pub trait Invariant {
    /// Its name, which is its file's.
    fn name(&self) -> &'static str;

    /// Takes a fact.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String>;
}

/// All of them, having seen nothing.
#[must_use]
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(i1_fencing::Fencing::default()),
        Box::new(i2_one_owner::OneOwner),
        Box::new(i3_lease_before_expiry::LeaseBeforeExpiry),
        Box::new(i4_only_growing::OnlyGrowing::default()),
        Box::new(i5_without_quorum::WithoutQuorum::default()),
        Box::new(i6_after_freeze::AfterFreeze::default()),
        Box::new(i7_deadlines::Deadlines::default()),
        Box::new(i8_kept_again::KeptAgain::default()),
        Box::new(i9_epochs_sorted::EpochsSorted::default()),
        Box::new(accepted_once::AcceptedOnce::default()),
        Box::new(read_first::ReadFirst::default()),
        Box::new(replicas_equal::ReplicasEqual),
        Box::new(reports_in_epoch::ReportsInEpoch::default()),
        Box::new(settled::Settled),
    ]
}

/// Fails with words unless something holds.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
