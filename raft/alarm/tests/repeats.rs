//! A word is taken once, however often it is said: an owner that lost the answer to its words says them again.

use labkeeper_alarm::{Alarm, Rules, Transition, Word};
use labkeeper_model::Timestamp;
use labkeeper_model::site::Priority;

/// Says what an alarm did that came and went, and counts what became of it.
fn say(alarm: &mut Alarm, now_ms: i64, words: &[(i64, Word)]) -> Vec<Transition> {
    let (rules, now) = (Rules::plain(Priority::High), Timestamp::from_millis(now_ms));
    let hear = |(at_ms, word): &(i64, Word)| alarm.hear(&rules, now, Timestamp::from_millis(*at_ms), word.clone()).rows;
    words.iter().flat_map(hear).map(|row| row.transition).collect()
}

#[test]
fn words_that_were_taken_are_not_taken_again() {
    let mut alarm = Alarm::new(Priority::High);
    let words = [(100, Word::Active { severity: 1, value: None }), (200, Word::Clear { value: None })];
    assert_eq!(say(&mut alarm, 1000, &words), [Transition::Raised, Transition::Cleared]);
    assert_eq!(say(&mut alarm, 2000, &words), [], "the same, in doubt");
    let later = [words[1].clone(), (300, Word::Active { severity: 1, value: None })];
    assert_eq!(say(&mut alarm, 3000, &later), [Transition::Raised], "in doubt, with one more");
    assert_eq!(alarm.occurrence, 2);
}
