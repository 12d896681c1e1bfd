//! The transition table, row by row: each is a test that names its row, and a script (`rows.txt`) that an operator can read.

#![expect(clippy::panic, clippy::disallowed_methods, reason = "a script that cannot be read fails its test; only the test reads files")]

mod words;

use labkeeper_alarm::{Alarm, Rules};
use labkeeper_model::site::Priority;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const FILE: &str = "tests/rows.txt";

/// A test for each row of the table, and for what concerns several.
macro_rules! rows {
    ($($test:ident: $title:literal),* $(,)?) => {
        $(#[test] fn $test() { check($title) })*

        #[test]
        fn no_script_is_without_a_test() {
            let titles = [$($title),*];
            let strays: Vec<String> = read().into_keys().filter(|title| !titles.contains(&title.as_str())).collect();
            assert!(strays.is_empty(), "{strays:?}");
        }
    };
}

rows! {
    row_1_raised_at_once: "row 1", row_2_on_delay_begins: "row 2", row_3_gone_within_the_delay: "row 3",
    row_4_on_delay_passes: "row 4", row_5_acknowledged: "row 5", row_6_cleared: "row 6", row_7_off_delay_begins: "row 7",
    row_8_back_within_the_delay: "row 8", row_9_off_delay_passes: "row 9", row_10_acknowledged_after_return: "row 10",
    row_11_another_occurrence: "row 11", row_12_escalated: "row 12", row_13_announced_again: "row 13", row_14_latched: "row 14",
    row_15_reset: "row 15", row_16_shelved: "row 16", row_17_unshelved: "row 17", row_18_shelf_expires: "row 18",
    row_19_one_shot: "row 19", row_20_suppressed: "row 20", row_21_unsuppressed: "row 21", row_22_out_of_service: "row 22",
    row_23_returned_to_service: "row 23", row_24_bad_quality: "row 24", row_25_stale_acknowledgement: "row 25",
    chatter: "chatter", takeover: "takeover", overrides: "overrides", diagnostic: "diagnostic", seen: "seen",
}

/// Plays every script of a row.
fn check(row: &str) {
    let scripts = read().remove(row).unwrap_or_else(|| panic!("{FILE} has no {row}"));
    for script in scripts {
        let printed = play(&script);
        if std::env::var_os("UPDATE").is_some() {
            update(&script, &printed);
        } else {
            assert_eq!(printed, script, "{row}: run again with UPDATE=1 if this is as it should be");
        }
    }
}

fn text() -> String {
    std::fs::read_to_string(FILE).expect("the scripts")
}

/// Several tests write; each replaces its own script, one after the other.
#[expect(clippy::disallowed_types, reason = "a lock between the tests; what they play has none")]
fn update(script: &str, printed: &str) {
    static ONE_WRITER: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let guard = ONE_WRITER.lock();
    std::fs::write(FILE, text().replace(script, printed)).expect("a writable file of scripts");
    drop(guard);
}

/// The scripts of each row: its title up to the colon, and its blocks.
fn read() -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for block in text().split("\n\n").filter(|block| !block.starts_with('#')) {
        let title = block.split(':').next().expect("a title");
        rows.entry(title.to_owned()).or_default().push(block.trim_end().to_owned());
    }
    rows
}

fn play(script: &str) -> String {
    let mut lines = script.lines().peekable();
    let mut out = lines.next().expect("a title").to_owned();
    let mut rules = Rules::plain(Priority::Medium);
    if let Some(line) = lines.next_if(|line| line.starts_with("rules")) {
        line.split(' ').skip(1).for_each(|word| words::rule(&mut rules, word));
        let _ = write!(out, "\n{line}");
    }
    let mut alarm = Alarm::new(rules.priority);
    for line in lines {
        let what = line.split(" -> ").next().expect("an event");
        let answer = words::play(&mut alarm, &rules, what);
        let _ = write!(out, "\n{what} -> {answer}");
    }
    out
}
