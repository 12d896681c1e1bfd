//! What is kept of alarms <-> its records.

use super::{alarm_id, byte};
use labkeeper_alarm::{Ack, Alarm, Chatter, Comment, Condition, Episode, OutOfService, Overrides, Quality, Shelf, State, Transition};
use labkeeper_machine::alarms::{Alarms, Flood, FloodArea, Floods, JournalEntry};
use labkeeper_model::site::Priority;
use labkeeper_model::{AlarmId, Timestamp};
use labkeeper_proto::convert::{ConvertError, value_opt};
use labkeeper_proto::v1;
use std::sync::Arc;

pub(in crate::codec) fn state_to_wire(alarms: &Alarms) -> v1::AlarmStateRecord {
    let area = |(name, area): (&String, &FloodArea)| v1::FloodAreaRecord {
        area: name.clone(),
        recent: area.recent.iter().map(|(at, id)| v1::AnnouncedRecord { time_unix_ns: at.0, alarm: id.to_string() }).collect(),
        flood: area.flood.as_ref().map(flood_to_wire),
    };
    v1::AlarmStateRecord {
        alarms: alarms.records().iter().map(|(id, alarm)| alarm_to_wire(id, alarm)).collect(),
        journal: alarms.journal().map(|entry| entry_to_wire(entry)).collect(),
        journal_next: alarms.journal_next(),
        areas: alarms.floods().areas.iter().map(area).collect(),
        floods: alarms.floods().past.iter().map(flood_to_wire).collect(),
    }
}

/// What an earlier format lacks is as it was then: no alarm had ever been raised.
pub(in crate::codec) fn state_from_wire(record: Option<v1::AlarmStateRecord>) -> Result<Alarms, ConvertError> {
    let record = record.unwrap_or_default();
    let area = |record: v1::FloodAreaRecord| {
        let announced = |record: v1::AnnouncedRecord| Ok((Timestamp(record.time_unix_ns), alarm_id("areas.recent.alarm", &record.alarm)?));
        let recent = record.recent.into_iter().map(announced).collect::<Result<_, ConvertError>>()?;
        Ok((record.area, FloodArea { recent, flood: record.flood.map(flood_from_wire).transpose()? }))
    };
    let records = record.alarms.into_iter().map(|record| alarm_from_wire(record).map(|(id, alarm)| (id, Arc::new(alarm))));
    let journal = record.journal.into_iter().map(|record| entry_from_wire(record).map(Arc::new));
    let floods = Floods {
        areas: record.areas.into_iter().map(area).collect::<Result<_, ConvertError>>()?,
        past: record.floods.into_iter().map(flood_from_wire).collect::<Result<_, _>>()?,
    };
    Ok(Alarms::restore(records.collect::<Result<_, _>>()?, journal.collect::<Result<_, _>>()?, record.journal_next, floods))
}

fn alarm_to_wire(id: &AlarmId, alarm: &Alarm) -> v1::AlarmRecord {
    let (condition, condition_since, severity) = condition_to_wire(alarm.condition);
    let (acked_at, acked_by) = match &alarm.ack {
        Ack::Unacked => (None, ""),
        Ack::Acked { at, by } => (Some(at.0), by.as_str()),
    };
    let (bad_cause, bad_since) = match &alarm.quality {
        Quality::Good => ("", None),
        Quality::Bad { cause, since } => (cause.as_str(), Some(since.0)),
    };
    v1::AlarmRecord {
        alarm: id.to_string(),
        condition: condition.into(),
        condition_since_unix_ns: condition_since.map(|since| since.0),
        condition_severity: severity.into(),
        acked_unix_ns: acked_at,
        acked_by: acked_by.to_owned(),
        latched: alarm.latched,
        out_of_service: alarm.overrides.out_of_service.as_ref().map(out_of_service_to_wire),
        suppressed: alarm.overrides.rule,
        takeover_until_unix_ns: alarm.overrides.takeover_until.map(|until| until.0),
        shelf: alarm.overrides.shelf.as_ref().map(shelf_to_wire),
        proposal: alarm.overrides.proposal.as_ref().map(out_of_service_to_wire),
        occurrence: alarm.occurrence,
        raised_unix_ns: alarm.raised.0,
        max_severity: alarm.max_severity.into(),
        bad_cause: bad_cause.to_owned(),
        bad_since_unix_ns: bad_since,
        priority: priority_to_wire(alarm.priority),
        value: alarm.value.as_ref().map(Into::into),
        text: alarm.text.clone(),
        comments: alarm.comments.iter().map(comment_to_wire).collect(),
        cycles_unix_ns: alarm.chatter.recent.iter().map(|ended| ended.0).collect(),
        episode: alarm.chatter.episode.as_ref().map(episode_to_wire),
        cycles_total: alarm.chatter.total,
        fleeting_total: alarm.chatter.fleeting,
        since_unix_ns: alarm.since.0,
        due_unix_ns: alarm.due.map(|due| due.0),
        heard_unix_ns: alarm.heard.0,
    }
}

