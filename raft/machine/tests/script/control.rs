//! The commands of a script about control and interlocks.
//!
//! ```text
//! control take SCOPE by=ann through=desk for=30s because=..      control renew SCOPE by=ann through=desk
//! control give SCOPE by=ann      control ask SCOPE by=bob because=..      control break SCOPE by=bob because=..
//! ```

use super::declare;
use super::words::Words;
use labkeeper_machine::authority::{Asked, HOLD_DEFAULT};
use labkeeper_machine::{AuthorityCommand, Command, Machine};
use labkeeper_model::{Scope, Timestamp};

/// The command that the words stand for; `None` if it is about something else.
pub(crate) fn command(words: &Words) -> Result<Option<Command>, String> {
    Ok(Some(match words.word(0)? {
        "control" => Command::Authority(authority(words)?),
        _ => return Ok(None),
    }))
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
