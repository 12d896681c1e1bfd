//! Selecting before operating: whoever writes to a tag that is declared so says first what he is about to write, and to what.
//!
//! ```text
//!   Select{id} ──► selected: tag, value, actor, client, term ──► the command of that id ──► used
//!                     │ Deselect, time, another leader, another selection of the same holder
//!                     └──► void: the command of that id is refused
//! ```
//!
//! A selection is made under the id of the command that is to follow: so it can be used once, by whoever made it, and a repeat of either is
//! harmless. It is void once another leads, as whoever confirmed it saw the lab before that; nothing waits for its end, as it is only
//! looked at when it is used. Nobody else's selection or command of the tag is taken while it lasts, except the tag's safe value.

use crate::Machine;
use crate::audit::Deed;
use crate::authority::CLIENT_LEN_MAX;
use crate::reply::{Effect, Rejection, Reply};
use crate::setpoint::{explain, is_same_value};
use crate::text::{self, ACTOR_LEN_MAX, VALUE_LEN_MAX};
use labkeeper_model::site::TagSpec;
use labkeeper_model::{CommandId, ErrorCode, TagPath, Timestamp, Value};
use std::time::Duration;

/// A selection as a client asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectionRequest {
    /// The id of the command that is to follow.
    pub id: CommandId,
    /// Which tag.
    pub tag: TagPath,
    /// What is to be written; `None`, of an action: true, or one.
    pub value: Option<Value>,
    /// Who asks.
    pub actor: String,
    /// Through which program.
    pub client: String,
}

/// What somebody is about to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The id of the command that is to follow.
    pub id: CommandId,
    /// What is to be written, as the tag takes it.
    pub value: Value,
    /// Who selected it.
    pub actor: String,
    /// Through which program.
    pub client: String,
    /// Until when, by the machine's time.
    pub until: Timestamp,
    /// The leader's term under which it was made.
    pub term: u64,
}

impl Machine {
    /// The selection of a tag that can be used; `None` if there is none.
    #[must_use]
    pub fn selection(&self, tag: &TagPath) -> Option<&Selection> {
        self.operate.selections.get(tag).filter(|selection| self.is_live(selection))
    }

    fn is_live(&self, selection: &Selection) -> bool {
        self.time < selection.until && selection.term == self.term
    }

    pub(super) fn select(&mut self, request: SelectionRequest, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        check_request(&request)?;
        let SelectionRequest { id, tag, actor, client, .. } = &request;
        if self.commands.get(id).is_some() {
            return Err(Rejection::new(ErrorCode::CommandIdReused, format!("command {id} has been given already")));
        }
        let (value, lasts) = self.judge_selection(&request)?;
        if let Some(present) = self.selection(tag) {
            let is_own = (&present.actor, &present.client) == (actor, client);
            if !is_own {
                return Err(Rejection::new(ErrorCode::SelectionOfOther, in_words(tag, present)));
            }
            if present.id == *id && is_same_value(&present.value, &value) {
                return Ok(Reply::Done);
            }
        }
        let until = self.time.saturating_add(lasts);
        let detail = format!("selected for {}, for {}", text::value(&value), text::duration(lasts));
        self.note(Deed { actor, action: "select", target: tag.as_str(), detail, reason: "" });
        effects.push(Effect::TagChanged { tag: tag.clone() });
        let SelectionRequest { id, tag, actor, client, .. } = request;
        self.operate.selections.insert(tag, Selection { id, value, actor, client, until, term: self.term });
        Ok(Reply::Done)
    }

    /// The value as the tag takes it, and for how long it is selected; or why it would be refused as a command.
    fn judge_selection(&self, request: &SelectionRequest) -> Result<(Value, Duration), Rejection> {
        let refused = |(code, message)| Rejection::new(code, message);
        let tag = &request.tag;
        let (_, spec) = self.site.tag(tag).ok_or_else(|| refused((ErrorCode::UnknownTag, format!("the site has no tag {tag}"))))?;
        let not_taken = || refused((ErrorCode::SelectionNotTaken, format!("{tag} is written without a selection")));
        let lasts = spec.select.ok_or_else(not_taken)?;
        let default = || spec.action.is_some().then(|| self.default_value(tag));
        let missing = || refused((ErrorCode::BadRequest, format!("what {tag} is to be set to is missing")));
        let asked = request.value.clone().or_else(default).ok_or_else(missing)?;
        let value = spec.accept(&asked).map_err(|unfit| refused(explain(tag, spec, &asked, &unfit)))?;
        if let Some(hold) = self.holds.get(tag) {
            return Err(refused((ErrorCode::Held, format!("{tag} is held since the takeover of epoch {}", hold.epoch))));
        }
        self.check_authority(tag, &value, &request.actor).map_err(refused)?;
        self.check_interlocks(tag, &value).map_err(refused)?;
        Ok((value, lasts))
    }

