//! Alarms in the words of `proto/`.

use labkeeper_alarm::{Ack, Alarm, OutOfService, Quality};
use labkeeper_machine::{Flood, JournalEntry, Machine};
use labkeeper_model::AlarmId;
use labkeeper_model::site::{Guidance, Priority};
use labkeeper_proto::v1;
use std::cmp::Reverse;

/// An alarm as it is; `None` if there is no such alarm.
pub(super) fn status(machine: &Machine, id: &AlarmId) -> Option<v1::AlarmStatus> {
    machine.alarm(id).map(|alarm| status_of(machine, id, &alarm))
}

pub(super) fn status_of(machine: &Machine, id: &AlarmId, alarm: &Alarm) -> v1::AlarmStatus {
    let declared = machine.declared_alarm(id);
    let guidance = declared.as_ref().map(|declared| declared.spec.guidance.clone()).unwrap_or_default();
    let Guidance { action, consequence, response_time, link } = guidance;
    let (acknowledged_unix_ns, acknowledged_by) = match &alarm.ack {
        Ack::Acked { at, by } if !by.is_empty() => (Some(at.0), by.clone()),
        _ => (None, String::new()),
    };
    let state = alarm.state();
    v1::AlarmStatus {
        alarm: id.to_string(),
        state: state.as_str().to_owned(),
        letter: state.letter().to_owned(),
        priority: alarm.priority.as_str().to_owned(),
        occurrence: alarm.occurrence,
        active: alarm.condition.is_active(),
        acknowledged: alarm.ack != Ack::Unacked,
        acknowledged_unix_ns,
        acknowledged_by,
        latched: alarm.latched,
        severity: alarm.max_severity.into(),
        raised_unix_ns: (alarm.occurrence > 0).then_some(alarm.raised.0),
        since_unix_ns: alarm.since.0,
        value: alarm.value.as_ref().map(Into::into),
        unit: declared.map(|declared| declared.tag.unit.clone()).unwrap_or_default(),
        bad_quality: if let Quality::Bad { cause, .. } = &alarm.quality { cause.clone() } else { String::new() },
        text: alarm.text.clone(),
        suppressed: alarm.overrides.is_suppressed(),
        shelf: alarm.overrides.shelf.as_ref().map(|shelf| v1::AlarmShelf {
            until_unix_ns: shelf.until.0,
            one_shot: shelf.one_shot,
            by: shelf.by.clone(),
            reason: shelf.reason.clone(),
        }),
        out_of_service: alarm.overrides.out_of_service.as_ref().map(out_of_service),
        out_of_service_asked: alarm.overrides.proposal.as_ref().map(out_of_service),
        chattering: alarm.chatter.episode.is_some(),
        cycles_total: alarm.chatter.total,
        fleeting_total: alarm.chatter.fleeting,
        comments: alarm.comments.iter().map(comment).collect(),
        action,
        consequence,
        response_time_ms: response_time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        link,
    }
}

fn out_of_service(out: &OutOfService) -> v1::AlarmOutOfService {
    v1::AlarmOutOfService { since_unix_ns: out.since.0, by: out.by.clone(), reason: out.reason.clone() }
}

fn comment(comment: &labkeeper_alarm::Comment) -> v1::AlarmComment {
    let (by, text) = (comment.by.clone(), comment.text.clone());
    v1::AlarmComment { time_unix_ns: comment.time.0, occurrence: comment.occurrence, by, text }
}

/// Where it stands in a list: what is shown before what is overridden, the unseen first, the more urgent first, what came first first.
pub(super) fn urgency(status: &v1::AlarmStatus) -> (bool, bool, usize, Reverse<bool>, i64, String) {
    let overridden = matches!(status.letter.as_str(), "E" | "F" | "G");
    let priority = Priority::ALL.iter().position(|row| row.1 == status.priority).unwrap_or(usize::MAX);
    let raised = status.raised_unix_ns.unwrap_or(i64::MAX);
    (overridden, status.acknowledged, priority, Reverse(status.active), raised, status.alarm.clone())
}

pub(super) fn floods(machine: &Machine) -> Vec<v1::FloodStatus> {
    let flood = |flood: &Flood| v1::FloodStatus {
        area: flood.area.clone(),
        began_unix_ns: flood.began.0,
        ended_unix_ns: flood.ended.map(|ended| ended.0),
        first_out: flood.first_out.to_string(),
        alarms: flood.alarms,
    };
    machine.floods().map(flood).collect()
}

pub(super) fn entry(entry: &JournalEntry) -> v1::AlarmJournalEntry {
    v1::AlarmJournalEntry {
        number: entry.number,
        log_index: entry.log_index,
        time_unix_ns: entry.time.0,
        alarm: entry.alarm.to_string(),
        occurrence: entry.occurrence,
        transition: entry.transition.as_str().to_owned(),
        state: entry.state.as_str().to_owned(),
        priority: entry.priority.as_str().to_owned(),
        severity: entry.severity.into(),
        value: entry.value.as_ref().map(Into::into),
        announced: entry.announced,
        actor: entry.actor.clone(),
        text: entry.text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(alarm: &str, letter: &str, priority: &str, acknowledged: bool, raised: i64) -> v1::AlarmStatus {
        let (letter, priority) = (letter.to_owned(), priority.to_owned());
        v1::AlarmStatus {
            alarm: alarm.into(),
            letter,
            priority,
            acknowledged,
            raised_unix_ns: Some(raised),
            active: true,
            ..Default::default()
        }
    }

    #[test]
    fn the_unseen_the_urgent_and_the_first_come_first() {
        let mut alarms = [
            status("shelved", "E", "critical", false, 1),
            status("seen", "C", "critical", true, 2),
            status("low", "B", "low", false, 3),
            status("second", "B", "high", false, 5),
            status("first", "B", "high", false, 4),
        ];
        alarms.sort_by_cached_key(urgency);
        assert_eq!(alarms.each_ref().map(|alarm| alarm.alarm.as_str()), ["first", "second", "low", "seen", "shelved"]);
    }
}
