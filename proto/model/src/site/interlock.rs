//! The declaration of conditions and interlocks: expressions over tags, and what they keep from being driven.
//!
//! An interlock protects equipment and experiments from mistakes. It is not a safety system.

use super::Priority;
use crate::TagPath;
use std::time::Duration;

/// A named expression that others refer to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConditionSpec {
    /// For people.
    pub description: String,
    /// Its text.
    pub expr: String,
}

/// How far an interlock goes when its requirement does not hold (the three stages of VDI/VDE/NAMUR 2658).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Refuses commands, except to the safe value; resets itself.
    #[default]
    Permit,
    /// Refuses commands and forces the safe value; resets itself.
    Interlock,
    /// Refuses commands and forces the safe value, until an operator resets it.
    Protect,
}

impl Stage {
    /// Every stage with its word in a site file.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Permit, "permit"), (Self::Interlock, "interlock"), (Self::Protect, "protect")];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Interlock => "interlock",
            Self::Protect => "protect",
        }
    }

    /// Whether it drives its tags to their safe values.
    #[must_use]
    pub const fn forces_safe(self) -> bool {
        matches!(self, Self::Interlock | Self::Protect)
    }
}

/// One interlock. All its tags are in one segment, whose owner evaluates it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InterlockSpec {
    /// For people.
    pub description: String,
    /// How far it goes.
    pub stage: Stage,
    /// What must hold for its tags to be driven; an input of bad quality counts as not holding.
    pub require: String,
    /// The tags that it guards.
    pub tags: Vec<TagPath>,
    /// How old an input may be; older counts as not holding.
    pub max_age: Duration,
    /// How urgent it is that it has tripped.
    pub priority: Priority,
}

impl InterlockSpec {
    /// How old an input may be where a site file says nothing: ten default polls.
    pub const MAX_AGE_DEFAULT: Duration = Duration::from_secs(5);
}