    /// Gives a selection up; what is not there is not there to be given up.
    pub(super) fn deselect(&mut self, id: &CommandId, tag: &TagPath, actor: &str, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        text::check_len("the actor", actor, ACTOR_LEN_MAX)?;
        let Some(present) = self.operate.selections.get(tag).filter(|present| present.id == *id) else { return Ok(Reply::Done) };
        if present.actor != actor {
            return Err(Rejection::new(ErrorCode::SelectionOfOther, in_words(tag, present)));
        }
        self.operate.selections.remove(tag);
        self.note(Deed { actor, action: "select", target: tag.as_str(), detail: "given up".to_owned(), reason: "" });
        effects.push(Effect::TagChanged { tag: tag.clone() });
        Ok(Reply::Done)
    }

    /// Whether a command may be given, as far as selections go. The safe value always may be.
    ///
    /// # Errors
    /// Code and message, if it needs a selection and has none that fits.
    pub(crate) fn check_selection(
        &self,
        (tag, spec): (&TagPath, &TagSpec),
        id: &CommandId,
        value: &Value,
        actor: &str,
    ) -> Result<(), (ErrorCode, String)> {
        if spec.select.is_none() || spec.is_safe(value) {
            return Ok(());
        }
        let needed =
            || (ErrorCode::SelectionNeeded, format!("{tag} is selected before it is written to, and command {id} has no selection"));
        let present = self.operate.selections.get(tag).ok_or_else(needed)?;
        let is_live = self.is_live(present);
        if is_live && present.actor != actor {
            return Err((ErrorCode::SelectionOfOther, in_words(tag, present)));
        }
        if present.id != *id {
            return Err(needed());
        }
        if !is_live {
            let until = text::time_of_day(present.until);
            let why = if present.term == self.term { format!("it lasted until {until}") } else { "another node leads since".to_owned() };
            return Err((ErrorCode::StaleSelection, format!("the selection of {tag} is void: {why}")));
        }
        if is_same_value(&present.value, value) {
            return Ok(());
        }
        let [selected, asked] = [&present.value, value].map(|value| text::cut(text::value(value), 100));
        Err((ErrorCode::SelectionMismatch, format!("{tag} is selected for {selected}, not for {asked}")))
    }

    /// A command has used the selection that was made for it, whatever became of it.
    pub(crate) fn use_selection(&mut self, tag: &TagPath, id: &CommandId) {
        if self.operate.selections.get(tag).is_some_and(|present| present.id == *id) {
            self.operate.selections.remove(tag);
        }
    }

    /// What a selection means for this actor's commands to a tag: code and message; `None` where no selection is needed.
    pub(crate) fn selection_in_words(&self, tag: &TagPath, spec: &TagSpec, actor: &str) -> Option<(Option<ErrorCode>, String)> {
        spec.select?;
        let other = self.selection(tag).filter(|present| present.actor != actor);
        let needed = || (None, format!("{tag} is selected before it is written to: give the command with `--select`"));
        Some(other.map_or_else(needed, |present| (Some(ErrorCode::SelectionOfOther), in_words(tag, present))))
    }
}

fn check_request(request: &SelectionRequest) -> Result<(), Rejection> {
    if request.id == CommandId([0; 16]) {
        return Err(Rejection::new(ErrorCode::BadCommandId, "a command's id cannot be all zeros"));
    }
    text::check_len("the actor", &request.actor, ACTOR_LEN_MAX)?;
    text::check_len("the client", &request.client, CLIENT_LEN_MAX)?;
    match &request.value {
        Some(Value::Text(value)) => text::check_len("the value", value, VALUE_LEN_MAX),
        _ => Ok(()),
    }
}

fn in_words(tag: &TagPath, selection: &Selection) -> String {
    let through = if selection.client.is_empty() { String::new() } else { format!(" through {}", selection.client) };
    format!("{tag} is selected by {}{through} until {}", selection.actor, text::time_of_day(selection.until))
}
