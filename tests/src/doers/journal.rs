//! The alarms' journal against what people were told: nothing that was acknowledged is missing, nothing is there twice, and each alarm's rows
//! make sense in their order.
//!
//! ```text
//!   occurrence:  RAISED 1 ── RAISED 2 ── RAISED 3          each once, none left out
//!   shelf:       SHELVED ── UNSHELVED or UNSHELVED-AUTO    in turns, and by itself not before its time
//! ```

use super::{acks, shelves};
use labkeeper_proto::v1::AlarmJournalEntry as Row;
use std::collections::BTreeMap;

/// Everything that is wrong with a whole journal, oldest first.
#[must_use]
pub fn convictions(rows: &[Row], acks: &[acks::Told], shelves: &[shelves::Told]) -> Vec<String> {
    let mut wrong = Vec::new();
    let gap = rows.windows(2).filter(|pair| pair[1].number != pair[0].number + 1);
    wrong.extend(gap.map(|pair| format!("row {} follows row {}", pair[1].number, pair[0].number)));
    let mut alarms: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        alarms.entry(&row.alarm).or_default().push(row);
    }
    for rows in alarms.values() {
        wrong.extend(occurrences(rows));
        wrong.extend(turns(rows));
    }
    for ack in acks {
        let found = marked(rows, "ACK", &ack.mark);
        let is_right = ack.answer.times().contains(&found.len())
            && found.iter().all(|row| (&row.alarm, row.occurrence) == (&ack.alarm, ack.occurrence));
        wrong.extend((!is_right).then(|| format!("{ack:?} is in the journal as {found:?}")));
    }
    for shelf in shelves {
        let found = marked(rows, if shelf.until_ns.is_some() { "SHELVED" } else { "UNSHELVED" }, &shelf.mark);
        let is_right = shelf.answer.times().contains(&found.len()) && found.iter().all(|row| row.alarm == shelf.alarm);
        wrong.extend((!is_right).then(|| format!("{shelf:?} is in the journal as {found:?}")));
        let end = found.last().filter(|_| shelf.until_ns.is_some()).and_then(|row| end_of(rows, row));
        let early = end.filter(|end| end.transition == "UNSHELVED-AUTO" && Some(end.time_unix_ns) < shelf.until_ns);
        wrong.extend(early.map(|end| format!("{shelf:?} ended before its time: {end:?}")));
    }
    wrong
}

fn marked<'a>(rows: &'a [Row], transition: &str, mark: &str) -> Vec<&'a Row> {
    rows.iter().filter(|row| row.transition == transition && row.text.contains(mark)).collect()
}

/// How the shelf of a row ended.
fn end_of<'a>(rows: &'a [Row], shelved: &Row) -> Option<&'a Row> {
    rows.iter().find(|row| row.number > shelved.number && row.alarm == shelved.alarm && row.transition.starts_with("UNSHELVED"))
}

/// An occurrence is raised once, and follows the one before.
fn occurrences(rows: &[&Row]) -> Vec<String> {
    let raised: Vec<&&Row> = rows.iter().filter(|row| row.transition == "RAISED").collect();
    let pairs = raised.windows(2).filter(|pair| pair[1].occurrence != pair[0].occurrence + 1);
    pairs.map(|pair| format!("{:?} follows {:?}", pair[1], pair[0])).collect()
}

