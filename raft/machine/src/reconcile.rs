//! What a new owner found when it compared setpoints and devices.
//!
//! ```text
//!   matches, reasserted                            -->  no drift
//!   adopted or held with another value,            -->  drift, until the next setpoint or the next takeover that finds them equal
//!   driven safe, unreadable
//! ```
//!
//! The machine does not judge what the owner did; it remembers what an operator must see; a held tag shows
//! the reading that was told with it. A word about a tag of another segment, or one
//! that the site does not have, is only counted.

use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::reply::{Effect, Rejection, Reply};
use crate::state::{Drift, Reconciled};
use crate::text::{VALUE_LEN_MAX, value};
use labkeeper_model::site::Takeover;
use labkeeper_model::{CommandState, Epoch, NodeId, TagPath, Value};
use std::collections::BTreeMap;

impl Machine {
    pub(crate) fn report_reconciled(
        &mut self,
        node: NodeId,
        segment: &str,
        epoch: Epoch,
        outcomes: Vec<(TagPath, Reconciled)>,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        self.owned_under(node, segment, epoch)?;
        let mut refused: u32 = 0;
        let mut taken = BTreeMap::new();
        for (tag, outcome) in outcomes {
            let fits = outcome.actual().is_none_or(is_kept);
            if fits && tag.segment() == segment && self.setpoints.contains_key(&tag) {
                taken.insert(tag, outcome);
            } else {
                // Saturates: a message of 2^32 outcomes would be of 40 GB.
                refused = refused.saturating_add(1);
            }
        }
        self.note_reconciled(segment, &taken);
        for (tag, outcome) in taken {
            self.take_outcome(tag, outcome, epoch, effects);
        }
        Ok(Reply::Reported { refused })
    }

    fn take_outcome(&mut self, tag: TagPath, outcome: Reconciled, epoch: Epoch, effects: &mut Vec<Effect>) {
        if let (Some(hold), Some(actual)) = (self.holds.get_mut(&tag), outcome.actual()) {
            hold.actual = Some(actual.clone());
        }
        if self.is_apart(&tag, &outcome) {
            if self.stays_safe(&tag, &outcome) {
                return;
            }
            let since = self.drifts.get(&tag).map_or(self.time, |earlier| earlier.since);
            self.drifts.insert(tag.clone(), Drift { outcome, epoch, since });
        } else {
            self.drifts.remove(&tag);
        }
        effects.push(Effect::TagChanged { tag });
    }

    /// Whether a word leaves it at that the tag was driven to its safe value: an interlock may do so while a takeover is under way, whose
    /// own word comes later. Forgotten, the next takeover might write what was set before.
    fn stays_safe(&self, tag: &TagPath, outcome: &Reconciled) -> bool {
        let was_driven = self.drifts.get(tag).is_some_and(|drift| matches!(drift.outcome, Reconciled::DrivenSafe { .. }));
        let is_policy = self.site.tag(tag).is_some_and(|(_, spec)| spec.takeover == Takeover::Safe);
        was_driven && !is_policy && !matches!(outcome, Reconciled::DrivenSafe { .. })
    }

    /// Whether the device differs from the setpoint afterwards. One that is committed and not begun is still to be driven.
    fn is_apart(&self, tag: &TagPath, outcome: &Reconciled) -> bool {
        let Some(setpoint) = self.setpoints.get(tag).filter(|setpoint| setpoint.state != CommandState::Committed) else { return false };
        match outcome {
            Reconciled::Matches | Reconciled::Reasserted { .. } => false,
            Reconciled::Adopted { actual } | Reconciled::Held { actual } => *actual != setpoint.value,
            Reconciled::DrivenSafe { .. } | Reconciled::Unreadable => true,
        }
    }

    /// A newer setpoint is another wish: what was found for the one before does not matter to it.
    pub(crate) fn end_drift(&mut self, tag: &TagPath, effects: &mut Vec<Effect>) {
        if self.drifts.remove(tag).is_some() {
            effects.push(Effect::TagChanged { tag: tag.clone() });
        }
    }

    /// One entry for all, since a segment can have thousands of tags and the audit keeps ten thousand entries. Those that match are only
    /// counted.
    fn note_reconciled(&mut self, segment: &str, taken: &BTreeMap<TagPath, Reconciled>) {
        if taken.is_empty() {
            return;
        }
        let matching = taken.values().filter(|outcome| **outcome == Reconciled::Matches).count();
        let mut detail = format!("{matching} of {} as set", taken.len());
        for (tag, outcome) in taken.iter().filter(|(_, outcome)| **outcome != Reconciled::Matches) {
            let wanted = self.setpoints.get(tag).map_or_else(String::new, |setpoint| value(&setpoint.value));
            let actual = outcome.actual().map_or_else(|| "no reading".to_owned(), value);
            detail.push_str(&format!("\n{tag}: {}, {actual} for {wanted}", outcome.as_str()));
        }
        self.note(Deed { actor: SELF, action: "reconcile", target: segment, detail, reason: "" });
    }
}

/// Whether a reading is short enough to be kept.
pub(crate) fn is_kept(actual: &Value) -> bool {
    !matches!(actual, Value::Text(text) if text.len() > VALUE_LEN_MAX)
}
