//! The chain that ties each entry of the audit to all before it, so that a changed, missing or reordered one is found.
//!
//! ```text
//!   hash before the oldest entry (the anchor) --> entry n --hash--> entry n+1 --hash--> ... --> the newest entry's hash
//! ```
//!
//! An entry's hash is SHA-256 over these bytes, numbers big-endian, in this order:
//!
//! | bytes | what |
//! |---|---|
//! | 32 | the hash of the entry before; zeros before the first |
//! | 8 | number |
//! | 8 | index of the log entry |
//! | 8 | time, nanoseconds since 1970, two's complement |
//! | 4 + n, seven times | actor, action, target, detail, reason, before, after: length in bytes, then UTF-8 |
//! | 1, or 1 + 16 | 0, or 1 and the command's id |
//! | 2 | number of the error code; 0 if it was not refused |
//!
//! The chain convinces whoever has kept a hash from elsewhere: an export, another node, a notebook. Somebody who may write the disks of all
//! nodes can make another chain that is whole; its newest hash is then another than the one that was kept.
//!
//! Knows nothing of where entries are kept.

use crate::state::AuditEntry;
use labkeeper_model::ErrorCode;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A hash of SHA-256.
pub type Hash = [u8; 32];

/// What stands before the first entry of all.
pub const ORIGIN: Hash = [0; 32];

/// The hash of an entry that follows one with the hash `before`. The entry's own is not looked at.
#[must_use]
pub fn hash_of(before: &Hash, entry: &AuditEntry) -> Hash {
    let mut bytes = Sha256::new();
    bytes.update(before);
    bytes.update(entry.number.to_be_bytes());
    bytes.update(entry.log_index.to_be_bytes());
    bytes.update(entry.time.0.to_be_bytes());
    for text in [&entry.actor, &entry.action, &entry.target, &entry.detail, &entry.reason, &entry.before, &entry.after] {
        // A text that is kept has a few thousand bytes at most; saturating keeps the function total.
        bytes.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.update(text.as_bytes());
    }
    match entry.command_id {
        None => bytes.update([0]),
        Some(id) => {
            bytes.update([1]);
            bytes.update(id.0);
        }
    }
    bytes.update(entry.refused.map_or(0, ErrorCode::number).to_be_bytes());
    bytes.finalize().into()
}

/// The first entry at which a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The number of the entry that is wrong, or missing.
    pub number: u64,
    /// What is wrong with it.
    pub kind: BreachKind,
}

/// How a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreachKind {
    /// Another number stands in its place: it is missing, or the entries are out of order.
    NotInOrder {
        /// The number that stands there.
        found: u64,
    },
    /// It is not what was hashed: it, or one before it, was changed.
    Changed,
    /// It has no hash, though the entry before it has one.
    WithoutHash,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            BreachKind::NotInOrder { found } => write!(f, "entry {} is missing: {found} stands in its place", self.number),
            BreachKind::Changed => write!(f, "entry {} is not what was written: it was changed, or what stands before it was", self.number),
            BreachKind::WithoutHash => write!(f, "entry {} has lost its hash", self.number),
        }
    }
}

