//! What owners say about interlocks, and what a change of the declaration makes of it.

use super::{InterlockState, Verdict};
use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::reply::{Effect, Rejection, Reply};
use crate::state::{Drift, Reconciled};
use crate::text::{self, MESSAGE_LEN_MAX, cut};
use labkeeper_model::site::{InterlockSpec, SiteSpec, Stage};
use labkeeper_model::{AlarmId, Epoch, Name, NodeId, TagPath};

/// Everything in one report.
pub(super) struct Words {
    pub(super) states: Vec<(Name, Verdict)>,
    pub(super) forced: Vec<(Name, TagPath)>,
}

/// Whether the owner of a segment evaluates an interlock: all tags of one are in one segment.
pub(super) fn is_of(spec: &InterlockSpec, segment: &str) -> bool {
    spec.tags.first().is_some_and(|tag| tag.segment() == segment)
}

impl Machine {
    pub(super) fn report_interlocks(
        &mut self,
        node: NodeId,
        segment: &str,
        epoch: Epoch,
        words: Words,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        self.owned_under(node, segment, epoch)?;
        let mut refused: u32 = 0;
        for (interlock, verdict) in words.states {
            let known = self.site.interlocks.get(&interlock).filter(|spec| is_of(spec, segment)).map(|spec| spec.stage);
            match known {
                Some(stage) => self.take_verdict(&interlock, stage, epoch, verdict, effects),
                None => refused = refused.saturating_add(1),
            }
        }
        for (interlock, tag) in words.forced {
            let guards = |spec: &InterlockSpec| is_of(spec, segment) && spec.stage.forces_safe() && spec.tags.contains(&tag);
            if self.site.interlocks.get(&interlock).is_some_and(guards) {
                self.take_forced(&interlock, &tag, epoch, effects);
            } else {
                refused = refused.saturating_add(1);
            }
        }
        Ok(Reply::Reported { refused })
    }

    fn take_verdict(&mut self, interlock: &Name, stage: Stage, epoch: Epoch, verdict: Verdict, effects: &mut Vec<Effect>) {
        let verdict = match verdict {
            Verdict::Healthy => Verdict::Healthy,
            Verdict::Tripped { why } => Verdict::Tripped { why: cut(why, MESSAGE_LEN_MAX) },
        };
        let known = self.interlocks.states.get(interlock).cloned().unwrap_or_default();
        let changes = !is_same_kind(known.verdict.as_ref(), &verdict);
        if known.epoch == epoch && !changes {
            return;
        }
        let since = if changes { self.time } else { known.since };
        let mut state = InterlockState { epoch, since, ..known };
        let detail = match &verdict {
            Verdict::Tripped { why } => {
                latch(&mut state, stage, why);
                format!("tripped: {why}")
            }
            Verdict::Healthy => {
                state.forced.clear();
                if state.latched { "what it requires holds again; it waits for a reset".to_owned() } else { "healthy".to_owned() }
            }
        };
        // The first word of all is no news if it is a good one.
        let is_news = changes && (state.verdict.is_some() || verdict != Verdict::Healthy);
        state.verdict = Some(verdict);
        self.interlocks.states.insert(interlock.clone(), state);
        if is_news {
            self.note(Deed { actor: SELF, action: "interlock", target: interlock.as_str(), detail, reason: "" });
        }
        self.interlock_changed(interlock, effects);
    }

    /// A tag was driven to its safe value. It differs from what was set, which is shown like the outcome of a takeover.
    fn take_forced(&mut self, interlock: &Name, tag: &TagPath, epoch: Epoch, effects: &mut Vec<Effect>) {
        let Some(safe) = self.site.tag(tag).and_then(|(_, spec)| spec.accept(spec.safe.as_ref()?).ok()) else { return };
        let Some(state) = self.interlocks.states.get_mut(interlock) else { return };
        if !state.forced.insert(tag.clone()) {
            return;
        }
        let unit = self.site.tag(tag).map_or("", |(_, spec)| spec.unit.as_str());
        let detail = format!("driven to its safe value {} by {interlock}", text::with_unit(&text::value(&safe), unit));
        self.note(Deed { actor: SELF, action: "interlock", target: tag.as_str(), detail, reason: "" });
        if self.setpoints.get(tag).is_some_and(|setpoint| setpoint.value != safe) {
            let drift = Drift { outcome: Reconciled::DrivenSafe { actual: safe }, epoch, since: self.time };
            self.drifts.insert(tag.clone(), drift);
        }
        effects.push(Effect::TagChanged { tag: tag.clone() });
        effects.push(Effect::InterlockChanged { interlock: interlock.clone() });
    }

    /// Says that an interlock's record has changed, and brings its alarms into line with it.
    pub(super) fn interlock_changed(&mut self, interlock: &Name, effects: &mut Vec<Effect>) {
        effects.push(Effect::InterlockChanged { interlock: interlock.clone() });
        let priority = self.site.interlocks.get(interlock).map_or_else(Default::default, |spec| spec.priority);
        let state = self.interlocks.states.get(interlock).cloned().unwrap_or_default();
        let (tripped, why) = match &state.verdict {
            Some(Verdict::Tripped { why }) => (true, why.clone()),
            _ => (state.latched, format!("waits for a reset after: {}", state.latched_by)),
        };
        self.raise_internal(&AlarmId::interlock_tripped(interlock), tripped, priority, &why, effects);
        let until = |defeat: &super::Defeat| format!("by {} until {}: {}", defeat.by, text::time_of_day(defeat.until), defeat.reason);
        let defeated = state.defeat.as_ref().map(until);
        let text = defeated.as_deref().unwrap_or("");
        self.raise_internal(&AlarmId::interlock_defeated(interlock), defeated.is_some(), priority, text, effects);
    }

    /// Forgets interlocks that the site does not have any more, and what was found of those that are declared differently: until the
    /// owner has evaluated them anew, nothing is known about them. A latch stays, unless the interlock needs no reset any more.
    pub(crate) fn review_interlocks(&mut self, former: &SiteSpec, effects: &mut Vec<Effect>) {
        for interlock in self.interlocks.states.keys().cloned().collect::<Vec<_>>() {
            let (spec, before) = (self.site.interlocks.get(&interlock), former.interlocks.get(&interlock));
            let Some(state) = self.interlocks.states.get_mut(&interlock) else { continue };
            match spec {
                Some(spec) if Some(spec) == before => continue,
                Some(spec) => {
                    state.epoch = 0;
                    state.forced.clear();
                    if spec.stage != Stage::Protect {
                        (state.latched, state.latched_by) = (false, String::new());
                    }
                }
                None => drop(self.interlocks.states.remove(&interlock)),
            }
            self.interlock_changed(&interlock, effects);
        }
    }
}

/// Takes the latch of a `protect` that has tripped, unless it is out of force; the first cause is the one that counts.
pub(super) fn latch(state: &mut InterlockState, stage: Stage, why: &str) {
    if stage == Stage::Protect && state.defeat.is_none() && !state.latched {
        (state.latched, state.latched_by) = (true, why.to_owned());
    }
}

fn is_same_kind(known: Option<&Verdict>, verdict: &Verdict) -> bool {
    matches!((known, verdict), (Some(Verdict::Healthy), Verdict::Healthy) | (Some(Verdict::Tripped { .. }), Verdict::Tripped { .. }))
}
