//! Keys and values of the log, byte by byte. A promise: what is written here is read by later versions.
//!
//! ```text
//!   key of an entry   'e' | index, 8 bytes | part, 2 bytes             big endian, so that keys sort as indexes do
//!   value             crc32 | parts, 2 bytes | up to 256 KiB of LogEntry bytes
//!
//!   key of a mark     'm' | name                                       birth, vote, committed, purged, snapshot
//!   value             crc32 | bytes
//!
//!   crc32             4 bytes, little endian (as `parts`), over the key and everything behind the crc
//! ```
//!
//! The key is under the checksum: a value that a fault put under another index is noticed.

use crate::store::disk::Op;
use bytes::Bytes;

/// The version of the data directory as a whole: identity, log, snapshots.
pub const FORMAT: u32 = 1;
/// Most bytes of an entry in one value. sled handles values of up to 512 KiB within one segment of its file; half of it leaves
/// room for its own headers.
pub const PART_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of an encoded entry: as many parts as two bytes can count would be 16 GiB; commands are bounded far below
/// (`propose::COMMAND_BYTES_MAX`), this only keeps `parts` from overflowing.
pub const ENTRY_BYTES_MAX: usize = PART_BYTES_MAX * 4096;

/// Mark: the instance of the data directory that the log belongs to. The first thing in a log; one without it was emptied.
pub const BIRTH: &str = "birth";
/// Mark: the vote.
pub const VOTE: &str = "vote";
/// Mark: the last entry that is known to be committed.
pub const COMMITTED: &str = "committed";
/// Mark: the last entry that was purged.
pub const PURGED: &str = "purged";
/// Mark: the name of the snapshot file that counts.
pub const SNAPSHOT: &str = "snapshot";

/// Why a value cannot be what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Too short to hold its own header.
    #[error("the value of {0} is cut off")]
    CutOff(String),
    /// The checksum is not that of key and value.
    #[error("the checksum of {0} is wrong")]
    Checksum(String),
    /// A part of an entry is missing, or one too many is there.
    #[error("entry {0} does not have all its parts")]
    Parts(u64),
    /// An entry is missing between two others.
    #[error("entry {0} is missing")]
    Hole(u64),
    /// The bytes are intact but do not decode.
    #[error("{0}")]
    Meaning(String),
    /// A key that this format does not have.
    #[error("unknown key {0}")]
    UnknownKey(String),
}

/// The key of one part of an entry.
#[must_use]
pub fn entry_key(index: u64, part: u16) -> Vec<u8> {
    let mut key = Vec::with_capacity(11);
    key.push(b'e');
    key.extend_from_slice(&index.to_be_bytes());
    key.extend_from_slice(&part.to_be_bytes());
    key
}

/// Index and part of an entry's key.
#[must_use]
pub fn parse_entry_key(key: &[u8]) -> Option<(u64, u16)> {
    let (tag, rest) = key.split_first()?;
    let (index, part) = rest.split_first_chunk::<8>()?;
    (*tag == b'e').then_some((u64::from_be_bytes(*index), u16::from_be_bytes(part.try_into().ok()?)))
}

/// The key behind the last that an entry can have.
#[must_use]
pub fn entries_end() -> Vec<u8> {
    vec![b'e' + 1]
}

/// The key of a mark.
#[must_use]
pub fn mark_key(name: &str) -> Vec<u8> {
    [b"m", name.as_bytes()].concat()
}

/// How many parts an entry of that many bytes has; an empty one has one.
#[must_use]
pub fn parts_of(bytes: usize) -> u16 {
    u16::try_from(bytes.div_ceil(PART_BYTES_MAX).max(1)).unwrap_or(u16::MAX)
}

/// The operations that write an entry. The caller has checked [`ENTRY_BYTES_MAX`].
#[must_use]
pub fn put_entry(index: u64, bytes: &[u8]) -> Vec<Op> {
    let parts = parts_of(bytes.len());
    (0..parts)
        .map(|part| {
            let from = usize::from(part) * PART_BYTES_MAX;
            let slice = &bytes[from..bytes.len().min(from + PART_BYTES_MAX)];
            let key = entry_key(index, part);
            let value = seal(&key, &[&parts.to_le_bytes(), slice]);
            Op::Put(key, value)
        })
        .collect()
}