fn alarm_from_wire(record: v1::AlarmRecord) -> Result<(AlarmId, Alarm), ConvertError> {
    let bad = record.bad_since_unix_ns.map(Timestamp);
    let alarm = Alarm {
        condition: condition_from_wire(record.condition, record.condition_since_unix_ns, record.condition_severity)?,
        ack: record.acked_unix_ns.map_or(Ack::Unacked, |at| Ack::Acked { at: Timestamp(at), by: record.acked_by }),
        latched: record.latched,
        overrides: Overrides {
            out_of_service: record.out_of_service.map(out_of_service_from_wire),
            rule: record.suppressed,
            takeover_until: record.takeover_until_unix_ns.map(Timestamp),
            shelf: record.shelf.map(shelf_from_wire),
            proposal: record.proposal.map(out_of_service_from_wire),
        },
        occurrence: record.occurrence,
        raised: Timestamp(record.raised_unix_ns),
        max_severity: byte("alarms.max_severity", record.max_severity)?,
        quality: bad.map_or(Quality::Good, |since| Quality::Bad { cause: record.bad_cause, since }),
        priority: priority_from_wire(record.priority)?,
        value: value_opt(record.value)?,
        text: record.text,
        comments: record.comments.into_iter().map(comment_from_wire).collect(),
        chatter: Chatter {
            recent: record.cycles_unix_ns.into_iter().map(Timestamp).collect(),
            episode: record.episode.map(episode_from_wire).transpose()?,
            total: record.cycles_total,
            fleeting: record.fleeting_total,
        },
        since: Timestamp(record.since_unix_ns),
        due: record.due_unix_ns.map(Timestamp),
        heard: Timestamp(record.heard_unix_ns),
    };
    Ok((alarm_id("alarms.alarm", &record.alarm)?, alarm))
}

fn condition_to_wire(condition: Condition) -> (v1::AlarmCondition, Option<Timestamp>, u8) {
    match condition {
        Condition::Normal => (v1::AlarmCondition::Normal, None, 0),
        Condition::OnDelay { since, severity } => (v1::AlarmCondition::OnDelay, Some(since), severity),
        Condition::Active { since, severity } => (v1::AlarmCondition::Active, Some(since), severity),
        Condition::OffDelay { since, severity } => (v1::AlarmCondition::OffDelay, Some(since), severity),
    }
}

fn condition_from_wire(condition: i32, since: Option<i64>, severity: u32) -> Result<Condition, ConvertError> {
    let known = v1::AlarmCondition::try_from(condition);
    let condition = known.map_err(|_| ConvertError::new("alarms.condition", format!("{condition} is none that this version knows")))?;
    let (since, severity) = (Timestamp(since.unwrap_or_default()), byte("alarms.condition_severity", severity)?);
    Ok(match condition {
        v1::AlarmCondition::Normal => Condition::Normal,
        v1::AlarmCondition::OnDelay => Condition::OnDelay { since, severity },
        v1::AlarmCondition::Active => Condition::Active { since, severity },
        v1::AlarmCondition::OffDelay => Condition::OffDelay { since, severity },
    })
}

fn out_of_service_to_wire(out: &OutOfService) -> v1::OutOfServiceRecord {
    v1::OutOfServiceRecord { since_unix_ns: out.since.0, by: out.by.clone(), reason: out.reason.clone() }
}

fn out_of_service_from_wire(record: v1::OutOfServiceRecord) -> OutOfService {
    OutOfService { since: Timestamp(record.since_unix_ns), by: record.by, reason: record.reason }
}

fn shelf_to_wire(shelf: &Shelf) -> v1::ShelfRecord {
    v1::ShelfRecord { until_unix_ns: shelf.until.0, one_shot: shelf.one_shot, by: shelf.by.clone(), reason: shelf.reason.clone() }
}

