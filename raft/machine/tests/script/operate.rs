//! The commands of a script about actions, ramps and selections.
//!
//! ```text
//! run id=7 TAG VALUE by=ann because=.. in=10s        cancel 7 by=ann because=..
//! steer hold TAG by=ann because=..   steer resume TAG ..   steer stop TAG ..
//! ramp NODE epoch=1 TAG id=7 started=20      held=20.5      resumed=20.5      stopped=21      stopped=unread
//! select id=7 TAG VALUE by=ann through=desk          deselect id=7 TAG by=ann
//! ```

use super::player::{id, offset, value};
use super::print::{seconds, short};
use super::words::Words;
use labkeeper_machine::{ActionRequest, Command, Machine, OperateCommand, RampProgress, SelectionRequest, Steer};
use labkeeper_model::{CommandId, TagPath, Timestamp};

/// The command that the words stand for; `None` if it is about something else.
pub(crate) fn command(words: &Words, now: Timestamp) -> Result<Option<Command>, String> {
    let text = |key: &str| words.key(key).unwrap_or("").to_owned();
    let (actor, reason) = (text("by"), text("because"));
    Ok(Some(Command::Operate(match words.word(0)? {
        "run" => OperateCommand::SubmitAction(ActionRequest {
            id: of_command(words)?,
            tag: tag(words, 1)?,
            value: words.word(2).ok().map(value),
            deadline: offset(now, words.key("in").unwrap_or("10s"))?,
            actor,
            reason,
        }),
        "cancel" => OperateCommand::Cancel { id: id(words.word(1)?)?, actor, reason },
        "steer" => OperateCommand::Steer { how: steer(words.word(1)?)?, tag: tag(words, 2)?, actor, reason },
        "ramp" => {
            let tag = tag(words, 2)?;
            OperateCommand::ReportRamp {
                node: words.word(1)?.parse().map_err(|_| "no node")?,
                segment: words.key("segment").unwrap_or(tag.segment()).to_owned(),
                epoch: words.number("epoch")?.ok_or("epoch=")?,
                tag,
                command: of_command(words)?,
                progress: progress(words)?,
            }
        }
        "select" => {
            let value = words.word(2).ok().map(value);
            OperateCommand::Select(SelectionRequest { id: of_command(words)?, tag: tag(words, 1)?, value, actor, client: text("through") })
        }
        "deselect" => OperateCommand::Deselect { id: of_command(words)?, tag: tag(words, 1)?, actor },
        _ => return Ok(None),
    })))
}

fn of_command(words: &Words) -> Result<CommandId, String> {
    id(words.key("id").ok_or("id=")?)
}

fn tag(words: &Words, at: usize) -> Result<TagPath, String> {
    TagPath::parse(words.word(at)?).map_err(|error| error.to_string())
}

fn steer(text: &str) -> Result<Steer, String> {
    [Steer::Hold, Steer::Resume, Steer::Stop].into_iter().find(|how| how.as_str() == text).ok_or(format!("{text} steers nothing"))
}

fn progress(words: &Words) -> Result<RampProgress, String> {
    let told = |key: &str| words.key(key).map(value);
    let stopped = || words.key("stopped").map(|at| RampProgress::Stopped((at != "unread").then(|| value(at))));
    let of_value = || told("held").map(RampProgress::Held).or_else(|| told("resumed").map(RampProgress::Resumed)).or_else(stopped);
    told("started").map(RampProgress::Started).or_else(of_value).ok_or("started=, held=, resumed= or stopped=".into())
}

/// The latest ramp of each tag.
pub(crate) fn show_ramps(machine: &Machine) -> Vec<String> {
    let line = |(tag, ramp): (&TagPath, &labkeeper_machine::Ramp)| {
        let start = ramp.start.as_ref().map_or(String::new(), |(from, at)| format!(", from {from} at {}", seconds(*at)));
        let at = ramp.at.as_ref().map_or(String::new(), |at| format!(", at {at}"));
        let by = if ramp.by.is_empty() { String::new() } else { format!(" by {}", ramp.by) };
        let arrival = ramp.arrival().map_or(String::new(), |at| format!(", there at {}", seconds(at)));
        let (id, state, since) = (short(&ramp.command), ramp.state.as_str(), seconds(ramp.since));
        format!("{tag}: {id} {state}{by} since {since}, to {} at {}/s{start}{at}{arrival}", ramp.target, ramp.rate_per_s)
    };
    machine.dump().operate.ramps.iter().map(line).collect()
}

/// The selections that can be used.
pub(crate) fn show_selections(machine: &Machine) -> Vec<String> {
    let tags: Vec<TagPath> = machine.dump().operate.selections.keys().cloned().collect();
    let line = |tag: &TagPath| {
        let made = machine.selection(tag)?;
        let (id, value, until) = (short(&made.id), &made.value, seconds(made.until));
        Some(format!("{tag}: {id} = {value} by {} through {:?} until {until}", made.actor, made.client))
    };
    tags.iter().filter_map(line).collect()
}
