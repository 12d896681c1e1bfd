//! Alarms about the site itself, which nobody has to watch for: the machine finds them in its own state, whenever it has changed.
//!
//! | alarm | lasts while |
//! |---|---|
//! | `system/node-lost/NODE` | its session has run out, until it opens another |
//! | `system/no-keeper/SEGMENT` | nobody can have the segment, after [`KEEPER_DELAY`] |
//! | `system/quarantined/DEVICE` | its owner leaves it alone |
//! | `system/outcome-unknown/COMMAND` | nobody has acknowledged that nobody knows what became of it |
//! | `system/no-quorum/site` | nothing can be committed; told when it is over (see `silence`) |
//! | `system/clock/NODE`, `system/disk/NODE` | the node says so of itself |
//!
//! Others (interlocks, notices) are raised by the part of the state that knows of them.

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{MESSAGE_LEN_MAX, check_len, cut};
use labkeeper_alarm::{Alarm, Event, Quality, Rules, Word};
use labkeeper_model::site::Priority;
use labkeeper_model::{AlarmId, CommandId, CommandState, ErrorCode, Name, NodeId, SessionId};
use std::sync::Arc;
use std::time::Duration;

/// How long a segment may be without a keeper before that is an alarm: the nodes of a site that is started come up within seconds of
/// each other.
const KEEPER_DELAY: Duration = Duration::from_secs(5);
/// Most commands of unknown outcome that have an alarm each: more than anybody has ever looked into. What is beyond is in the audit.
pub const OUTCOMES_MAX: usize = 1_000;
/// Most words of a node about itself in one report: it knows of two kinds.
const SYSTEM_WORDS_MAX: usize = 16;

const NODE_LOST: &str = "node-lost";
const NO_KEEPER: &str = "no-keeper";
const QUARANTINED: &str = "quarantined";
const OUTCOME_UNKNOWN: &str = "outcome-unknown";
pub(super) const NO_QUORUM: &str = "no-quorum";
/// What a node may say about itself.
const OF_NODES: [&str; 2] = ["clock", "disk"];

/// The kind of a system alarm; empty for any other.
fn kind(id: &AlarmId) -> &str {
    parts(id).map_or("", |(kind, _)| kind)
}

fn parts(id: &AlarmId) -> Option<(&str, &str)> {
    id.as_str().strip_prefix("system/")?.split_once('/')
}

pub(super) fn priority(id: &AlarmId) -> Priority {
    match kind(id) {
        NODE_LOST | NO_KEEPER | NO_QUORUM | "disk" => Priority::High,
        _ => Priority::Medium,
    }
}

pub(super) fn rules(id: &AlarmId, priority: Priority) -> Rules {
    let on_delay = if kind(id) == NO_KEEPER { KEEPER_DELAY } else { Duration::ZERO };
    Rules { on_delay, clears_on_ack: kind(id) == OUTCOME_UNKNOWN, ..Rules::plain(priority) }
}

fn id(kind: &str, subject: &str) -> Option<AlarmId> {
    Some(AlarmId::system(&Name::new(kind).ok()?, &Name::new(subject).ok()?))
}

impl Machine {
    /// Raises or clears an alarm that the machine finds by itself, such as a tripped interlock. Level-triggered: saying the same twice
    /// changes nothing.
    pub(crate) fn raise_internal(&mut self, alarm: &AlarmId, active: bool, priority: Priority, text: &str, effects: &mut Vec<Effect>) {
        let known = self.alarms.get(alarm);
        let lasts = known.is_some_and(|known| known.told().active.is_some());
        if lasts == active {
            return;
        }
        // The record says which priority it has, and what it is about, before the first occurrence too.
        let rules = self.internal_rules(alarm, Some(priority));
        let mut record = known.map_or_else(|| Alarm::new(priority), |known| Alarm::clone(known));
        record.text = if active { cut(text.to_owned(), MESSAGE_LEN_MAX) } else { record.text };
        record.review(&rules);
        self.alarms.insert(alarm.clone(), Arc::new(record));
        let word = if active { Word::Active { severity: 1, value: None } } else { Word::Clear { value: None } };
        // Words are not refused.
        let _ = self.tell(alarm, Event::Word { at: self.time, word }, effects);
    }

    /// Whether it is about a node or a segment of the site.
    pub(super) fn is_system_alarm_of_site(&self, id: &AlarmId) -> bool {
        match parts(id) {
            Some((NODE_LOST, node)) => self.node_by_name(node).is_some(),
            Some((NO_KEEPER, segment)) => self.has_segment(segment),
            Some((NO_QUORUM, _)) => Self::no_quorum_alarm().as_ref() == Some(id),
            _ => false,
        }
    }

    /// A node's session ran out.
    pub(crate) fn node_lost(&mut self, node: NodeId, effects: &mut Vec<Effect>) {
        let name = self.in_words(Some(node));
        if let Some(alarm) = id(NODE_LOST, &name) {
            self.raise_internal(&alarm, true, priority(&alarm), &format!("{name} has not been heard of"), effects);
        }
    }

    /// A node has a session again.
    pub(crate) fn node_found(&mut self, node: NodeId, effects: &mut Vec<Effect>) {
        if let Some(alarm) = id(NODE_LOST, &self.in_words(Some(node))) {
            self.raise_internal(&alarm, false, priority(&alarm), "", effects);
        }
    }

