//! Which epoch is the newest of each segment, as far as the gate has been told. Pure: what it says is kept by [`super::memory`].
//!
//! ```text
//! labkeeper-gate 1
//! segment=cryo epoch=42 node=lab-a
//! ```

use super::claim::Claim;
use labkeeper_model::{Epoch, Name};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The first line of what is remembered.
const HEAD: &str = "labkeeper-gate 1";
/// Most segments. A device belongs to one; it may have been moved a few times. More are a fault of whoever claims, or a stranger's play.
const SEGMENTS_MAX: usize = 64;

/// The newest claim of each segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    newest: BTreeMap<Name, Claim>,
}

/// What is to be done with a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the newest: remember it, then let it pass.
    Newer,
    /// It is the newest known, of the same node: let it pass.
    Known,
    /// There is a newer one.
    Stale {
        /// That one's epoch.
        newest: Epoch,
    },
    /// Another node has the same epoch, or there are too many segments: something is badly wrong.
    Refused(&'static str),
}

impl Ledger {
    /// What is to be done with a claim. Changes nothing.
    pub(super) fn judge(&self, claim: &Claim) -> Verdict {
        match self.newest.get(&claim.segment) {
            Some(known) if claim.epoch < known.epoch => Verdict::Stale { newest: known.epoch },
            Some(known) if claim.epoch > known.epoch => Verdict::Newer,
            Some(known) if claim.node == known.node => Verdict::Known,
            Some(_) => Verdict::Refused("another node has this epoch"),
            None if self.newest.len() >= SEGMENTS_MAX => Verdict::Refused("too many segments"),
            None => Verdict::Newer,
        }
    }

    /// The ledger with one more claim.
    pub(super) fn with(&self, claim: &Claim) -> Self {
        let mut more = self.clone();
        more.newest.insert(claim.segment.clone(), claim.clone());
        more
    }

    /// The newest claims, by segment.
    pub(super) fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.newest.values()
    }

    /// The text that is kept.
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for claim in self.claims() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{claim}");
        }
        text
    }

    /// Reads what was kept.
    ///
    /// # Errors
    /// What is wrong, with its line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(format!("line 1 is not {HEAD:?}"));
        }
        let mut ledger = Self::default();
        for (n, line) in lines.enumerate() {
            let claim = Claim::parse_fields(line).map_err(|why| format!("line {}: {why}", n + 2))?;
            ledger.newest.insert(claim.segment.clone(), claim);
        }
        Ok(ledger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(segment: &str, epoch: Epoch, node: &str) -> Claim {
        Claim::parse_fields(&format!("segment={segment} epoch={epoch} node={node}")).expect("a claim")
    }

    #[test]
    fn epochs_only_grow_and_have_one_node_each() {
        let ledger = Ledger::default().with(&claim("cryo", 7, "a"));
        assert_eq!(ledger.judge(&claim("cryo", 8, "b")), Verdict::Newer);
        assert_eq!(ledger.judge(&claim("cryo", 7, "a")), Verdict::Known);
        assert_eq!(ledger.judge(&claim("cryo", 6, "a")), Verdict::Stale { newest: 7 });
        assert!(matches!(ledger.judge(&claim("cryo", 7, "b")), Verdict::Refused(_)));
        assert_eq!(ledger.judge(&claim("hall", 1, "b")), Verdict::Newer, "each segment counts for itself");
    }

    #[test]
    fn strangers_cannot_fill_it() {
        let full = (0..64).fold(Ledger::default(), |ledger, n| ledger.with(&claim(&format!("s{n}"), 1, "a")));
        assert!(matches!(full.judge(&claim("s64", 1, "a")), Verdict::Refused(_)));
        assert_eq!(full.judge(&claim("s63", 2, "a")), Verdict::Newer);
    }

    #[test]
    fn what_is_kept_reads_back_and_damage_is_noticed() {
        let ledger = Ledger::default().with(&claim("cryo", 7, "a")).with(&claim("hall", u64::MAX, "b"));
        assert_eq!(ledger.to_text(), "labkeeper-gate 1\nsegment=cryo epoch=7 node=a\nsegment=hall epoch=18446744073709551615 node=b\n");
        assert_eq!(Ledger::parse(&ledger.to_text()), Ok(ledger));
        assert_eq!(Ledger::parse(""), Err("line 1 is not \"labkeeper-gate 1\"".into()));
        assert_eq!(Ledger::parse("labkeeper-gate 1\nsegment=cryo epoch=x node=a\n"), Err("line 2: no epoch".into()));
    }
}
