//! The commands of a script about control and interlocks.
//!
//! ```text
//! control take SCOPE by=ann through=desk for=30s because=..      control renew SCOPE by=ann through=desk
//! control give SCOPE by=ann      control ask SCOPE by=bob because=..      control break SCOPE by=bob because=..
//! interlock report NODE SEGMENT epoch=1 NAME=healthy NAME="tripped:why" forced=NAME:TAG,NAME:TAG
//! interlock reset NAME by=ann because=..      interlock defeat NAME in=2h by=ann because=..      interlock restore NAME by=ann
//! ```

use super::declare;
use super::player::offset;
use super::words::Words;
use labkeeper_machine::authority::{Asked, HOLD_DEFAULT};
use labkeeper_machine::interlocks::Verdict;
use labkeeper_machine::{AuthorityCommand, Command, InterlockCommand, Machine};
use labkeeper_model::{Scope, TagPath, Timestamp};

/// The command that the words stand for; `None` if it is about something else.
pub(crate) fn command(words: &Words, now: Timestamp) -> Result<Option<Command>, String> {
    Ok(Some(match words.word(0)? {
        "control" => Command::Authority(authority(words)?),
        "interlock" => Command::Interlock(interlock(words, now)?),
        _ => return Ok(None),
    }))
}

fn interlock(words: &Words, now: Timestamp) -> Result<InterlockCommand, String> {
    let text = |key: &str| words.key(key).unwrap_or("").to_owned();
    let name = || declare::name(words.word(2)?);
    let (actor, reason) = (text("by"), text("because"));
    Ok(match words.word(1)? {
        "report" => report(words)?,
        "reset" => InterlockCommand::Reset { interlock: name()?, actor, reason },
        "defeat" => {
            let until = offset(now, words.key("in").ok_or("in=")?)?;
            InterlockCommand::Defeat { interlock: name()?, until, actor, reason }
        }
        "restore" => InterlockCommand::EndDefeat { interlock: name()?, actor, reason },
        other => return Err(format!("interlock {other:?} is no command")),
    })
}

fn report(words: &Words) -> Result<InterlockCommand, String> {
    let about = words.pairs.iter().filter(|(key, _)| key != "epoch" && key != "forced");
    let verdict = |text: &str| match text.split_once(':') {
        Some(("tripped", why)) => Ok(Verdict::Tripped { why: why.to_owned() }),
        None if text == "healthy" => Ok(Verdict::Healthy),
        _ => Err(format!("{text:?} is no verdict")),
    };
    let states = about.map(|(interlock, text)| Ok((declare::name(interlock)?, verdict(text)?))).collect::<Result<_, String>>()?;
    let forced = words.key("forced").unwrap_or("").split(',').filter(|word| !word.is_empty()).map(|word| {
        let (interlock, tag) = word.split_once(':').ok_or("forced is written NAME:TAG")?;
        Ok((declare::name(interlock)?, TagPath::parse(tag).map_err(|error| error.to_string())?))
    });
    let node = words.word(2)?.parse().map_err(|_| "no node")?;
    let epoch = words.number("epoch")?.ok_or("epoch=")?;
    Ok(InterlockCommand::Report { node, segment: words.word(3)?.to_owned(), epoch, states, forced: forced.collect::<Result<_, String>>()? })
}

fn authority(words: &Words) -> Result<AuthorityCommand, String> {
    let text = |key: &str| words.key(key).unwrap_or("").to_owned();
    let scope = Scope::parse(words.word(2)?).ok_or("no scope")?;
    let (actor, client, reason) = (text("by"), text("through"), text("because"));
    Ok(match words.word(1)? {
        "take" => {
            let hold = words.key("for").map_or(Ok(HOLD_DEFAULT), declare::duration)?;
            AuthorityCommand::Take { scope, actor, client, reason, hold }
        }
        "renew" => AuthorityCommand::Renew { scope, actor, client },
        "give" => AuthorityCommand::Give { scope, actor },
        "ask" => AuthorityCommand::Ask { scope, actor, reason },
        "break" => AuthorityCommand::Break { scope, actor, reason },
        other => return Err(format!("control {other:?} is no command")),
    })
}

/// Who has control of what, and how it was lost.
pub(crate) fn show_control(machine: &Machine, seconds: impl Fn(Timestamp) -> String) -> Vec<String> {
    let asked = |asked: &Asked| format!(", asked for by {} at {}", asked.actor, seconds(asked.at));
    let held = machine.controls().map(|(scope, control)| {
        let asked = control.asked.as_ref().map_or(String::new(), asked);
        let (since, until) = (seconds(control.since), seconds(control.until));
        format!("{scope}: {} through {:?} since {since} until {until}{asked}", control.holder, control.client)
    });
    let lost = machine.control_losses().map(|(scope, loss)| {
        format!("{scope}: {} through {:?} lost it at {}: it {}", loss.holder, loss.client, seconds(loss.at), loss.how.in_words())
    });
    held.chain(lost).collect()
}

/// How each interlock stands.
pub(crate) fn show_interlocks(machine: &Machine, seconds: impl Fn(Timestamp) -> String) -> Vec<String> {
    let line = |(name, standing): (&labkeeper_model::Name, labkeeper_machine::interlocks::Standing<'_>)| {
        let defeat =
            standing.defeat().map_or(String::new(), |defeat| format!(", defeated by {} until {}", defeat.by, seconds(defeat.until)));
        let forced: Vec<&str> = standing.state.forced.iter().map(TagPath::as_str).collect();
        let forced = if forced.is_empty() { String::new() } else { format!(", forced {}", forced.join(" ")) };
        let blocks = if standing.blocks() { "blocks" } else { "lets pass" };
        let since = seconds(standing.state.since);
        format!("{name} {}, {blocks}, verdict since {since}{forced}{defeat}: {}", standing.word(), standing.requirement_in_words())
    };
    machine.interlocks().map(line).collect()
}

/// What bears on an actor's commands to a tag.
pub(crate) fn explain(machine: &Machine, words: &Words) -> Result<Vec<String>, String> {
    let tag = TagPath::parse(words.word(2)?).map_err(|error| error.to_string())?;
    let reasons = machine.explain(&tag, words.key("by").unwrap_or(""));
    let code = |reason: &labkeeper_machine::explain::Reason| reason.code.map_or(String::new(), |code| format!(" {code}"));
    Ok(reasons.iter().map(|reason| format!("{} {}{}: {}", reason.weight.as_str(), reason.about, code(reason), reason.message)).collect())
}
