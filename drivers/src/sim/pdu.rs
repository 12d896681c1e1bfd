//! Requests and answers as bytes, from the device's side: Modbus V1.1b3, sections 6.1 to 6.6, 6.11, 6.12 and 7.
//!
//! Reading is total: whatever the bytes, the result is a request or the exception that answers it.
//!
//! It knows nothing of connections, units and the frame's header.

use crate::cells::Cells;
use crate::modbus::Exception;
use crate::plan::cells_max;
use labkeeper_model::site::{Register, Table};

/// Most coils and registers of one write (6.11 and 6.12).
const WRITE_BITS_MAX: u16 = 1_968;
const WRITE_WORDS_MAX: u16 = 123;

/// What a master asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Read { function: u8, first: Register, count: u16 },
    Write { function: u8, first: Register, cells: Cells },
}

/// An answer that says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) function: u8,
    pub(super) exception: Exception,
}

impl Request {
    /// Reads a protocol data unit.
    pub(super) fn parse(pdu: &[u8]) -> Result<Self, Refusal> {
        let Some((&function, body)) = pdu.split_first() else {
            return Err(Refusal { function: 0, exception: Exception::IllegalFunction });
        };
        let refused = |exception| Refusal { function, exception };
        let table = match function {
            1 | 5 | 15 => Table::Coil,
            2 => Table::Discrete,
            3 | 6 | 16 => Table::Holding,
            4 => Table::Input,
            _ => return Err(refused(Exception::IllegalFunction)),
        };
        let [a0, a1, b0, b1, rest @ ..] = body else { return Err(refused(Exception::IllegalDataValue)) };
        let first = Register { table, address: u16::from_be_bytes([*a0, *a1]) };
        let second = u16::from_be_bytes([*b0, *b1]);
        match function {
            1..=4 => read(function, first, second, rest),
            5 | 6 => write_one(function, first, second, rest),
            _ => write_several(function, first, second, rest),
        }
        .ok_or(refused(Exception::IllegalDataValue))
    }
}

fn read(function: u8, first: Register, count: u16, rest: &[u8]) -> Option<Request> {
    let allowed = rest.is_empty() && (1..=cells_max(first.table)).contains(&count);
    allowed.then_some(Request::Read { function, first, count })
}

fn write_one(function: u8, first: Register, value: u16, rest: &[u8]) -> Option<Request> {
    let cells = match (function, value) {
        _ if !rest.is_empty() => return None,
        (5, 0xff00) => Cells::Bits(vec![true]),
        (5, 0x0000) => Cells::Bits(vec![false]),
        (5, _) => return None,
        _ => Cells::Words(vec![value]),
    };
    Some(Request::Write { function, first, cells })
}

