use super::*;
use crate::{SEVERITY_INNER, WORDS_AT_ONCE};

const ACTIVE: Level = Level::Active(SEVERITY_INNER);
const HOUR_MS: i64 = 3_600_000;

fn at(ms: i64) -> Now {
    let ms_since_boot = u64::try_from(ms).expect("after the start") + 1_000_000;
    Now { time: Timestamp::from_millis(1_000_000 + ms), moment: Moment(ms_since_boot * 1_000_000) }
}

fn value(number: f64) -> Value {
    Value::F64(number)
}

/// What a machine would have after these words, and how many of them told of a rise.
fn taken(words: &VecDeque<(Timestamp, Word)>) -> (Recorded, usize) {
    let mut recorded = Recorded::default();
    let mut raised = 0;
    for (at, word) in words {
        assert!(*at > recorded.word_at, "times grow: {words:?}");
        recorded.word_at = *at;
        match word {
            Word::Active { severity, .. } => (recorded.level, raised) = (Level::Active(*severity), raised + 1),
            Word::Clear { .. } => recorded.level = Level::Clear,
            Word::Bad { .. } => recorded.is_bad = true,
            Word::Good => recorded.is_bad = false,
            Word::Suppressed(is) => recorded.is_suppressed = *is,
            Word::Chattering { active, severity, .. } => recorded.level = if *active { Level::Active(*severity) } else { Level::Clear },
        }
    }
    (recorded, raised)
}

/// Says what a tag does that changes every `every_ms`, delivered at once.
fn flicker(speech: &mut Speech, from_ms: i64, for_ms: i64, every_ms: i64) -> VecDeque<(Timestamp, Word)> {
    let mut said = VecDeque::new();
    for step in 0..for_ms / every_ms {
        let now = at(from_ms + step * every_ms);
        speech.found(if step % 2 == 0 { ACTIVE } else { Level::Clear }, Some(&value(f64::from(step as i32 % 2))), now);
        speech.speak(now);
        said.extend(speech.queue().iter().cloned());
        speech.delivered(now.time.saturating_add(Duration::from_secs(1)));
    }
    said
}

#[test]
fn an_edge_is_said_once() {
    let mut speech = Speech::new(Recorded::default());
    for ms in [0, 100, 200] {
        speech.found(ACTIVE, Some(&value(31.0)), at(ms));
        speech.speak(at(ms));
    }
    let expected = (at(0).time, Word::Active { severity: SEVERITY_INNER, value: Some(value(31.0)) });
    assert_eq!(*speech.queue(), [expected]);
}

#[test]
fn what_the_machine_has_is_not_said_again() {
    let mut speech = Speech::new(Recorded { level: ACTIVE, ..Recorded::default() });
    speech.speak(at(0));
    speech.found(ACTIVE, None, at(100));
    speech.speak(at(100));
    assert!(speech.queue().is_empty());
    speech.found(Level::Clear, None, at(200));
    speech.speak(at(200));
    assert_eq!(speech.queue().len(), 1);
}

#[test]
fn before_anything_is_found_nothing_is_said() {
    let recorded = Recorded { level: ACTIVE, is_bad: true, is_suppressed: true, word_at: Timestamp(7) };
    let mut speech = Speech::new(recorded);
    speech.speak(at(HOUR_MS));
    assert!(speech.queue().is_empty());
}

#[test]
fn an_hour_of_chatter_at_ten_hertz_is_at_most_sixty_words() {
    let mut speech = Speech::new(Recorded::default());
    let said = flicker(&mut speech, 0, HOUR_MS, 50);
    assert!(said.len() <= 60, "{} words", said.len());
    assert!(said.len() >= 50, "{} words: it is not forgotten", said.len());
    let (_, raised) = taken(&said);
    assert_eq!(raised, 3, "six words plainly, then summaries");
    let cycles: u32 = said.iter().map(|(_, word)| if let Word::Chattering { cycles, .. } = word { *cycles } else { 0 }).sum();
    assert!(cycles > 35_000, "{cycles} of the 35,997 others are counted up to the last summary");
}

#[test]
fn what_flickers_counts_as_active_until_it_is_calm() {
    let mut speech = Speech::new(Recorded::default());
    let said = flicker(&mut speech, 0, 100_000, 50);
    assert_eq!(taken(&said).0.level, ACTIVE);
    // The last edge was to clear; nothing is said of it for a minute.
    let calm_from = 100_000;
    for ms in (calm_from..calm_from + 59_000).step_by(500) {
        speech.found(Level::Clear, None, at(ms));
        speech.speak(at(ms));
    }
    let has_clear = |speech: &Speech| speech.queue().iter().any(|(_, word)| matches!(word, Word::Clear { .. }));
    assert!(!has_clear(&speech));
    for ms in (calm_from + 59_000..calm_from + 200_000).step_by(500) {
        speech.speak(at(ms));
    }
    assert!(has_clear(&speech), "{:?}", speech.queue());
    assert_eq!(taken(speech.queue()).0.level, Level::Clear);
    assert!(speech.episode.is_none());
}