fn shelf_from_wire(record: v1::ShelfRecord) -> Shelf {
    Shelf { until: Timestamp(record.until_unix_ns), one_shot: record.one_shot, by: record.by, reason: record.reason }
}

fn comment_to_wire(comment: &Comment) -> v1::AlarmCommentRecord {
    let (by, text) = (comment.by.clone(), comment.text.clone());
    v1::AlarmCommentRecord { time_unix_ns: comment.time.0, occurrence: comment.occurrence, by, text }
}

fn comment_from_wire(record: v1::AlarmCommentRecord) -> Comment {
    Comment { time: Timestamp(record.time_unix_ns), occurrence: record.occurrence, by: record.by, text: record.text }
}

fn episode_to_wire(episode: &Episode) -> v1::ChatterEpisodeRecord {
    v1::ChatterEpisodeRecord {
        began_unix_ns: episode.began.0,
        last_unix_ns: episode.last.0,
        cycles: episode.cycles,
        rows: episode.rows,
        active: episode.active,
        severity: episode.severity.into(),
    }
}

fn episode_from_wire(record: v1::ChatterEpisodeRecord) -> Result<Episode, ConvertError> {
    Ok(Episode {
        began: Timestamp(record.began_unix_ns),
        last: Timestamp(record.last_unix_ns),
        cycles: record.cycles,
        rows: record.rows,
        active: record.active,
        severity: byte("alarms.episode.severity", record.severity)?,
    })
}

fn entry_to_wire(entry: &JournalEntry) -> v1::AlarmJournalRecord {
    v1::AlarmJournalRecord {
        number: entry.number,
        log_index: entry.log_index,
        time_unix_ns: entry.time.0,
        alarm: entry.alarm.to_string(),
        occurrence: entry.occurrence,
        transition: entry.transition.as_str().to_owned(),
        state: entry.state.as_str().to_owned(),
        priority: priority_to_wire(entry.priority),
        severity: entry.severity.into(),
        value: entry.value.as_ref().map(Into::into),
        announced: entry.announced,
        actor: entry.actor.clone(),
        text: entry.text.clone(),
    }
}

fn entry_from_wire(record: v1::AlarmJournalRecord) -> Result<JournalEntry, ConvertError> {
    let unknown = |field: &str, word: &str| ConvertError::new(field, format!("{word:?} is none that this version knows"));
    Ok(JournalEntry {
        number: record.number,
        log_index: record.log_index,
        time: Timestamp(record.time_unix_ns),
        alarm: alarm_id("journal.alarm", &record.alarm)?,
        occurrence: record.occurrence,
        transition: Transition::parse(&record.transition).ok_or_else(|| unknown("journal.transition", &record.transition))?,
        state: State::parse(&record.state).ok_or_else(|| unknown("journal.state", &record.state))?,
        priority: priority_from_wire(record.priority)?,
        severity: byte("journal.severity", record.severity)?,
        value: value_opt(record.value)?,
        announced: record.announced,
        actor: record.actor,
        text: record.text,
    })
}

fn flood_to_wire(flood: &Flood) -> v1::FloodRecord {
    v1::FloodRecord {
        area: flood.area.clone(),
        began_unix_ns: flood.began.0,
        ended_unix_ns: flood.ended.map(|ended| ended.0),
        first_out: flood.first_out.to_string(),
        alarms: flood.alarms,
    }
}

fn flood_from_wire(record: v1::FloodRecord) -> Result<Flood, ConvertError> {
    Ok(Flood {
        area: record.area,
        began: Timestamp(record.began_unix_ns),
        ended: record.ended_unix_ns.map(Timestamp),
        first_out: alarm_id("floods.first_out", &record.first_out)?,
        alarms: record.alarms,
    })
}

/// Its place in the list, which only grows at its end.
pub(in crate::codec) fn priority_to_wire(priority: Priority) -> u32 {
    (0..).zip(Priority::ALL).find(|(_, row)| row.0 == priority).map_or(0, |(place, _)| place)
}

pub(in crate::codec) fn priority_from_wire(place: u32) -> Result<Priority, ConvertError> {
    let row = (0..).zip(Priority::ALL).find(|(at, _)| *at == place);
    row.map(|(_, row)| row.0).ok_or_else(|| ConvertError::new("priority", format!("{place} is none that this version knows")))
}
