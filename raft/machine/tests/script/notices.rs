//! The commands of a script about notices.
//!
//! ```text
//! sent 1 2 3                         failed NUMBER ATTEMPT because="no answer"          test ROUTE by=ann because=..
//! ```

use super::print::seconds;
use super::words::Words;
use super::{alarms, declare};
use labkeeper_machine::notices::{Pending, RouteRecord};
use labkeeper_machine::{Command, Machine, NoticeCommand};
use labkeeper_model::Name;
use labkeeper_model::site::RouteSpec;

/// The command that the words stand for; `None` if it is about something else.
pub(crate) fn command(words: &Words) -> Result<Option<Command>, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    let text = |key: &str| words.key(key).unwrap_or("").to_owned();
    Ok(Some(Command::Notice(match words.word(0)? {
        "sent" => NoticeCommand::Sent { numbers: words.plain[1..].iter().map(|word| number(word)).collect::<Result<_, _>>()? },
        "failed" => {
            let attempt = u32::try_from(number(words.word(2)?)?).map_err(|error| error.to_string())?;
            NoticeCommand::Failed { number: number(words.word(1)?)?, attempt, why: text("because") }
        }
        "test" => NoticeCommand::Test { route: declare::name(words.word(1)?)?, actor: text("by"), reason: text("because") },
        _ => return Ok(None),
    })))
}

/// `route NAME min=high segments=cryo,hall hours=1080-360`, hours in minutes of the day.
pub(crate) fn route(words: &Words) -> Result<RouteSpec, String> {
    let minute = |text: &str| text.parse::<u16>().map_err(|error| error.to_string());
    let hours = words.key("hours").map(|text| text.split_once('-').ok_or("hours are written 1080-360")).transpose()?;
    Ok(RouteSpec {
        webhook: Some(words.key("url").unwrap_or("http://pager.lab/").to_owned()),
        min_priority: alarms::priority_of(words.key("min").unwrap_or("low"))?,
        segments: words.key("segments").map_or(Ok(vec![]), |text| text.split(',').map(declare::name).collect())?,
        hours: hours.map(|(from, until)| Ok::<_, String>((minute(from)?, minute(until)?))).transpose()?,
        ..RouteSpec::default()
    })
}

/// A line for each notice that waits, and then for each that was given up.
pub(crate) fn in_words(machine: &Machine) -> Vec<String> {
    let line = |notice: &Pending, what: &str| {
        let why = if notice.why.is_empty() { String::new() } else { format!(", {}", notice.why) };
        format!("{} {} {what}{why}: {} {} {}", notice.number, notice.key(), notice.priority.as_str(), notice.state, notice.text)
    };
    let waiting = machine.notices().map(|notice| line(notice, &format!("next {} after {}", seconds(notice.next), notice.attempts)));
    waiting.chain(machine.notices_given_up().map(|notice| line(notice, "given up"))).collect()
}

pub(crate) fn route_in_words(route: &Name, record: &RouteRecord) -> String {
    let at = record.told_at.map_or(String::new(), |at| format!(" (last {})", seconds(at)));
    let failing = record.failing.as_ref().map_or(String::new(), |why| format!(", failing: {why}"));
    format!("{route}: told {}{at}, gave up {}{failing}", record.told, record.given_up)
}