fn write_several(function: u8, first: Register, count: u16, rest: &[u8]) -> Option<Request> {
    let (&bytes, data) = rest.split_first()?;
    let wanted = if first.table.is_bits() { usize::from(count).div_ceil(8) } else { usize::from(count) * 2 };
    let most = if first.table.is_bits() { WRITE_BITS_MAX } else { WRITE_WORDS_MAX };
    if data.len() != wanted || usize::from(bytes) != wanted || !(1..=most).contains(&count) {
        return None;
    }
    let cells = if first.table.is_bits() {
        Cells::Bits((0..usize::from(count)).map(|i| data[i / 8] >> (i % 8) & 1 == 1).collect())
    } else {
        Cells::Words(data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
    };
    Some(Request::Write { function, first, cells })
}

/// The answer to a read. The cells are as many as a request may ask for, so their bytes fit into the count.
pub(super) fn read_answer(function: u8, cells: &Cells) -> Vec<u8> {
    let data: Vec<u8> = match cells {
        Cells::Bits(bits) => {
            let pack = |eight: &[bool]| eight.iter().enumerate().fold(0u8, |byte, (i, bit)| byte | u8::from(*bit) << i);
            bits.chunks(8).map(pack).collect()
        }
        Cells::Words(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
    };
    let mut pdu = vec![function, u8::try_from(data.len()).unwrap_or(u8::MAX)];
    pdu.extend(data);
    pdu
}

/// The answer to a write: the value of a single one, the number of several.
pub(super) fn write_answer(function: u8, first: Register, cells: &Cells) -> Vec<u8> {
    let second = match (function, cells) {
        (5, Cells::Bits(bits)) if bits.first() == Some(&true) => 0xff00,
        (5, _) => 0,
        (6, Cells::Words(words)) => words.first().copied().unwrap_or(0),
        _ => u16::try_from(cells.len()).unwrap_or(u16::MAX),
    };
    let [a0, a1] = first.address.to_be_bytes();
    let [b0, b1] = second.to_be_bytes();
    vec![function, a0, a1, b0, b1]
}

/// The answer that says no.
pub(super) fn refusal_answer(refusal: Refusal) -> Vec<u8> {
    vec![refusal.function | 0x80, refusal.exception.code()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_specifications_own_examples() {
        // 6.1: read 19 coils from address 19; the answer's bits are CD 6B 05.
        let read = Request::parse(&[1, 0, 0x13, 0, 0x13]).unwrap();
        let first = Register { table: Table::Coil, address: 0x13 };
        assert_eq!(read, Request::Read { function: 1, first, count: 0x13 });
        let bits = [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1].map(|bit| bit == 1).to_vec();
        assert_eq!(read_answer(1, &Cells::Bits(bits)), [1, 3, 0xcd, 0x6b, 0x05]);
        // 6.3: read 3 holding registers from 107; 6.6: write 3 to register 1; 6.12: write 000A and 0102 from register 1.
        assert_eq!(read_answer(3, &Cells::Words(vec![0x022b, 0, 0x64])), [3, 6, 2, 0x2b, 0, 0, 0, 0x64]);
        let one = Register { table: Table::Holding, address: 1 };
        let write = Request::parse(&[6, 0, 1, 0, 3]).unwrap();
        assert_eq!(write, Request::Write { function: 6, first: one, cells: Cells::Words(vec![3]) });
        let several = Request::parse(&[16, 0, 1, 0, 2, 4, 0, 0x0a, 1, 2]).unwrap();
        assert_eq!(several, Request::Write { function: 16, first: one, cells: Cells::Words(vec![0x0a, 0x0102]) });
        assert_eq!(write_answer(16, one, &Cells::Words(vec![0x0a, 0x0102])), [16, 0, 1, 0, 2]);
        // 6.11: write ten coils from address 19: CD 01.
        let coils = Request::parse(&[15, 0, 0x13, 0, 10, 2, 0xcd, 1]).unwrap();
        let bits = [1, 0, 1, 1, 0, 0, 1, 1, 1, 0].map(|bit| bit == 1).to_vec();
        assert_eq!(coils, Request::Write { function: 15, first, cells: Cells::Bits(bits) });
    }

    #[test]
    fn what_the_specification_forbids_is_refused_by_its_code() {
        let code = |pdu: &[u8]| Request::parse(pdu).map_err(|refusal| refusal.exception);
        assert_eq!(code(&[]), Err(Exception::IllegalFunction));
        assert_eq!(code(&[0x2b, 14, 1, 0]), Err(Exception::IllegalFunction));
        for pdu in [
            &[3, 0, 0, 0, 0][..],
            &[3, 0, 0, 0, 126],
            &[3, 0, 0, 0],
            &[1, 0, 0, 0x07, 0xd1],
            &[5, 0, 0, 0x12, 0x34],
            &[15, 0, 0, 0, 100, 1, 0xff],
            &[16, 0, 0, 0xff, 0xff, 0xfe],
            &[16, 0, 0, 0, 1, 2, 0, 0, 0],
        ] {
            assert_eq!(code(pdu), Err(Exception::IllegalDataValue), "{pdu:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            // The functions that the plant has, with counts that it would take and any others.
            function in prop_oneof![1u8..=6, 15u8..=16, any::<u8>()],
            count in prop_oneof![0u16..2_001, any::<u16>()],
            rest in prop::collection::vec(any::<u8>(), 0..256),
            cut in prop_oneof![Just(260usize), 0usize..10],
        ) {
            let head = [function, 0, 7].into_iter().chain(count.to_be_bytes());
            let pdu: Vec<u8> = head.chain(rest).take(cut).collect();
            if let Ok(Request::Write { function, first, cells }) = Request::parse(&pdu) {
                prop_assert!(cells.fits(first.table));
                prop_assert_eq!(write_answer(function, first, &cells).len(), 5);
            }
        }
    }
}
