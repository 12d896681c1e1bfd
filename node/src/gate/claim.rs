//! The line with which a node asks to pass: `LABKEEPER-GATE/1 segment=cryo epoch=42 node=lab-a`.
//!
//! What comes in may be anything, from a port scanner's probe to the first bytes of another protocol.

use labkeeper_model::{Epoch, Name};
use std::fmt;

/// How a claim begins; the number is the version of what follows.
const MAGIC: &str = "LABKEEPER-GATE/1 ";
/// Longest line in bytes: the magic, three keys, two names of at most 64 bytes and 20 digits are 186.
pub(super) const LINE_BYTES_MAX: usize = 256;

/// Who asks to pass, and by which right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The segment that the device belongs to.
    pub(super) segment: Name,
    /// The epoch of the segment's ownership. Never 0.
    pub(super) epoch: Epoch,
    /// The node that owns it.
    pub(super) node: Name,
}

impl Claim {
    /// Reads a line, without its end.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub(super) fn parse(line: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(line).map_err(|_| "not a text")?;
        Self::parse_fields(text.strip_prefix(MAGIC).ok_or("not a claim")?)
    }

    /// Reads what comes after the magic; this is also how a claim is remembered.
    pub(super) fn parse_fields(text: &str) -> Result<Self, &'static str> {
        let mut fields = text.split(' ');
        let mut field = |key: &str| fields.next()?.strip_prefix(key)?.strip_prefix('=');
        let segment = field("segment").and_then(|text| Name::new(text).ok()).ok_or("no segment")?;
        let epoch = field("epoch").and_then(|text| text.parse().ok()).filter(|epoch| *epoch > 0).ok_or("no epoch")?;
        let node = field("node").and_then(|text| Name::new(text).ok()).ok_or("no node")?;
        if fields.next().is_some() {
            return Err("more than a claim");
        }
        Ok(Self { segment, epoch, node })
    }
}

impl fmt::Display for Claim {
    /// The fields, as [`Claim::parse_fields`] reads them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment={} epoch={} node={}", self.segment, self.epoch, self.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_reads_back() {
        let claim = Claim::parse(b"LABKEEPER-GATE/1 segment=cryo epoch=18446744073709551615 node=lab-a").expect("a claim");
        assert_eq!((claim.segment.as_str(), claim.epoch, claim.node.as_str()), ("cryo", u64::MAX, "lab-a"));
        assert_eq!(Claim::parse_fields(&claim.to_string()), Ok(claim));
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let cases: [(&[u8], &str); 12] = [
            (b"", "not a claim"),
            (b"GET / HTTP/1.1", "not a claim"),
            (b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01", "not a claim"),
            (b"\xff\xfe", "not a text"),
            (b"LABKEEPER-GATE/2 segment=cryo epoch=1 node=a", "not a claim"),
            (b"LABKEEPER-GATE/1 epoch=1 segment=cryo node=a", "no segment"),
            (b"LABKEEPER-GATE/1 segment=a/b epoch=1 node=a", "no segment"),
            (b"LABKEEPER-GATE/1 segment=cryo epoch=0 node=a", "no epoch"),
            (b"LABKEEPER-GATE/1 segment=cryo epoch=-1 node=a", "no epoch"),
            (b"LABKEEPER-GATE/1 segment=cryo epoch=18446744073709551616 node=a", "no epoch"),
            (b"LABKEEPER-GATE/1 segment=cryo epoch=1", "no node"),
            (b"LABKEEPER-GATE/1 segment=cryo epoch=1 node=a more", "more than a claim"),
        ];
        for (line, why) in cases {
            assert_eq!(Claim::parse(line), Err(why), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn the_longest_claim_fits_a_line() {
        let name = "n".repeat(64);
        let claim = format!("{MAGIC}segment={name} epoch={} node={name}", u64::MAX);
        assert!(Claim::parse(claim.as_bytes()).is_ok() && claim.len() == 186);
        assert!(Name::new(&"n".repeat(65)).is_err());
    }
}