    /// Looks at what an entry has changed, and raises and clears what follows from it.
    pub(crate) fn watch_itself(&mut self, effects: &mut Vec<Effect>) {
        let is_about_keepers = |effect: &Effect| {
            matches!(effect, Effect::OwnershipChanged { .. } | Effect::NodesChanged | Effect::SessionChanged { .. } | Effect::SiteChanged)
        };
        let devices = effects.iter().any(|effect| matches!(effect, Effect::DeviceChanged { .. } | Effect::SiteChanged));
        let nodes = effects.iter().any(|effect| matches!(effect, Effect::NodesChanged));
        let keepers = effects.iter().any(is_about_keepers);
        let site = effects.contains(&Effect::SiteChanged);
        let commands: Vec<CommandId> =
            effects.iter().filter_map(|effect| if let Effect::CommandChanged { id } = effect { Some(*id) } else { None }).collect();
        if site {
            self.drop_undeclared_alarms(effects);
        }
        if nodes {
            self.clear_strays("system/node-lost/", effects);
        }
        if keepers && !self.is_sessionless() {
            self.watch_keepers(effects);
        }
        if devices {
            self.watch_quarantines(effects);
        }
        for command in commands {
            self.watch_outcome(&command, effects);
        }
    }

    /// Clears the alarms of a kind whose subject left the site.
    fn clear_strays(&mut self, path: &str, effects: &mut Vec<Effect>) {
        for alarm in self.alarms.below(path) {
            if !self.is_system_alarm_of_site(&alarm) {
                self.raise_internal(&alarm, false, priority(&alarm), "", effects);
            }
        }
    }

    fn watch_keepers(&mut self, effects: &mut Vec<Effect>) {
        self.clear_strays("system/no-keeper/", effects);
        let segments: Vec<(Name, bool)> =
            self.site.segments.keys().map(|segment| (segment.clone(), self.recorded(segment.as_str()).owner.is_none())).collect();
        for (segment, unkept) in segments {
            if let Some(alarm) = id(NO_KEEPER, segment.as_str()) {
                self.raise_internal(&alarm, unkept, priority(&alarm), &format!("nobody drives {segment}"), effects);
            }
        }
    }

    /// Where nobody looks, nothing can be told: what a segment's alarms were is held until an owner has readings again. Said when the lack of a
    /// keeper is an alarm itself, as a site that is started is without keepers for a moment.
    pub(super) fn distrust_unkept(&mut self, effects: &mut Vec<Effect>) {
        let is_unkept = |segment: &&Name| {
            let lack = id(NO_KEEPER, segment.as_str()).and_then(|alarm| self.alarms.get(&alarm));
            self.recorded(segment.as_str()).owner.is_none() && lack.is_some_and(|alarm| alarm.condition.is_active())
        };
        let unkept: Vec<Name> = self.site.segments.keys().filter(is_unkept).cloned().collect();
        for segment in unkept {
            for alarm in self.alarms_of_tags(&segment) {
                let Some(known) = self.alarm(&alarm).filter(|known| known.quality == Quality::Good) else { continue };
                // Later than any word of an owner whose clock was ahead.
                let at = self.time.max(known.heard.saturating_add(Duration::from_nanos(1)));
                let word = Word::Bad { cause: format!("nobody drives {segment}") };
                // Words are not refused.
                let _ = self.tell(&alarm, Event::Word { at, word }, effects);
            }
        }
    }

    fn watch_quarantines(&mut self, effects: &mut Vec<Effect>) {
        for alarm in self.alarms.below("system/quarantined/") {
            if parts(&alarm).is_none_or(|(_, device)| !self.quarantined.contains_key(device)) {
                self.raise_internal(&alarm, false, priority(&alarm), "", effects);
            }
        }
        let quarantined: Vec<(Name, String)> =
            self.quarantined.iter().map(|(device, held)| (device.clone(), held.reason.clone())).collect();
        for (device, reason) in quarantined {
            if let Some(alarm) = id(QUARANTINED, device.as_str()) {
                self.raise_internal(&alarm, true, priority(&alarm), &reason, effects);
            }
        }
    }

    fn watch_outcome(&mut self, command: &CommandId, effects: &mut Vec<Effect>) {
        let Some(record) = self.commands.get(command).filter(|record| record.state() == CommandState::Unknown) else { return };
        let text = format!("{}: nobody knows whether it was carried out", record.tag);
        if self.alarms.below("system/outcome-unknown/").len() >= OUTCOMES_MAX {
            return;
        }
        if let Some(alarm) = id(OUTCOME_UNKNOWN, &command.to_string()) {
            self.raise_internal(&alarm, true, priority(&alarm), &text, effects);
        }
    }

    pub(super) fn report_system(
        &mut self,
        node: NodeId,
        session: SessionId,
        words: Vec<(AlarmId, bool, String)>,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        self.held_session(node, session)?;
        let name = self.in_words(Some(node));
        if words.len() > SYSTEM_WORDS_MAX {
            return Err(Rejection::new(ErrorCode::BadRequest, format!("{} words, more than {SYSTEM_WORDS_MAX}", words.len())));
        }
        for (alarm, _, text) in &words {
            check_len("the text", text, MESSAGE_LEN_MAX)?;
            if !parts(alarm).is_some_and(|(kind, subject)| OF_NODES.contains(&kind) && subject == name) {
                return Err(Rejection::new(ErrorCode::BadRequest, format!("{name} does not speak about {alarm}")));
            }
        }
        for (alarm, active, text) in words {
            self.raise_internal(&alarm, active, priority(&alarm), &text, effects);
        }
        Ok(Reply::Done)
    }
}