/// A shelf ends before the next begins, and once; in the end none is left.
fn turns(rows: &[&Row]) -> Vec<String> {
    let mut is_shelved = false;
    let mut wrong = Vec::new();
    for row in rows.iter().filter(|row| row.transition.ends_with("SHELVED") || row.transition == "UNSHELVED-AUTO") {
        let begins = row.transition == "SHELVED";
        if begins == is_shelved {
            wrong.push(format!("{} when that was so already: {row:?}", row.transition));
        }
        is_shelved = begins;
    }
    wrong.extend(is_shelved.then(|| format!("{} is put aside for ever", rows[0].alarm)));
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::Answer;
    use super::*;
    use labkeeper_proto::v1::AlarmDeedResponse;

    fn journal(rows: &[(&str, u64, &str)]) -> Vec<Row> {
        let row = |(n, (transition, occurrence, text)): (u64, &(&str, u64, &str))| Row {
            number: n,
            alarm: "a".into(),
            transition: (*transition).to_owned(),
            occurrence: *occurrence,
            text: (*text).to_owned(),
            time_unix_ns: i64::try_from(n).expect("few"),
            ..Row::default()
        };
        (1..).zip(rows).map(row).collect()
    }

    fn answer(refused: bool, in_doubt: bool) -> Answer<AlarmDeedResponse> {
        let said = if refused { Err(tonic::Status::not_found("no")) } else { Ok(AlarmDeedResponse::default()) };
        Answer { said, in_doubt }
    }

    fn acked(rows: &[(&str, u64, &str)], refused: bool, in_doubt: bool) -> usize {
        let told = acks::Told { alarm: "a".into(), occurrence: 1, mark: "m".into(), answer: answer(refused, in_doubt) };
        convictions(&journal(rows), &[told], &[]).len()
    }

    fn shelved(rows: &[(&str, u64, &str)], until_ns: Option<i64>) -> usize {
        let told = shelves::Told { alarm: "a".into(), mark: "m".into(), until_ns, answer: answer(false, false) };
        convictions(&journal(rows), &[], &[told]).len()
    }

    #[test]
    fn an_acknowledgement_is_there_once_and_of_the_occurrence_that_was_seen() {
        let (raised, ack) = (("RAISED", 1, ""), ("ACK", 1, "m"));
        assert_eq!(acked(&[raised, ack], false, false), 0);
        assert_eq!([acked(&[raised], true, false), acked(&[raised], true, true), acked(&[raised, ack], true, true)], [0, 0, 0]);
        assert_eq!(acked(&[raised], false, false), 1, "lost");
        assert_eq!(acked(&[raised, ack, ack], false, true), 1, "twice");
        assert_eq!(acked(&[raised, ack], true, false), 1, "refused, and done all the same");
        assert_eq!(acked(&[raised, ("RAISED", 2, ""), ("ACK", 2, "m")], false, false), 1, "of one that nobody had seen");
    }

    #[test]
    fn an_occurrence_is_raised_once() {
        assert_eq!(convictions(&journal(&[("RAISED", 1, ""), ("CLEARED", 1, ""), ("RAISED", 2, "")]), &[], &[]).len(), 0);
        assert_eq!(convictions(&journal(&[("RAISED", 1, ""), ("RAISED", 1, "")]), &[], &[]).len(), 1);
        assert_eq!(convictions(&journal(&[("RAISED", 1, ""), ("RAISED", 3, "")]), &[], &[]).len(), 1);
        let mut gap = journal(&[("RAISED", 1, ""), ("CLEARED", 1, "")]);
        gap[1].number = 3;
        assert_eq!(convictions(&gap, &[], &[]).len(), 1);
    }

    #[test]
    fn a_shelf_ends_once_and_not_before_its_time() {
        let (on, off, by) = (("SHELVED", 0, "m"), ("UNSHELVED-AUTO", 0, ""), ("UNSHELVED", 0, "m"));
        assert_eq!([shelved(&[on, off], Some(2)), shelved(&[("SHELVED", 0, "q"), by], None)], [0, 0]);
        assert_eq!(shelved(&[on, off], Some(3)), 1, "too early");
        assert_eq!(shelved(&[on, off, off], Some(2)), 1, "twice");
        assert_eq!(shelved(&[on], Some(2)), 1, "for ever");
        assert_eq!(shelved(&[], Some(2)), 1, "lost");
        assert_eq!(shelved(&[on, off, on, off], Some(2)), 1, "put aside twice");
    }
}