#[test]
fn that_it_chatters_is_said_at_once() {
    let mut speech = Speech::new(Recorded::default());
    let said = flicker(&mut speech, 0, 400, 50);
    assert_eq!(said.len(), WORDS_AT_ONCE as usize);
    let (when, last) = said.back().expect("a word");
    assert_eq!(*when, at(300).time);
    assert!(matches!(last, Word::Chattering { cycles: 1, active: true, .. }), "{last:?}");
}

#[test]
fn quality_and_suppression_are_said_in_an_order_that_makes_sense() {
    let mut speech = Speech::new(Recorded { is_bad: true, is_suppressed: true, ..Recorded::default() });
    speech.found(ACTIVE, None, at(0));
    speech.can_tell(Ok(()), at(0));
    speech.found_suppressed(false);
    speech.speak(at(0));
    speech.can_tell(Err("bad:timeout"), at(5000));
    speech.speak(at(5000));
    let words: Vec<_> = speech.queue().iter().map(|(_, word)| word.clone()).collect();
    let expected = [
        Word::Suppressed(false),
        Word::Good,
        Word::Active { severity: SEVERITY_INNER, value: None },
        Word::Bad { cause: "bad:timeout".into() },
    ];
    assert_eq!(words, expected);
}

#[test]
fn a_short_alarm_without_a_leader_is_still_said() {
    let mut speech = Speech::new(Recorded::default());
    for (ms, level) in [(0, ACTIVE), (100, Level::Clear)] {
        speech.found(level, None, at(ms));
        speech.speak(at(ms));
    }
    speech.settle(Recorded::default());
    assert_eq!(taken(speech.queue()), (Recorded { word_at: at(100).time, ..Recorded::default() }, 1));
    // The first was taken, though nobody said so; the second was not.
    speech.settle(Recorded { level: ACTIVE, word_at: at(0).time, ..Recorded::default() });
    assert_eq!(speech.queue().len(), 1);
}

#[test]
fn what_the_machine_lost_is_said_again() {
    let mut speech = Speech::new(Recorded::default());
    speech.found(ACTIVE, None, at(0));
    speech.speak(at(0));
    speech.delivered(at(0).time);
    speech.settle(Recorded::default());
    speech.speak(at(1000));
    assert_eq!(taken(speech.queue()).0.level, ACTIVE);
}

#[test]
fn words_are_later_than_those_of_a_former_owner_whose_clock_was_ahead() {
    let ahead = at(60_000).time;
    let mut speech = Speech::new(Recorded { word_at: ahead, ..Recorded::default() });
    speech.found(ACTIVE, None, at(0));
    speech.speak(at(0));
    assert_eq!(speech.queue().front().map(|(at, _)| *at), Some(Timestamp(ahead.0 + 1)));
}

#[test]
fn the_queue_is_bounded_without_a_leader() {
    let mut speech = Speech::new(Recorded::default());
    for ms in (0..6 * HOUR_MS).step_by(5000) {
        speech.found(if ms % 10_000 == 0 { ACTIVE } else { Level::Clear }, None, at(ms));
        speech.speak(at(ms));
    }
    assert_eq!(speech.queue().len(), QUEUE_MAX);
}

#[test]
fn a_change_comes_and_goes_in_one() {
    let mut speech = Speech::new(Recorded::default());
    for step in 0..100 {
        speech.pulsed(&Value::I64(step), at(step * 100));
        speech.speak(at(step * 100));
    }
    let words: Vec<_> = speech.queue().iter().map(|(_, word)| word).collect();
    assert_eq!(taken(speech.queue()).1, 3);
    assert!(matches!(words[6], Word::Chattering { cycles: 1, active: true, .. }), "{words:?}");
}

#[test]
fn a_summary_tells_the_worst_also_of_what_lasts() {
    let mut speech = Speech::new(Recorded::default());
    flicker(&mut speech, 0, 350, 50);
    let outer = Level::Active(crate::SEVERITY_OUTER);
    for (ms, level) in [(400, outer), (70_000, outer), (70_050, ACTIVE), (70_100, Level::Clear), (70_150, ACTIVE), (140_000, ACTIVE)] {
        speech.found(level, None, at(ms));
        speech.speak(at(ms));
    }
    let severities: Vec<_> =
        speech.queue().iter().map(|(_, word)| if let Word::Chattering { severity, .. } = word { *severity } else { 0 }).collect();
    assert_eq!(severities, [2, 2], "{:?}", speech.queue());
}
