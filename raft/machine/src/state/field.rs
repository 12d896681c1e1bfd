//! What owners and probing nodes say about the field, and what it means for tags and devices.

use labkeeper_model::{Epoch, Name, NodeId, Timestamp, Value};

/// What a new owner found and did for one setpoint, after reading the device.
#[derive(Clone, Debug, PartialEq)]
pub enum Reconciled {
    /// The device has the desired value.
    Matches,
    /// The device has another value and keeps it.
    Adopted {
        /// That value.
        actual: Value,
    },
    /// The device had another value; the desired one was written.
    Reasserted {
        /// What it had.
        actual: Value,
    },
    /// The device was driven to its safe value.
    DrivenSafe {
        /// What it had.
        actual: Value,
    },
    /// Nothing was written: an operator confirms first.
    Held {
        /// What it has.
        actual: Value,
    },
    /// The device could not be read, so nothing was written.
    Unreadable,
}

impl Reconciled {
    /// Its word in the audit and wherever it is shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::Adopted { .. } => "adopted",
            Self::Reasserted { .. } => "reasserted",
            Self::DrivenSafe { .. } => "driven_safe",
            Self::Held { .. } => "held",
            Self::Unreadable => "unreadable",
        }
    }

    /// The value that the device had.
    #[must_use]
    pub const fn actual(&self) -> Option<&Value> {
        match self {
            Self::Adopted { actual } | Self::Reasserted { actual } | Self::DrivenSafe { actual } | Self::Held { actual } => Some(actual),
            Self::Matches | Self::Unreadable => None,
        }
    }
}

/// A setpoint that a takeover left different from its device; ends with the next setpoint or the next takeover that finds them equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// What the owner found and did.
    pub outcome: Reconciled,
    /// Under which epoch.
    pub epoch: Epoch,
    /// Since when, by the machine's time.
    pub since: Timestamp,
}

/// A tag that takes no setpoints and is not written until an operator confirms.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// Why.
    pub reason: HoldReason,
    /// The epoch of the takeover.
    pub epoch: Epoch,
    /// Since when, by the machine's time.
    pub since: Timestamp,
    /// The value that the owner read; `None` until it has.
    pub actual: Option<Value>,
}

/// Why a tag is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldReason {
    /// It is declared `takeover = "hold"`.
    Policy,
    /// It is dangerous, and only the lease keeps a lost owner's late write away from its device.
    Dangerous,
}

impl HoldReason {
    /// Why, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Policy => "declared to be held after a takeover",
            Self::Dangerous => "dangerous, and nothing but the lease keeps a lost owner's late write away",
        }
    }
}

/// A device that its owner leaves alone because its driver failed too often.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantine {
    /// The owner that says so.
    pub node: NodeId,
    /// Under which epoch; another epoch ends it.
    pub epoch: Epoch,
    /// Since when, by the machine's time.
    pub since: Timestamp,
    /// What happened, in the owner's words.
    pub reason: String,
    /// The device's segment.
    pub segment: Name,
}

/// How much of a segment a node says that it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReachWord {
    /// How many devices answered.
    pub reached: u32,
    /// Of how many.
    pub of: u32,
    /// When it said so, by the machine's time.
    pub at: Timestamp,
    /// Since when the verdict (poor or not) has been the same.
    pub since: Timestamp,
}

impl ReachWord {
    /// Whether it is less than half of the devices.
    #[must_use]
    pub const fn is_poor(&self) -> bool {
        // Widened: two u32 cannot overflow a u64.
        (self.reached as u64) * 2 < self.of as u64
    }

    /// Whether a segment should rather be where this was said than where `owner` was said: at least half, and more than there.
    #[must_use]
    pub const fn is_clearly_better_than(&self, owner: &Self) -> bool {
        self.of > 0 && !self.is_poor() && self.reached > owner.reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn word(reached: u32, of: u32) -> ReachWord {
        ReachWord { reached, of, at: Timestamp(0), since: Timestamp(0) }
    }

    #[test]
    fn less_than_half_is_poor_and_nothing_of_nothing_is_not() {
        let cases = [(0, 0, false), (0, 1, true), (1, 2, false), (1, 3, true), (2, 4, false), (u32::MAX, u32::MAX, false)];
        for (reached, of, poor) in cases {
            assert_eq!(word(reached, of).is_poor(), poor, "{reached} of {of}");
        }
    }

    #[test]
    fn better_is_half_at_least_and_more_than_the_owner() {
        let cases = [((2, 4), (1, 4), true), ((1, 4), (0, 4), false), ((2, 4), (2, 4), false), ((0, 0), (0, 4), false)];
        for ((reached, of), owner, better) in cases {
            assert_eq!(word(reached, of).is_clearly_better_than(&word(owner.0, owner.1)), better, "{reached} of {of} over {owner:?}");
        }
    }
}