/// Checks entries from the oldest on, against the hash before the oldest; the hash of the newest. Entries of a version that knew no hashes
/// may stand at the front: only their numbers are checked.
///
/// # Errors
/// The first entry that is not what it should be.
pub fn verify<'a>(anchor: Hash, entries: impl IntoIterator<Item = &'a AuditEntry>) -> Result<Hash, Breach> {
    let mut before = anchor;
    let mut previous: Option<&AuditEntry> = None;
    for entry in entries {
        let number = previous.map_or(entry.number, |previous| previous.number.saturating_add(1));
        let breach = |kind| Err(Breach { number, kind });
        if entry.number != number {
            return breach(BreachKind::NotInOrder { found: entry.number });
        }
        match entry.hash {
            None if previous.is_some_and(|previous| previous.hash.is_some()) || before != ORIGIN => return breach(BreachKind::WithoutHash),
            Some(hash) if hash != hash_of(&before, entry) => return breach(BreachKind::Changed),
            hash => before = hash.unwrap_or(before),
        }
        previous = Some(entry);
    }
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::{CommandId, Timestamp};

    fn entry(number: u64) -> AuditEntry {
        AuditEntry {
            number,
            log_index: 40 + number,
            time: Timestamp(1_700_000_000_000_000_000),
            actor: "ann".into(),
            action: "setpoint".into(),
            target: "cryo/a/t".into(),
            detail: "4 -> 5".into(),
            before: "4".into(),
            after: "5".into(),
            reason: "cooldown".into(),
            command_id: Some(CommandId([7; 16])),
            refused: None,
            hash: None,
        }
    }

    fn chained(count: u64) -> Vec<AuditEntry> {
        let mut before = ORIGIN;
        let chain = |number| {
            before = hash_of(&before, &entry(number));
            AuditEntry { hash: Some(before), ..entry(number) }
        };
        (1..=count).map(chain).collect()
    }

    fn verdict(entries: &[AuditEntry]) -> Result<(), Breach> {
        verify(ORIGIN, entries).map(drop)
    }

    /// Computed by another program from the table above: the format is a promise.
    #[test]
    fn the_bytes_are_those_of_the_table() {
        let hex: String = hash_of(&ORIGIN, &entry(1)).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "cc02fcacc5247b1077fdeb28d43d1a76fa2c9961b93c5bbc3110e3e049b04484");
    }

    #[test]
    fn a_whole_chain_ends_in_its_newest_hash_and_may_begin_anywhere() {
        let entries = chained(5);
        assert_eq!(verify(ORIGIN, &entries), Ok(entries[4].hash.expect("a hash")));
        assert_eq!(verify(entries[1].hash.expect("a hash"), &entries[2..]), Ok(entries[4].hash.expect("a hash")));
        assert_eq!(verify(ORIGIN, &[]), Ok(ORIGIN));
    }

    #[test]
    fn whatever_is_changed_in_an_entry_is_found_there() {
        let changes: [fn(&mut AuditEntry); 11] = [
            |entry| entry.log_index += 1,
            |entry| entry.time.0 += 1,
            |entry| entry.actor.push('a'),
            |entry| entry.action.push('a'),
            |entry| entry.target.push('a'),
            |entry| entry.detail.push('a'),
            |entry| entry.reason.push('a'),
            |entry| entry.before.push('a'),
            |entry| entry.after.push('a'),
            |entry| entry.command_id = None,
            |entry| entry.refused = Some(ErrorCode::Held),
        ];
        for (i, change) in changes.iter().enumerate() {
            let mut entries = chained(5);
            change(&mut entries[2]);
            assert_eq!(verdict(&entries), Err(Breach { number: 3, kind: BreachKind::Changed }), "change {i}");
        }
        // One text must not be able to take over what belongs to the next.
        let mut entries = chained(5);
        (entries[2].actor, entries[2].action) = ("anns".into(), "etpoint".into());
        assert_eq!(verdict(&entries), Err(Breach { number: 3, kind: BreachKind::Changed }));
    }

    #[test]
    fn an_entry_that_is_missing_doubled_out_of_order_or_without_its_hash_is_found() {
        let broken = |change: fn(&mut Vec<AuditEntry>)| {
            let mut entries = chained(5);
            change(&mut entries);
            verdict(&entries).expect_err("a breach").to_string()
        };
        assert_eq!(broken(|entries| drop(entries.remove(2))), "entry 3 is missing: 4 stands in its place");
        assert_eq!(broken(|entries| entries.swap(1, 2)), "entry 2 is missing: 3 stands in its place");
        assert_eq!(broken(|entries| entries.insert(1, entries[0].clone())), "entry 2 is missing: 1 stands in its place");
        assert_eq!(broken(|entries| entries[3].hash = None), "entry 4 has lost its hash");
        // Whoever takes one out and numbers the others anew must forge every hash behind it.
        let renumbered = broken(|entries| {
            entries.remove(2);
            entries[2..].iter_mut().for_each(|entry| entry.number -= 1);
        });
        assert_eq!(renumbered, "entry 3 is not what was written: it was changed, or what stands before it was");
    }

    #[test]
    fn the_front_that_an_older_version_wrote_has_no_hashes() {
        let older = [entry(1), entry(2)];
        let hash = hash_of(&ORIGIN, &entry(3));
        let mut entries = older.to_vec();
        entries.push(AuditEntry { hash: Some(hash), ..entry(3) });
        assert_eq!(verify(ORIGIN, &entries), Ok(hash));
    }
}
