//! Why somebody cannot drive a tag at present, or what he should know before he tries: everything that stands in the way at once, not
//! only what a refusal would name first.
//!
//! Reads the state and decides nothing: the checks are those of a command.

use crate::Machine;
use crate::text;
use labkeeper_model::site::{DeviceSpec, TagSpec};
use labkeeper_model::{ErrorCode, TagPath};

/// What something does to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It would be refused, except to the tag's safe value where the message says so.
    Refuses,
    /// It would be committed, and wait until its deadline.
    Delays,
    /// It is good to know.
    Tells,
}

impl Weight {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuses => "refuses",
            Self::Delays => "delays",
            Self::Tells => "tells",
        }
    }
}

/// One thing that bears on commands to a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What it does.
    pub weight: Weight,
    /// What it is about: `tag`, `hold`, `control`, `interlock`, `selection`, `device`, `owner` or `limits`.
    pub about: &'static str,
    /// With which code a command would be refused.
    pub code: Option<ErrorCode>,
    /// What, in words.
    pub message: String,
}

impl Reason {
    fn refuses(about: &'static str, code: ErrorCode, message: String) -> Self {
        Self { weight: Weight::Refuses, about, code: Some(code), message }
    }

    fn delays(about: &'static str, message: String) -> Self {
        Self { weight: Weight::Delays, about, code: None, message }
    }

    fn tells(about: &'static str, message: String) -> Self {
        Self { weight: Weight::Tells, about, code: None, message }
    }
}

impl Machine {
    /// Everything that bears on a command of this actor to a tag, what refuses it first.
    #[must_use]
    pub fn explain(&self, tag: &TagPath, actor: &str) -> Vec<Reason> {
        let Some((device, spec)) = self.site.tag(tag) else {
            return vec![Reason::refuses("tag", ErrorCode::UnknownTag, format!("the site has no tag {tag}"))];
        };
        let mut reasons = Vec::new();
        if !spec.access.is_writable() {
            reasons.push(Reason::refuses("tag", ErrorCode::ReadOnlyTag, format!("{tag} is read-only")));
        }
        if let Some(hold) = self.holds.get(tag) {
            let message = format!("{tag} is held since the takeover of epoch {}: it is {}", hold.epoch, hold.reason.in_words());
            reasons.push(Reason::refuses("hold", ErrorCode::Held, message));
        }
        reasons.extend(self.explain_control(tag, device, actor));
        reasons.extend(self.explain_interlocks(tag));
        reasons.extend(self.explain_selection(tag, spec, actor));
        reasons.extend(self.explain_owner(tag));
        reasons.extend(explain_limits(tag, spec));
        reasons.sort_by_key(|reason| reason.weight);
        reasons
    }

    fn explain_control(&self, tag: &TagPath, device: &DeviceSpec, actor: &str) -> Option<Reason> {
        if let Err((code, message)) = self.may_write(tag, device, actor) {
            return Some(Reason::refuses("control", code, message));
        }
        let (scope, control) = self.control_of(tag.device())?;
        let asked = control.asked.as_ref().map_or_else(String::new, |asked| format!("; {} has asked for it", asked.actor));
        let until = text::time_of_day(control.until);
        Some(Reason::tells("control", format!("{actor} has control of {scope} until {until}{asked}")))
    }

    fn explain_interlocks(&self, tag: &TagPath) -> Vec<Reason> {
        let explain = |(name, standing): (_, crate::interlocks::Standing<'_>)| {
            if standing.blocks() {
                return Reason::refuses("interlock", ErrorCode::InterlockTripped, self.blocked_in_words(name, tag, &standing));
            }
            let message = match standing.defeat() {
                Some(defeat) => {
                    let until = text::time_of_day(defeat.until);
                    format!("{name} is defeated by {} until {until}: {}; {}", defeat.by, defeat.reason, standing.requirement_in_words())
                }
                None => format!("{name} is healthy: {}", standing.spec.require),
            };
            Reason::tells("interlock", message)
        };
        self.interlocks_of(tag).map(explain).collect()
    }

    fn explain_selection(&self, tag: &TagPath, spec: &TagSpec, actor: &str) -> Option<Reason> {
        self.selection_in_words(tag, spec, actor).map(|(code, message)| match code {
            Some(code) => Reason::refuses("selection", code, message),
            None => Reason::tells("selection", message),
        })
    }

    /// Who would carry it out, and whether the device is left alone.
    fn explain_owner(&self, tag: &TagPath) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if let Some(quarantine) = self.quarantined.get(tag.device()) {
            let message = format!("{} is quarantined: {}", tag.device(), quarantine.reason);
            reasons.push(Reason::delays("device", message));
        }
        if self.ownership(tag.segment()).owner.is_none() {
            let why = self.placement(tag.segment()).map_or_else(String::new, |placement| format!(": {}", placement.in_words));
            reasons.push(Reason::delays("owner", format!("no node drives {}{why}", tag.segment())));
        }
        reasons
    }
}

fn explain_limits(tag: &TagPath, spec: &TagSpec) -> Vec<Reason> {
    let limits = spec.limits.map(|limits| format!("{tag} takes {} to {}", limits.min, limits.max));
    let safe = spec.safe.as_ref().map(|safe| format!("the safe value {} may be set at any time", text::value(safe)));
    let with_unit = |message: String| Reason::tells("limits", text::with_unit(&message, &spec.unit));
    limits.map(with_unit).into_iter().chain(safe.map(|message| Reason::tells("limits", message))).collect()
}
