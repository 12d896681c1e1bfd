//! The words of a script about one alarm.

use labkeeper_alarm::{Alarm, By, Event, Rules, Word};
use labkeeper_model::Timestamp;
use labkeeper_model::site::Priority;
use std::time::Duration;

pub(crate) fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.strip_suffix('s').and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{text:?} is no time")))
}

/// Scripts begin at second 0, which is the thousandth since 1970.
fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(1_000_000).saturating_add(seconds(text))
}

pub(crate) fn rule(rules: &mut Rules, word: &str) {
    match word.split_once('=').unwrap_or((word, "")) {
        ("on", time) => rules.on_delay = seconds(time),
        ("off", time) => rules.off_delay = seconds(time),
        ("re_alarm", time) => rules.re_alarm = Some(seconds(time)),
        ("max_shelve", time) => rules.max_shelve = seconds(time),
        ("latching", _) => rules.latching = true,
        ("needs_comment", _) => rules.needs_comment = true,
        ("not_shelvable", _) => rules.shelvable = false,
        ("two_people", _) => rules.two_people = true,
        ("clears_on_ack", _) => rules.clears_on_ack = true,
        ("diagnostic", _) => rules.priority = Priority::Diagnostic,
        (other, _) => panic!("{other:?} is no rule"),
    }
}

/// Plays `TIME EVENT` and says what came of it.
pub(crate) fn play(alarm: &mut Alarm, rules: &Rules, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let now = at(words[0]);
    match words[1] {
        "fleeting" => return alarm.chatter.fleeting.to_string(),
        "cycles" => return alarm.chatter.total.to_string(),
        _ => {}
    }
    match alarm.step(rules, now, event(&words, now)) {
        Err(refusal) => format!("refused, {refusal}"),
        Ok(outcome) => {
            let mark = |announced| if announced { "*" } else { "" };
            let rows = outcome.rows.iter().map(|row| format!(" {}{}", row.transition.as_str(), mark(row.announced)));
            let due = alarm.due.map_or(String::new(), |due| format!(" due {}s", due.saturating_since(at("0s")).as_secs()));
            format!("{} #{}{}{due}", alarm.state().letter(), alarm.occurrence, rows.collect::<String>())
        }
    }
}

fn event(words: &[&str], now: Timestamp) -> Event {
    let key = |key: &str| words.iter().find_map(|word| word.split_once('=').filter(|pair| pair.0 == key)).map_or("", |pair| pair.1);
    let by = || By { actor: key("by").to_owned(), text: key("text").to_owned() };
    let number = |n: usize| words.get(n).and_then(|word| word.parse::<u16>().ok());
    let told = Some(key("at")).filter(|text| !text.is_empty()).map_or(now, at);
    let word = |word| Event::Word { at: told, word };
    match words[1] {
        "active" => word(Word::Active { severity: number(2).map_or(1, |severity| severity as u8), value: None }),
        "clear" => word(Word::Clear { value: None }),
        "bad" => word(Word::Bad { cause: words[2].to_owned() }),
        "good" => word(Word::Good),
        "suppressed" => word(Word::Suppressed(true)),
        "unsuppressed" => word(Word::Suppressed(false)),
        "chattering" => {
            word(Word::Chattering { cycles: number(2).map_or(0, u32::from), active: words[3] == "active", severity: 1, value: None })
        }
        "due" => Event::Due,
        "takeover" => Event::TakeoverBegan { until: now.saturating_add(seconds(words[2])) },
        "takeover-over" => Event::TakeoverEnded,
        "ack" => Event::Acknowledge { occurrence: number(2).map_or(0, u64::from), by: by() },
        "shelve" => Event::Shelve { until: (words[2] != "once").then(|| now.saturating_add(seconds(words[2]))), by: by() },
        "unshelve" => Event::Unshelve { by: by() },
        "oos" => Event::OutOfService { by: by() },
        "rts" => Event::ReturnToService { by: by() },
        "reset" => Event::Reset { by: by() },
        other => panic!("{other:?} is no event"),
    }
}
