//! Reading how interlocks stand, and whether a tag may be driven.

use super::{Defeat, InterlockState, Verdict};
use crate::Machine;
use crate::text;
use labkeeper_model::site::InterlockSpec;
use labkeeper_model::{ErrorCode, Name, TagPath, Value};
use std::fmt;

/// How an interlock stands, in one word; a defeat comes beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// What it requires holds, and nobody needs to reset it.
    Healthy,
    /// What it requires does not hold, or cannot be told.
    Tripped,
    /// What it requires holds again, but it waits for a reset.
    Latched,
    /// Its owner has not evaluated it under the present epoch and declaration.
    Unknown,
}

impl Word {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Tripped => "tripped",
            Self::Latched => "latched",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How one interlock stands.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// Its declaration.
    pub spec: &'a InterlockSpec,
    /// What is remembered of it; as it was left by the former owner while it is not [`Self::known`].
    pub state: InterlockState,
    /// Whether its verdict was given under the present epoch and declaration.
    pub known: bool,
}

impl Standing<'_> {
    /// In one word.
    #[must_use]
    pub fn word(&self) -> Word {
        match &self.state.verdict {
            Some(Verdict::Tripped { .. }) if self.known => Word::Tripped,
            Some(Verdict::Healthy) if self.known && self.state.latched => Word::Latched,
            Some(Verdict::Healthy) if self.known => Word::Healthy,
            _ => Word::Unknown,
        }
    }

    /// Whether it is out of force.
    #[must_use]
    pub fn defeat(&self) -> Option<&Defeat> {
        self.state.defeat.as_ref()
    }

    /// Whether it keeps its tags from being driven to anything but their safe values.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.state.defeat.is_none() && self.word() != Word::Healthy
    }

    /// How its requirement stands, in words.
    #[must_use]
    pub fn requirement_in_words(&self) -> String {
        match (self.word(), &self.state.verdict) {
            (Word::Tripped, Some(Verdict::Tripped { why })) => why.clone(),
            (Word::Latched, _) => format!("it waits for a reset, as it had tripped: {}", self.state.latched_by),
            (Word::Healthy, _) => "what it requires holds".to_owned(),
            _ => "its owner has not evaluated it yet".to_owned(),
        }
    }
}

impl Machine {
    /// How an interlock stands; `None` if the site does not declare it.
    #[must_use]
    pub fn interlock(&self, name: &str) -> Option<Standing<'_>> {
        let spec = self.site.interlocks.get(name)?;
        let state = self.interlocks.states.get(name).cloned().unwrap_or_default();
        let epoch = spec.tags.first().map_or(0, |tag| self.ownership(tag.segment()).epoch);
        let known = state.epoch == epoch && epoch != 0;
        Some(Standing { spec, state, known })
    }

    /// How each interlock stands, by name.
    pub fn interlocks(&self) -> impl Iterator<Item = (&Name, Standing<'_>)> {
        self.site.interlocks.keys().filter_map(|name| Some((name, self.interlock(name.as_str())?)))
    }

    /// The interlocks that guard a tag.
    pub fn interlocks_of<'a>(&'a self, tag: &'a TagPath) -> impl Iterator<Item = (&'a Name, Standing<'a>)> {
        let guarding = self.site.interlocks.iter().filter(move |(_, spec)| spec.tags.contains(tag));
        guarding.filter_map(|(name, _)| Some((name, self.interlock(name.as_str())?)))
    }

    /// Whether a tag may be driven to a value that it accepted, as far as interlocks go. The safe value always may.
    ///
    /// # Errors
    /// Code and message, naming the interlock.
    pub(crate) fn check_interlocks(&self, tag: &TagPath, value: &Value) -> Result<(), (ErrorCode, String)> {
        let safe = self.site.tag(tag).is_some_and(|(_, spec)| spec.is_safe(value));
        match self.interlocks_of(tag).find(|(_, standing)| !safe && standing.blocks()) {
            None => Ok(()),
            Some((name, standing)) => Err((ErrorCode::InterlockTripped, self.blocked_in_words(name, tag, &standing))),
        }
    }

    /// Which interlock keeps a tag from being driven, why, and what may be set nevertheless.
    pub(crate) fn blocked_in_words(&self, name: &Name, tag: &TagPath, standing: &Standing<'_>) -> String {
        let spec = self.site.tag(tag).map(|(_, spec)| spec);
        let safe = spec.and_then(|spec| Some(text::with_unit(&text::value(spec.safe.as_ref()?), &spec.unit)));
        let but = safe.map_or_else(String::new, |safe| format!(", except to {safe}"));
        let (stage, why) = (standing.spec.stage.as_str(), standing.requirement_in_words());
        format!("the {stage} {name} keeps {tag} from being driven{but}: {why}")
    }
}
