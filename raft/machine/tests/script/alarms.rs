//! The commands of a script about alarms.
//!
//! ```text
//! words NODE SEGMENT epoch=2 ALARM=active:30.5 ALARM=severe:41 ALARM=clear ALARM=bad:timeout ALARM=good ALARM=suppressed
//!     ALARM=unsuppressed ALARM=chattering:600:active          an owner's report
//! self NODE ALARM=active:why ALARM=clear session=3            a node about itself
//! ack ALARM OCCURRENCE by=ann because=..                      shelve ALARM 10s|once by=ann because=..
//! unshelve | oos | rts | reset | remark ALARM by=ann because=..
//! fire                                                        what is due
//! ```

use super::print::seconds;
use super::words::Words;
use super::{declare, player};
use labkeeper_alarm::{Alarm, Word};
use labkeeper_machine::{AlarmCommand, Command, ConditionWord, Flood, JournalEntry, Machine};
use labkeeper_model::site::{AlarmClass, AlarmKind, AlarmSpec, Levels, Priority, SiteSpec};
use labkeeper_model::{AlarmId, Timestamp};

/// The command that the words stand for; `None` if it is about something else.
pub(crate) fn command(words: &Words, machine: &Machine, now: Timestamp) -> Result<Option<Command>, String> {
    let text = |key: &str| words.key(key).unwrap_or("").to_owned();
    let node = || words.word(1)?.parse::<u64>().map_err(|error| error.to_string());
    let (actor, reason) = (text("by"), text("because"));
    let alarm = || id(words.word(1)?);
    Ok(Some(Command::Alarm(match words.word(0)? {
        "words" => {
            let epoch = words.number("epoch")?.ok_or("epoch=")?;
            // An owner's words have ever later times, if only by a nanosecond.
            let now = Timestamp(now.0 + i64::try_from(machine.applied() * 1_000).map_err(|error| error.to_string())?);
            AlarmCommand::Report { node: node()?, segment: words.word(2)?.to_owned(), epoch, words: conditions(words, now)? }
        }
        "self" => {
            let newest = machine.session(node()?).map_or(0, |session| session.id);
            AlarmCommand::ReportSystem { node: node()?, session: words.number("session")?.unwrap_or(newest), words: about_itself(words)? }
        }
        "ack" => {
            let occurrence = words.word(2)?.parse::<u64>().map_err(|error| error.to_string())?;
            AlarmCommand::Acknowledge { alarm: alarm()?, occurrence, actor, comment: reason }
        }
        "shelve" => {
            let until = Some(words.word(2)?).filter(|text| *text != "once").map(|text| player::offset(now, text)).transpose()?;
            AlarmCommand::Shelve { alarm: alarm()?, until, actor, reason }
        }
        "unshelve" => AlarmCommand::Unshelve { alarm: alarm()?, actor, reason },
        "oos" => AlarmCommand::OutOfService { alarm: alarm()?, actor, reason },
        "rts" => AlarmCommand::ReturnToService { alarm: alarm()?, actor, reason },
        "reset" => AlarmCommand::Reset { alarm: alarm()?, actor, reason },
        "remark" => AlarmCommand::Comment { alarm: alarm()?, actor, text: reason },
        _ => return Ok(None),
    })))
}

fn id(text: &str) -> Result<AlarmId, String> {
    AlarmId::parse(text).ok_or_else(|| format!("{text:?} is no alarm"))
}

/// The pairs whose key is an alarm.
fn about_alarms(words: &Words) -> impl Iterator<Item = (&String, &String)> {
    words.pairs.iter().filter(|(key, _)| key.contains('/')).map(|(key, value)| (key, value))
}

fn conditions(words: &Words, now: Timestamp) -> Result<Vec<ConditionWord>, String> {
    let at = player::offset(now, words.key("at").unwrap_or("0s"))?;
    let told =
        |(n, (alarm, text)): (i64, (&String, &String))| Ok(ConditionWord { alarm: id(alarm)?, at: Timestamp(at.0 + n), word: word(text)? });
    (0..).zip(about_alarms(words)).map(told).collect()
}

fn word(text: &str) -> Result<Word, String> {
    let (what, rest) = text.split_once(':').unwrap_or((text, ""));
    let value = || Some(rest).filter(|rest| !rest.is_empty()).map(player::value);
    Ok(match what {
        "active" => Word::Active { severity: 1, value: value() },
        "severe" => Word::Active { severity: 2, value: value() },
        "clear" => Word::Clear { value: value() },
        "bad" => Word::Bad { cause: rest.to_owned() },
        "good" => Word::Good,
        "suppressed" => Word::Suppressed(true),
        "unsuppressed" => Word::Suppressed(false),
        "chattering" => {
            let (cycles, state) = rest.split_once(':').ok_or("chattering:600:active")?;
            let cycles = cycles.parse().map_err(|_| format!("{cycles} is no number"))?;
            Word::Chattering { cycles, active: state == "active", severity: 1, value: None }
        }
        other => return Err(format!("{other:?} is no word about a condition")),
    })
}

