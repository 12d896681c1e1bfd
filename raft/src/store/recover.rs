//! Reading the log when a node starts: every value is checked once, nothing is repaired. What is damaged is said, not guessed.

use crate::codec::log::{decode_entry, decode_log_id, decode_vote};
use crate::store::disk::Disk;
use crate::store::layout::{
    COMMITTED, Damage, PURGED, SNAPSHOT, VOTE, entries_end, entry_key, mark_key, open_entry, open_mark, parse_entry_key, show,
};
use crate::types::{Entry, LogId, Vote};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::io;

/// What a log holds.
#[derive(Default)]
pub(super) struct Recovered {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    pub(super) purged: Option<LogId>,
    pub(super) snapshot: Option<String>,
    /// The last entry's id; `None` if there is no entry.
    pub(super) last: Option<LogId>,
    /// Index of the first entry that is not purged.
    pub(super) first: u64,
    /// The parts of entries that have more than one.
    pub(super) parts: BTreeMap<u64, u16>,
    /// Keys of purged entries that a crash left behind.
    pub(super) leftovers: Vec<Vec<u8>>,
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The disk's own error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something is not what was written.
    #[error(transparent)]
    Damage(#[from] Damage),
}

/// Entries read at a time: at 200 kB for the largest usual entry, 200 MB; at 10 kB for a usual one, 10 MB.
const STEP: u64 = 1_024;

/// What a mark holds.
pub(crate) fn mark(disk: &dyn Disk, name: &str) -> Result<Option<Bytes>, RecoverError> {
    let key = mark_key(name);
    let end = [&key[..], &[0]].concat();
    let found = disk.range(&key, &end)?.pop();
    Ok(found.map(|(key, value)| open_mark(&key, &value)).transpose()?)
}

/// Reads and checks everything.
pub(super) fn recover(disk: &dyn Disk) -> Result<Recovered, RecoverError> {
    let mark = |name: &str| mark(disk, name);
    let meaning = |e: crate::codec::CodecError| Damage::Meaning(e.to_string());
    let mut found = Recovered {
        vote: mark(VOTE)?.map(|b| decode_vote(&b)).transpose().map_err(meaning)?,
        committed: mark(COMMITTED)?.map(|b| decode_log_id(&b)).transpose().map_err(meaning)?,
        purged: mark(PURGED)?.map(|b| decode_log_id(&b)).transpose().map_err(meaning)?,
        snapshot: mark(SNAPSHOT)?.map(|b| String::from_utf8_lossy(&b).into_owned()),
        ..Recovered::default()
    };
    found.first = found.purged.map_or(0, |id| id.index.saturating_add(1));
    found.leftovers = disk.range(&entry_key(0, 0), &entry_key(found.first, 0))?.into_iter().map(|(key, _)| key).collect();
    let mut next = found.first;
    loop {
        let to = next.checked_add(STEP).map_or_else(entries_end, |index| entry_key(index, 0));
        let entries = entries(disk.range(&entry_key(next, 0), &to)?)?;
        for (entry, parts) in &entries {
            if entry.log_id.index != next {
                return Err(Damage::Hole(next).into());
            }
            if *parts > 1 {
                found.parts.insert(next, *parts);
            }
            found.last = Some(entry.log_id);
            next = next.saturating_add(1);
        }
        if entries.is_empty() {
            break;
        }
    }
    // Anything behind the first gap would be a hole.
    match disk.range(&entry_key(next, 0), &entries_end())?.first() {
        Some(_) => Err(Damage::Hole(next).into()),
        None => Ok(found),
    }
}

/// The entries in a sequence of values, with the number of their parts.
pub(super) fn entries(pairs: Vec<(Vec<u8>, Bytes)>) -> Result<Vec<(Entry, u16)>, Damage> {
    let mut entries = vec![];
    let mut pairs = pairs.into_iter().peekable();
    while let Some((key, value)) = pairs.next() {
        let (index, part) = parse_entry_key(&key).ok_or_else(|| Damage::UnknownKey(show(&key)))?;
        let (parts, first) = open_entry(&key, &value)?;
        if part != 0 || parts == 0 {
            return Err(Damage::Parts(index));
        }
        let bytes = if parts == 1 { first } else { join(index, parts, &first, &mut pairs)? };
        let entry = decode_entry(bytes).map_err(|e| Damage::Meaning(format!("entry {index}: {e}")))?;
        if entry.log_id.index != index {
            return Err(Damage::Meaning(format!("entry {index} says that it is entry {}", entry.log_id.index)));
        }
        entries.push((entry, parts));
    }
    Ok(entries)
}

fn join(index: u64, parts: u16, first: &Bytes, rest: &mut impl Iterator<Item = (Vec<u8>, Bytes)>) -> Result<Bytes, Damage> {
    let mut joined = BytesMut::from(&first[..]);
    for part in 1..parts {
        let (key, value) = rest.next().ok_or(Damage::Parts(index))?;
        let (of, slice) = open_entry(&key, &value)?;
        if parse_entry_key(&key) != Some((index, part)) || of != parts {
            return Err(Damage::Parts(index));
        }
        joined.extend_from_slice(&slice);
    }
    Ok(joined.freeze())
}

#[cfg(test)]
#[path = "recover_tests.rs"]
mod tests;
