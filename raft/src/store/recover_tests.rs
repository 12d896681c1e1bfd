use super::*;
use crate::codec::log::{encode_entry, encode_log_id, encode_vote};
use crate::store::disk::Op;
use crate::store::layout::{PART_BYTES_MAX, put_entry, put_mark};
use crate::types::{EncodedBatch, LeaderId, Payload};
use parking_lot::Mutex;

#[derive(Default)]
struct Shelf(Mutex<BTreeMap<Vec<u8>, Bytes>>);

impl Disk for Shelf {
    fn commit(&self, ops: Vec<Op>) -> io::Result<()> {
        for op in ops {
            match op {
                Op::Put(key, value) => drop(self.0.lock().insert(key, value.into())),
                Op::Remove(key) => drop(self.0.lock().remove(&key)),
            }
        }
        Ok(())
    }

    fn range(&self, from: &[u8], to: &[u8]) -> io::Result<Vec<(Vec<u8>, Bytes)>> {
        Ok(self.0.lock().range(from.to_vec()..to.to_vec()).map(|(k, v)| (k.clone(), v.clone())).collect())
    }
}

fn id(index: u64) -> LogId {
    LogId { leader_id: LeaderId { term: 2, node_id: 1 }, index }
}

fn entry(index: u64, bytes: usize) -> Vec<Op> {
    let payload = Payload::Normal(EncodedBatch(vec![7; bytes].into()));
    put_entry(index, &encode_entry(&Entry { log_id: id(index), payload }))
}

/// A log of entries 0 to 9, of which 4 has three parts, purged up to 2 with entry 2 left behind.
fn shelf() -> Shelf {
    let shelf = Shelf::default();
    let sizes = (2..10).map(|index| (index, if index == 4 { 2 * PART_BYTES_MAX + 1 } else { 10 }));
    let mut ops: Vec<Op> = sizes.flat_map(|(index, bytes)| entry(index, bytes)).collect();
    ops.push(put_mark(VOTE, &encode_vote(&Vote::new(2, 1))));
    ops.push(put_mark(PURGED, &encode_log_id(&id(2))));
    ops.push(put_mark(COMMITTED, &encode_log_id(&id(7))));
    ops.push(put_mark(SNAPSHOT, b"x.snap"));
    shelf.commit(ops).expect("a shelf takes anything");
    shelf
}

fn damage(shelf: &Shelf) -> Damage {
    match recover(shelf) {
        Err(RecoverError::Damage(damage)) => damage,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("nothing was noticed"),
    }
}

#[test]
fn a_log_comes_back() {
    let found = recover(&shelf()).expect("intact");
    assert_eq!((found.vote, found.purged, found.committed), (Some(Vote::new(2, 1)), Some(id(2)), Some(id(7))));
    assert_eq!((found.first, found.last, found.snapshot.as_deref()), (3, Some(id(9)), Some("x.snap")));
    assert_eq!(found.parts, BTreeMap::from([(4, 3)]));
    assert_eq!(found.leftovers, [entry_key(2, 0)], "what a crash left of a purge is to be removed");
    let empty = recover(&Shelf::default()).expect("an empty log");
    assert_eq!((empty.first, empty.last, empty.vote), (0, None, None));
}

#[test]
fn more_entries_than_are_read_at_a_time_come_back() {
    let shelf = Shelf::default();
    shelf.commit((0..STEP * 2 + 1).flat_map(|index| entry(index, 0)).collect()).expect("a shelf takes anything");
    assert_eq!(recover(&shelf).expect("intact").last, Some(id(STEP * 2)));
}

#[test]
fn a_missing_entry_is_noticed_wherever_it_is() {
    for index in [3, 6, 8] {
        let shelf = shelf();
        shelf.commit(vec![Op::Remove(entry_key(index, 0))]).expect("a shelf takes anything");
        assert_eq!(damage(&shelf), Damage::Hole(index));
    }
}

#[test]
fn a_missing_part_is_noticed() {
    for (part, noticed) in [(0, Damage::Parts(4)), (1, Damage::Parts(4)), (2, Damage::Parts(4))] {
        let shelf = shelf();
        shelf.commit(vec![Op::Remove(entry_key(4, part))]).expect("a shelf takes anything");
        assert_eq!(damage(&shelf), noticed, "part {part}");
    }
}

#[test]
fn a_flipped_bit_is_noticed_in_every_value() {
    let keys: Vec<Vec<u8>> = shelf().0.lock().keys().filter(|key| **key != entry_key(2, 0)).cloned().collect();
    for key in keys {
        let shelf = shelf();
        let mut value = shelf.0.lock()[&key].to_vec();
        let middle = value.len() / 2;
        value[middle] ^= 1;
        shelf.commit(vec![Op::Put(key.clone(), value)]).expect("a shelf takes anything");
        assert_eq!(damage(&shelf), Damage::Checksum(show(&key)));
    }
}

#[test]
fn an_intact_value_that_says_something_else_is_noticed() {
    let shelf = shelf();
    let wrong = Entry { log_id: id(8), payload: Payload::Blank };
    shelf.commit(put_entry(9, &encode_entry(&wrong))).expect("a shelf takes anything");
    assert!(matches!(damage(&shelf), Damage::Meaning(_)));
    shelf.commit(put_entry(9, b"\xff\xff")).expect("a shelf takes anything");
    assert!(matches!(damage(&shelf), Damage::Meaning(_)));
}