fn about_itself(words: &Words) -> Result<Vec<(AlarmId, bool, String)>, String> {
    let told = |(alarm, text): (&String, &String)| {
        let (what, why) = text.split_once(':').unwrap_or((text, ""));
        Ok((id(alarm)?, what == "active", why.to_owned()))
    };
    about_alarms(words).map(told).collect()
}

/// `alarm chiller-1/temperature/high hi=30 on=5s off=5s re=60s priority=high class=latching action=..`
pub(crate) fn declared(words: &Words, site: &mut SiteSpec) -> Result<(), String> {
    let mut path = words.word(1)?.split('/');
    let mut part = || path.next().ok_or("an alarm is declared as device/tag/alarm");
    let (device, tag, alarm) = (part()?, part()?, part()?);
    let tag = site.devices.get_mut(device).and_then(|device| device.tags.get_mut(tag)).ok_or("declare the tag first")?;
    let time = |key: &str| words.key(key).map(declare::duration).transpose();
    let limit = words.key("hi").unwrap_or("30").parse::<f64>().map_err(|error| error.to_string())?;
    let mut spec = AlarmSpec {
        name: declare::name(alarm)?,
        kind: AlarmKind::Levels(Levels { hi: Some(limit), hihi: Some(limit + 10.0), ..Levels::default() }),
        on_delay: time("on")?.unwrap_or_default(),
        off_delay: time("off")?.unwrap_or_default(),
        re_alarm: time("re")?,
        priority: priority(words)?,
        class: words.key("class").map(declare::name).transpose()?,
        ..AlarmSpec::default()
    };
    spec.guidance.action = words.key("action").unwrap_or("").to_owned();
    tag.alarms.push(spec);
    Ok(())
}

fn priority(words: &Words) -> Result<Priority, String> {
    words.key("priority").map_or(Ok(Priority::Medium), priority_of)
}

pub(crate) fn priority_of(text: &str) -> Result<Priority, String> {
    Priority::ALL.iter().find(|row| row.1 == text).map(|row| row.0).ok_or_else(|| format!("{text:?} is no priority"))
}

/// `class NAME latching=true managed=true comment=true max=8h`
pub(crate) fn class(words: &Words) -> Result<AlarmClass, String> {
    let flag = |key: &str| words.key(key) == Some("true");
    let max_shelve = words.key("max").map_or(Ok(AlarmClass::MAX_SHELVE_DEFAULT), declare::duration)?;
    Ok(AlarmClass {
        latching: flag("latching"),
        highly_managed: flag("managed"),
        needs_comment: flag("comment"),
        max_shelve,
        ..AlarmClass::default()
    })
}

/// An alarm's line: what it is, and what is behind it.
pub(crate) fn alarm_in_words((id, alarm): (&AlarmId, &Alarm)) -> String {
    let value = alarm.value.as_ref().map_or(String::new(), |value| format!(" = {value}"));
    let text = if alarm.text.is_empty() { String::new() } else { format!(": {}", alarm.text) };
    let due = alarm.due.map_or(String::new(), |due| format!(", due {}", seconds(due)));
    let priority = alarm.priority.as_str();
    format!(
        "{id} {} {} #{} {priority} since {}{value}{text}{due}",
        alarm.state().letter(),
        alarm.state(),
        alarm.occurrence,
        seconds(alarm.since)
    )
}

pub(crate) fn row_in_words(row: &JournalEntry) -> String {
    let told = if row.announced { "*" } else { "" };
    let by = if row.actor.is_empty() { String::new() } else { format!(" by {}", row.actor) };
    let text = if row.text.is_empty() { String::new() } else { format!(": {}", row.text) };
    format!(
        "{} {} {}{told} {} #{} {}{by}{text}",
        row.number,
        seconds(row.time),
        row.transition.as_str(),
        row.alarm,
        row.occurrence,
        row.state.letter()
    )
}

pub(crate) fn flood_in_words(flood: &Flood) -> String {
    let ended = flood.ended.map_or("lasts".to_owned(), |ended| format!("ended {}", seconds(ended)));
    format!("{} from {}, {ended}: {} alarms, first {}", flood.area, seconds(flood.began), flood.alarms, flood.first_out)
}
