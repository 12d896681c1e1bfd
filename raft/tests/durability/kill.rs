//! `kill -9` in the middle of writing, again and again over the same log.

use crate::child::{WritingChild, missing};

const ROUNDS: u64 = 15;

#[test]
fn nothing_acknowledged_is_missing_after_kill_9() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("log");
    let mut before = None;
    for round in 0..ROUNDS {
        let mut child = WritingChild::start(&path, true);
        // Another number each time, so that the kill meets the writer in another place.
        child.listen_for(60 + 37 * round);
        let said = child.kill();
        assert!(said.acknowledged > before, "round {round}: the log goes on where it ended");
        assert_eq!(missing(&path, said), None, "round {round}: {said:?}");
        before = said.acknowledged;
    }
    println!("{ROUNDS} kills, {before:?} entries, none missing");
}
