//! The seven bytes before every Modbus TCP frame, and a look at them as they arrive.
//!
//! | bytes | field | must be |
//! |---|---|---|
//! | 0, 1 | transaction | anything |
//! | 2, 3 | protocol | 0 |
//! | 4, 5 | length of what follows: unit and protocol data unit | 2 to 254 |
//! | 6 | unit | anything |
//!
//! It knows nothing of functions, values and sockets.

/// Length of the header in bytes, with the unit.
pub const HEADER_LEN: usize = 7;
/// Longest protocol data unit in bytes: 256 of a serial line's frame, less address and checksum (Modbus V1.1b3, 4.1).
pub const PDU_LEN_MAX: usize = 253;

/// A header that can be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which request this belongs to.
    pub transaction: u16,
    /// Which unit it is for or from.
    pub unit: u8,
    /// Bytes that follow the header; 1 to [`PDU_LEN_MAX`].
    pub pdu_len: usize,
}

impl Header {
    /// Reads a header. `None` if the bytes cannot be one.
    #[must_use]
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        let plausible = bytes[2] == 0 && bytes[3] == 0 && (2..=PDU_LEN_MAX + 1).contains(&length);
        plausible.then(|| Self { transaction: u16::from_be_bytes([bytes[0], bytes[1]]), unit: bytes[6], pdu_len: length - 1 })
    }

    /// The header's bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [t0, t1] = self.transaction.to_be_bytes();
        let [l0, l1] = u16::try_from(self.pdu_len + 1).unwrap_or(u16::MAX).to_be_bytes();
        [t0, t1, 0, 0, l0, l1, self.unit]
    }
}

/// Follows a stream of frames and finds the first header that cannot be one.
#[derive(Debug, Default)]
pub(super) struct Follower {
    header: [u8; HEADER_LEN],
    /// Bytes of the header that have arrived.
    have: usize,
    /// Bytes of the frame's rest that are still to come.
    rest: usize,
}

impl Follower {
    /// Takes the next bytes. `false` once a header cannot be one.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.rest > 0 {
                let skipped = self.rest.min(bytes.len());
                self.rest -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let taken = (HEADER_LEN - self.have).min(bytes.len());
            self.header[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == HEADER_LEN {
                let Some(header) = Header::parse(&self.header) else { return false };
                self.rest = header.pdu_len;
                self.have = 0;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_comes_back_from_its_bytes_and_nonsense_is_none() {
        let header = Header { transaction: 0x1234, unit: 9, pdu_len: 5 };
        assert_eq!(header.to_bytes(), [0x12, 0x34, 0, 0, 0, 6, 9]);
        assert_eq!(Header::parse(&header.to_bytes()), Some(header));
        assert_eq!(Header::parse(&[0, 0, 1, 0, 0, 6, 1]), None, "another protocol");
        assert_eq!(Header::parse(&[0, 0, 0, 0, 0, 1, 1]), None, "no function code");
        assert_eq!(Header::parse(&[0, 0, 0, 0, 0, 255, 1]), None, "longer than a frame can be");
        assert_eq!(Header::parse(b"HTTP/1."), None);
    }

    proptest! {
        #[test]
        fn good_frames_pass_however_they_are_cut(lens in prop::collection::vec(1usize..=PDU_LEN_MAX, 1..8), cut in 1usize..300) {
            let mut stream = vec![];
            for pdu_len in lens {
                stream.extend(Header { transaction: 7, unit: 1, pdu_len }.to_bytes());
                stream.extend(vec![0xff; pdu_len]);
            }
            let mut follower = Follower::default();
            prop_assert!(stream.chunks(cut).all(|chunk| follower.follow(chunk)));
            prop_assert!(!follower.follow(&[0, 0, 0xff, 0, 0, 6, 1]), "and the next bad header is found");
        }
    }
}
