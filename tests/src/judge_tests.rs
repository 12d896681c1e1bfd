//! Records made by hand: those that must pass and those that must be convicted.

use super::*;

/// "a4" a write of node a under epoch 4, "a4!" its claim; "a" a write without an epoch. They arrive 10 ms apart, the first at
/// 10 ms.
fn deeds(all: &str) -> Vec<Deed> {
    let deed = |(n, text): (usize, &str)| Deed {
        at_ns: 10_000_000 * (n as i64 + 1),
        device: "chiller".into(),
        segment: "cryo".into(),
        by: text[..1].to_owned(),
        epoch: text[1..].trim_end_matches('!').parse().ok(),
        claim: text.ends_with('!'),
        what: "write".into(),
    };
    all.split_whitespace().enumerate().map(deed).collect()
}

/// "a4@15": node a is granted epoch 4 at 15 ms.
fn grants(all: &str) -> Vec<Grant> {
    let grant = |text: &str| {
        let (node, at) = text.split_once('@').unwrap();
        let at_ns = at.parse::<i64>().ok().map(|ms| ms * 1_000_000);
        Grant { segment: "cryo".into(), epoch: node[1..].parse().unwrap(), to: node[..1].to_owned(), at_ns }
    };
    all.split_whitespace().map(grant).collect()
}

fn count(all_deeds: &str, all_grants: &str) -> usize {
    convictions(&deeds(all_deeds), &grants(all_grants)).len()
}

#[test]
fn what_was_done_in_turn_is_innocent() {
    for (deeds, grants) in [
        ("", ""),
        ("a4 a4 b5 b5 a6", "a4@5 b5@25 a6@45"),
        ("a4 a6", "a4@5 b5@15 a6@16"),
        ("a4! a4 b5! a4! b5 b5", "a4@5 b5@25"),
        ("a a b b a", "a4@5 b5@25 a6@45"),
        ("a b", "a4@5 c5@12 b6@17"),
        ("a a", "a4@5 b5@99"),
    ] {
        assert_eq!(count(deeds, grants), 0, "{deeds} under {grants}");
    }
}

#[test]
fn an_epoch_that_goes_back_is_guilty() {
    assert_eq!(count("a4 b5 a4", "a4@? b5@?"), 1);
    assert_eq!(count("a4 b5 a4 b5 a4", "a4@? b5@?"), 2, "each stale write is told");
    assert_eq!(count("a4 b5! a4", "a4@? b5@?"), 1, "a claim ends the epochs before it");
}

#[test]
fn an_epoch_of_two_nodes_or_of_nobody_is_guilty() {
    assert_eq!(count("a4 b4", "a4@?"), 2, "b used a's epoch, and it was not b's");
    assert_eq!(count("a4 a5", "a4@?"), 1, "nobody granted 5");
}

#[test]
fn a_deed_after_the_next_grant_is_guilty_even_if_the_next_has_done_nothing_yet() {
    assert_eq!(count("a4 a4", "a4@5 b5@15"), 1);
    assert_eq!(count("a4 a4", "a4@5 b5@?"), 0, "without times it cannot be told");
    assert_eq!(count("a a", "a4@5 b5@15"), 1, "the sender tells it, too");
    assert_eq!(count("a a b a", "a4@5 b5@25 a6@35"), 0);
}

#[test]
fn senders_without_epochs_must_take_turns_as_granted() {
    assert_eq!(count("a b a", "a4@? b5@?"), 1, "a was never granted again");
    assert_eq!(count("a b a b", "a4@? b5@?"), 1, "b is innocent");
    assert_eq!(count("c", "a4@? b5@?"), 1);
}

#[test]
fn devices_are_judged_each_for_itself_by_the_grants_of_its_segment() {
    let mut all = deeds("a4 b5");
    all[1].device = "pump".into();
    all[1].segment = "vacuum".into();
    let mut granted = grants("a4@? b5@?");
    granted[1].segment = "vacuum".into();
    assert_eq!(convictions(&all, &granted), Vec::<String>::new());
    all.swap(0, 1);
    assert_eq!(convictions(&all, &granted), Vec::<String>::new(), "epochs of different devices are not compared");
}