/// The operations that remove an entry of that many parts.
pub fn remove_entry(index: u64, parts: u16) -> impl Iterator<Item = Op> {
    (0..parts).map(move |part| Op::Remove(entry_key(index, part)))
}

/// The operation that sets a mark.
#[must_use]
pub fn put_mark(name: &str, bytes: &[u8]) -> Op {
    let key = mark_key(name);
    let value = seal(&key, &[bytes]);
    Op::Put(key, value)
}

/// The parts and the bytes in the value of an entry's key.
///
/// # Errors
/// [`Damage`] when the value is not what was written under this key.
pub fn open_entry(key: &[u8], value: &Bytes) -> Result<(u16, Bytes), Damage> {
    let rest = open_mark(key, value)?;
    let parts = rest.first_chunk::<2>().ok_or_else(|| Damage::CutOff(show(key)))?;
    Ok((u16::from_le_bytes(*parts), rest.slice(2..)))
}

/// The bytes in the value of a mark's key.
///
/// # Errors
/// [`Damage`] when the value is not what was written under this key.
pub fn open_mark(key: &[u8], value: &Bytes) -> Result<Bytes, Damage> {
    let crc = value.first_chunk::<4>().ok_or_else(|| Damage::CutOff(show(key)))?;
    let rest = value.slice(4..);
    if u32::from_le_bytes(*crc) == checksum(key, &[&rest]) { Ok(rest) } else { Err(Damage::Checksum(show(key))) }
}

/// A key for people: "entry 17 part 0", "vote".
#[must_use]
pub fn show(key: &[u8]) -> String {
    match (parse_entry_key(key), key.split_first()) {
        (Some((index, part)), _) => format!("entry {index} part {part}"),
        (None, Some((b'm', name))) => String::from_utf8_lossy(name).into_owned(),
        _ => format!("{key:02x?}"),
    }
}

fn seal(key: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    let mut value = Vec::with_capacity(4 + pieces.iter().map(|p| p.len()).sum::<usize>());
    value.extend_from_slice(&checksum(key, pieces).to_le_bytes());
    for piece in pieces {
        value.extend_from_slice(piece);
    }
    value
}

fn checksum(key: &[u8], pieces: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(op: &Op) -> (Vec<u8>, Bytes) {
        match op {
            Op::Put(key, value) => (key.clone(), value.clone().into()),
            Op::Remove(_) => panic!("a put was expected"),
        }
    }

    #[test]
    fn keys_sort_as_indexes_do() {
        let keys = [entry_key(0, 0), entry_key(0, 1), entry_key(1, 0), entry_key(256, 0), entry_key(u64::MAX, 0), entries_end()];
        assert!(keys.windows(2).all(|w| w[0] < w[1]));
        assert!(entries_end() < mark_key(""));
        assert_eq!(parse_entry_key(&entry_key(7, 3)), Some((7, 3)));
        assert_eq!(parse_entry_key(&mark_key("eeeeeeeeee")), None);
    }

    #[test]
    fn an_entry_of_any_size_comes_back() {
        for size in [0, 1, PART_BYTES_MAX, PART_BYTES_MAX + 1, 3 * PART_BYTES_MAX - 1] {
            let bytes: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap_or(0)).collect();
            let ops = put_entry(5, &bytes);
            assert_eq!(ops.len(), usize::from(parts_of(size)));
            let mut joined = vec![];
            for op in &ops {
                let (key, value) = value_of(op);
                let (parts, slice) = open_entry(&key, &value).expect("intact");
                assert_eq!(usize::from(parts), ops.len());
                joined.extend_from_slice(&slice);
            }
            assert_eq!(joined, bytes);
        }
    }

    #[test]
    fn any_flipped_bit_and_any_other_key_is_noticed() {
        let (key, value) = value_of(&put_entry(5, b"twelve bytes")[0]);
        for bit in 0..value.len() * 8 {
            let mut spoiled = value.to_vec();
            spoiled[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open_entry(&key, &spoiled.into()), Err(Damage::Checksum("entry 5 part 0".into())), "bit {bit}");
        }
        assert_eq!(open_entry(&entry_key(6, 0), &value), Err(Damage::Checksum("entry 6 part 0".into())));
        for len in 0..4 {
            assert_eq!(open_mark(&mark_key(VOTE), &value.slice(..len)), Err(Damage::CutOff("vote".into())));
        }
    }
}
