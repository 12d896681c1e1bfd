//! Alarms for clients: what needs attention and the journal, from this node's state; deeds of people, through the log.
//!
//! Nothing is decided here. A deed may be sent again after a doubt: it has an id, and is done once.

mod silence;
mod watch;
mod wire;

pub use watch::watch;

use super::commit::{commit_and_see, once};
use crate::clock;
use crate::error::ApiError;
use labkeeper_machine::{AlarmCommand, Command, Machine};
use labkeeper_model::{AlarmId, ErrorCode, Timestamp};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use std::collections::BTreeSet;

/// Most entries of the journal in one answer: with 1.2 KB each at most, some 1 MB.
const JOURNAL_LIST_MAX: usize = 1_000;
/// Entries in an answer where a client names no number.
const JOURNAL_LIST_DEFAULT: usize = 100;

/// The alarms that have something to say, or all.
///
/// # Errors
/// One that is asked for is no alarm of the site.
pub fn list(cluster: &Cluster, request: &v1::ListAlarmsRequest) -> Result<v1::ListAlarmsResponse, ApiError> {
    let wanted = request.alarms.iter().map(|text| parse(text)).collect::<Result<BTreeSet<AlarmId>, _>>()?;
    cluster.read(|machine| {
        if let Some(unknown) = wanted.iter().find(|id| machine.alarm(id).is_none()) {
            return Err(unknown_alarm(unknown.as_str()));
        }
        let mut alarms = if wanted.is_empty() {
            statuses(machine, request.all)
        } else {
            wanted.iter().filter_map(|id| wire::status(machine, id)).collect()
        };
        let silence = silence::status(machine, clock::now());
        silence::add_to(&mut alarms, silence.filter(|alarm| wanted.is_empty() || wanted.iter().any(|id| id.as_str() == alarm.alarm)));
        alarms.sort_by_cached_key(wire::urgency);
        Ok(v1::ListAlarmsResponse { alarms, floods: wire::floods(machine), log_index: machine.applied() })
    })
}

/// Those that have something to say, or all that there are, by identity.
fn statuses(machine: &Machine, all: bool) -> Vec<v1::AlarmStatus> {
    if all {
        return machine.alarms().iter().map(|(id, alarm)| wire::status_of(machine, id, alarm)).collect();
    }
    let speaking = machine.alarm_records().filter(|(_, alarm)| !alarm.is_at_rest());
    speaking.map(|(id, alarm)| wire::status_of(machine, id, alarm)).collect()
}

/// The journal, newest first.
#[must_use]
pub fn journal(cluster: &Cluster, request: &v1::ListAlarmJournalRequest) -> v1::ListAlarmJournalResponse {
    let limit = if request.limit == 0 { JOURNAL_LIST_DEFAULT } else { (request.limit as usize).min(JOURNAL_LIST_MAX) };
    let before = if request.before == 0 { u64::MAX } else { request.before };
    cluster.read(|machine| {
        let newest_first = machine.alarm_journal().rev().filter(|entry| entry.number < before);
        let wanted = newest_first.filter(|entry| request.alarm.is_empty() || entry.alarm.as_str() == request.alarm);
        v1::ListAlarmJournalResponse { entries: wanted.take(limit).map(|entry| wire::entry(entry)).collect() }
    })
}

/// Acknowledges an occurrence.
///
/// # Errors
/// No such alarm, another occurrence, a comment is needed, or no majority confirmed it in time.
pub async fn acknowledge(cluster: &Cluster, request: v1::AcknowledgeAlarmRequest) -> Result<v1::AlarmDeedResponse, ApiError> {
    let v1::AcknowledgeAlarmRequest { alarm, occurrence, actor, comment, id } = request;
    let alarm = parse(&alarm)?;
    deed(cluster, &id, &alarm.clone(), AlarmCommand::Acknowledge { alarm, occurrence, actor, comment }).await
}

/// Shelves an alarm.
///
/// # Errors
/// No such alarm, its class or state does not allow it, the time is too long, no reason, or no majority confirmed it in time.
pub async fn shelve(cluster: &Cluster, request: v1::ShelveAlarmRequest) -> Result<v1::AlarmDeedResponse, ApiError> {
    let v1::ShelveAlarmRequest { alarm, until_unix_ns, actor, reason, id } = request;
    let (alarm, until) = (parse(&alarm)?, until_unix_ns.map(Timestamp));
    deed(cluster, &id, &alarm.clone(), AlarmCommand::Shelve { alarm, until, actor, reason }).await
}

/// What is done about an alarm and needs no more than a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// Taken from the shelf.
    Unshelve,
    /// Taken out of service.
    OutOfService,
    /// Returned to service.
    ReturnToService,
    /// A latch is reset.
    Reset,
    /// A remark.
    Comment,
}

/// Does something about an alarm.
///
/// # Errors
/// No such alarm, it is not to be done as it is, or no majority confirmed it in time.
pub async fn plain(cluster: &Cluster, what: Plain, request: v1::AlarmDeedRequest) -> Result<v1::AlarmDeedResponse, ApiError> {
    let v1::AlarmDeedRequest { alarm, actor, reason, id } = request;
    let alarm = parse(&alarm)?;
    let about = alarm.clone();
    let command = match what {
        Plain::Unshelve => AlarmCommand::Unshelve { alarm, actor, reason },
        Plain::OutOfService => AlarmCommand::OutOfService { alarm, actor, reason },
        Plain::ReturnToService => AlarmCommand::ReturnToService { alarm, actor, reason },
        Plain::Reset => AlarmCommand::Reset { alarm, actor, reason },
        Plain::Comment => AlarmCommand::Comment { alarm, actor, text: reason },
    };
    deed(cluster, &id, &about, command).await
}

async fn deed(cluster: &Cluster, id: &str, alarm: &AlarmId, command: AlarmCommand) -> Result<v1::AlarmDeedResponse, ApiError> {
    let log_index = commit_and_see(cluster, once(id, Command::Alarm(command))?).await?;
    Ok(v1::AlarmDeedResponse { alarm: cluster.read(|machine| wire::status(machine, alarm)), log_index })
}

fn parse(text: &str) -> Result<AlarmId, ApiError> {
    AlarmId::parse(text).ok_or_else(|| unknown_alarm(text))
}

fn unknown_alarm(text: &str) -> ApiError {
    let text: String = text.chars().take(AlarmId::LEN_MAX).collect();
    ApiError::new(ErrorCode::UnknownAlarm, format!("the site has no alarm {text:?}"))
}
