//! What an alarm promises whatever happens to it, tried on random lives. A failing case prints the life and a seed that repeats it.

use labkeeper_alarm::{Ack, Alarm, By, Condition, Event, Rules, Told, Transition, Word};
use labkeeper_model::Timestamp;
use labkeeper_model::site::Priority;
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

fn rules() -> impl Strategy<Value = Rules> {
    let delay = || prop::sample::select(vec![0, 0, 1, 5, 90]).prop_map(Duration::from_secs);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let priority = prop::sample::select(vec![Priority::High, Priority::Medium, Priority::Diagnostic]);
    (delay(), delay(), delay(), flags, priority).prop_map(|(on_delay, off_delay, re_alarm, flags, priority)| Rules {
        on_delay,
        off_delay,
        re_alarm: Some(re_alarm).filter(|after| !after.is_zero()),
        latching: flags.0,
        two_people: flags.1,
        clears_on_ack: flags.2,
        needs_comment: flags.3,
        ..Rules::plain(priority)
    })
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        6 => (0..3u8).prop_map(|severity| Word::Active { severity, value: None }),
        6 => Just(Word::Clear { value: None }),
        1 => Just(Word::Bad { cause: "timeout".into() }),
        1 => Just(Word::Good),
        1 => any::<bool>().prop_map(Word::Suppressed),
        1 => (any::<u32>(), any::<bool>(), any::<u8>()).prop_map(|(cycles, active, severity)| Word::Chattering { cycles, active, severity, value: None }),
    ]
}

fn deed() -> impl Strategy<Value = Event> {
    let by = || prop::sample::select(vec!["ann", "bob"]).prop_map(|actor| By { actor: actor.into(), text: "because".into() });
    prop_oneof![
        4 => (0..6u64, by()).prop_map(|(occurrence, by)| Event::Acknowledge { occurrence, by }),
        2 => (prop::option::of(0..200i64), by()).prop_map(|(until, by)| Event::Shelve { until: until.map(|s| Timestamp::from_millis(s * 1000)), by }),
        1 => by().prop_map(|by| Event::Unshelve { by }),
        1 => by().prop_map(|by| Event::OutOfService { by }),
        1 => by().prop_map(|by| Event::ReturnToService { by }),
        2 => by().prop_map(|by| Event::Reset { by }),
        1 => by().prop_map(|by| Event::Comment { by }),
        1 => (0..200i64).prop_map(|until| Event::TakeoverBegan { until: Timestamp::from_millis(until * 1000) }),
        1 => Just(Event::TakeoverEnded),
    ]
}

/// Events with their times: mostly a few seconds apart, sometimes at the ends of time and back.
fn life() -> impl Strategy<Value = Vec<(Timestamp, Event)>> {
    let step = prop_oneof![20 => 0..9_000i64, 1 => Just(i64::MAX / 2_000_000), 1 => Just(-5_000)];
    let at = prop_oneof![9 => Just(0i64), 1 => -9_000..9_000i64];
    let event =
        prop_oneof![6 => (at, word()).prop_map(|(at, word)| Event::Word { at: Timestamp(at), word }), 4 => deed(), 4 => Just(Event::Due)];
    vec((step, event), 0..80).prop_map(|steps| {
        let mut now = Timestamp(0);
        let timed = steps.into_iter().map(|(millis, event)| {
            now = Timestamp(now.0.saturating_add(millis.saturating_mul(1_000_000)));
            let event = match event {
                Event::Word { at, word } => Event::Word { at: Timestamp(now.0.saturating_add(at.0.saturating_mul(1_000_000))), word },
                other => other,
            };
            (now, event)
        });
        timed.collect()
    })
}

proptest! {
    #[test]
    fn an_alarm_keeps_its_promises(rules in rules(), life in life()) {
        let mut alarm = Alarm::new(rules.priority);
        for (now, event) in life {
            let before = alarm.clone();
            match alarm.step(&rules, now, event.clone()) {
                Err(_) => prop_assert_eq!(&before, &alarm, "a refusal changes nothing"),
                Ok(outcome) => {
                    let raised: Vec<u64> = outcome.rows.iter().filter(|row| row.transition == Transition::Raised).map(|row| row.occurrence).collect();
                    let expected: Vec<u64> = (before.occurrence + 1..=alarm.occurrence).collect();
                    prop_assert_eq!(raised, expected, "each occurrence is raised once");
                    prop_assert!(outcome.rows.iter().all(|row| !row.announced || rules.priority != Priority::Diagnostic));
                    if matches!(event, Event::Due) {
                        prop_assert!(alarm.due.is_none_or(|due| due > now), "{:?} is still due at {:?}", alarm.due, now);
                        let settled = alarm.clone();
                        let again = alarm.step(&rules, now, Event::Due).expect("time refuses nothing");
                        prop_assert_eq!((settled, vec![]), (alarm.clone(), again.rows), "firing twice does nothing");
                    }
                }
            }
            prop_assert!(alarm.ack != Ack::Unacked || alarm.occurrence > 0, "{:?}", alarm);
            prop_assert!(alarm.chatter.episode.is_none() || alarm.condition.is_active(), "{:?}", alarm);
        }
    }

    /// Level-triggered: an owner that takes over and says what is known changes nothing.
    #[test]
    fn a_word_that_is_known_changes_nothing(rules in rules(), life in life()) {
        let mut alarm = Alarm::new(rules.priority);
        let mut last = Timestamp(0);
        for (now, event) in life {
            let _ = alarm.step(&rules, now, event);
            last = last.max(now);
        }
        let _ = alarm.step(&rules, last, Event::Due);
        let Told { active, bad, suppressed } = alarm.told();
        let condition = active.map_or(Word::Clear { value: None }, |severity| Word::Active { severity, value: None });
        let words = if bad { vec![Word::Bad { cause: "again".into() }] } else { vec![condition, Word::Good] };
        for word in words.into_iter().chain([Word::Suppressed(suppressed)]) {
            let before = alarm.clone();
            let outcome = alarm.step(&rules, last, Event::Word { at: last, word: word.clone() }).expect("words are not refused");
            prop_assert_eq!((outcome.rows, before), (vec![], alarm.clone()), "{:?}", word);
        }
    }
}

/// Ten cycles a second for an hour: at most a row a minute, and nobody is told twice.
#[test]
fn an_hour_of_chatter_is_sixty_rows_and_one_notification() {
    let rules = Rules::plain(Priority::High);
    let mut alarm = Alarm::new(rules.priority);
    let (mut rows, mut told) = (Vec::new(), 0);
    for tick in 0..72_000i64 {
        let now = Timestamp::from_millis(tick * 50);
        let word = if tick % 2 == 0 { Word::Active { severity: 1, value: None } } else { Word::Clear { value: None } };
        let due = alarm.due.filter(|due| *due <= now).map(|_| Event::Due);
        for event in due.into_iter().chain([Event::Word { at: now, word }]) {
            let outcome = alarm.step(&rules, now, event).expect("nothing is refused");
            told += outcome.rows.iter().filter(|row| row.announced).count();
            rows.extend(outcome.rows);
        }
    }
    assert!(rows.len() <= 60, "{} rows", rows.len());
    assert_eq!(told, 1);
    assert_eq!(alarm.chatter.total, 36_000, "each cycle is counted");
    let calm = Timestamp::from_millis(72_000 * 50 + 121_000);
    alarm.step(&rules, calm, Event::Due).expect("time refuses nothing");
    assert_eq!((alarm.condition, alarm.chatter.episode), (Condition::Normal, None));
}
