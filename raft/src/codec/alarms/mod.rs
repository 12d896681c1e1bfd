//! Commands and state about alarms, as the log and snapshots hold them: the commands here, what is kept in `state`.

mod state;

pub(super) use state::{priority_from_wire, priority_to_wire, state_from_wire, state_to_wire};

use labkeeper_alarm::Word;
use labkeeper_machine::alarms::{AlarmCommand, ConditionWord};
use labkeeper_model::{AlarmId, Timestamp};
use labkeeper_proto::convert::{ConvertError, required, value_opt};
use labkeeper_proto::v1;
use labkeeper_proto::v1::alarm_command_record::Kind;
use labkeeper_proto::v1::condition_word_record::Word as Wire;

pub(super) fn command_to_wire(command: &AlarmCommand) -> v1::AlarmCommandRecord {
    let deed = |alarm: &AlarmId, actor: &str, reason: &str| v1::AlarmDeed {
        alarm: alarm.to_string(),
        actor: actor.to_owned(),
        reason: reason.to_owned(),
    };
    let kind = match command {
        AlarmCommand::Report { node, segment, epoch, words } => Kind::Report(v1::ReportConditions {
            node_id: *node,
            segment: segment.clone(),
            epoch: *epoch,
            words: words.iter().map(word_to_wire).collect(),
        }),
        AlarmCommand::ReportSystem { node, session, words } => {
            let word = |(alarm, active, text): &(AlarmId, bool, String)| v1::SystemWord {
                alarm: alarm.to_string(),
                active: *active,
                text: text.clone(),
            };
            Kind::ReportSystem(v1::ReportSystem { node_id: *node, session_id: *session, words: words.iter().map(word).collect() })
        }
        AlarmCommand::Acknowledge { alarm, occurrence, actor, comment } => Kind::Acknowledge(v1::AcknowledgeAlarm {
            alarm: alarm.to_string(),
            occurrence: *occurrence,
            actor: actor.clone(),
            comment: comment.clone(),
        }),
        AlarmCommand::Shelve { alarm, until, actor, reason } => Kind::Shelve(v1::ShelveAlarm {
            alarm: alarm.to_string(),
            until_unix_ns: until.map(|until| until.0),
            actor: actor.clone(),
            reason: reason.clone(),
        }),
        AlarmCommand::Unshelve { alarm, actor, reason } => Kind::Unshelve(deed(alarm, actor, reason)),
        AlarmCommand::OutOfService { alarm, actor, reason } => Kind::OutOfService(deed(alarm, actor, reason)),
        AlarmCommand::ReturnToService { alarm, actor, reason } => Kind::ReturnToService(deed(alarm, actor, reason)),
        AlarmCommand::Reset { alarm, actor, reason } => Kind::Reset(deed(alarm, actor, reason)),
        AlarmCommand::Comment { alarm, actor, text } => Kind::Comment(deed(alarm, actor, text)),
    };
    v1::AlarmCommandRecord { kind: Some(kind) }
}

pub(super) fn command_from_wire(record: v1::AlarmCommandRecord) -> Result<AlarmCommand, ConvertError> {
    let deed = |deed: v1::AlarmDeed| Ok::<_, ConvertError>((alarm_id("alarm.deed.alarm", &deed.alarm)?, deed.actor, deed.reason));
    Ok(match required("alarm.kind", record.kind)? {
        Kind::Report(report) => AlarmCommand::Report {
            node: report.node_id,
            segment: report.segment,
            epoch: report.epoch,
            words: report.words.into_iter().map(word_from_wire).collect::<Result<_, _>>()?,
        },
        Kind::ReportSystem(report) => {
            let word = |word: v1::SystemWord| Ok((alarm_id("report_system.words.alarm", &word.alarm)?, word.active, word.text));
            let words = report.words.into_iter().map(word).collect::<Result<_, ConvertError>>()?;
            AlarmCommand::ReportSystem { node: report.node_id, session: report.session_id, words }
        }
        Kind::Acknowledge(v1::AcknowledgeAlarm { alarm, occurrence, actor, comment }) => {
            AlarmCommand::Acknowledge { alarm: alarm_id("acknowledge.alarm", &alarm)?, occurrence, actor, comment }
        }
        Kind::Shelve(v1::ShelveAlarm { alarm, until_unix_ns, actor, reason }) => {
            AlarmCommand::Shelve { alarm: alarm_id("shelve.alarm", &alarm)?, until: until_unix_ns.map(Timestamp), actor, reason }
        }
        Kind::Unshelve(record) => deed(record).map(|(alarm, actor, reason)| AlarmCommand::Unshelve { alarm, actor, reason })?,
        Kind::OutOfService(record) => deed(record).map(|(alarm, actor, reason)| AlarmCommand::OutOfService { alarm, actor, reason })?,
        Kind::ReturnToService(record) => {
            deed(record).map(|(alarm, actor, reason)| AlarmCommand::ReturnToService { alarm, actor, reason })?
        }
        Kind::Reset(record) => deed(record).map(|(alarm, actor, reason)| AlarmCommand::Reset { alarm, actor, reason })?,
        Kind::Comment(record) => deed(record).map(|(alarm, actor, text)| AlarmCommand::Comment { alarm, actor, text })?,
    })
}

fn word_to_wire(told: &ConditionWord) -> v1::ConditionWordRecord {
    let word = match &told.word {
        Word::Active { severity, value } => {
            Wire::Active(v1::ActiveWord { severity: (*severity).into(), value: value.as_ref().map(Into::into) })
        }
        Word::Clear { value } => Wire::Clear(v1::ClearWord { value: value.as_ref().map(Into::into) }),
        Word::Bad { cause } => Wire::Bad(cause.clone()),
        Word::Good => Wire::Good(true),
        Word::Suppressed(suppressed) => Wire::Suppressed(*suppressed),
        Word::Chattering { cycles, active, severity, value } => Wire::Chattering(v1::ChatteringWord {
            cycles: *cycles,
            active: *active,
            severity: (*severity).into(),
            value: value.as_ref().map(Into::into),
        }),
    };
    v1::ConditionWordRecord { alarm: told.alarm.to_string(), at_unix_ns: told.at.0, word: Some(word) }
}

fn word_from_wire(record: v1::ConditionWordRecord) -> Result<ConditionWord, ConvertError> {
    let word = match required("words.word", record.word)? {
        Wire::Active(word) => Word::Active { severity: byte("words.severity", word.severity)?, value: value_opt(word.value)? },
        Wire::Clear(word) => Word::Clear { value: value_opt(word.value)? },
        Wire::Bad(cause) => Word::Bad { cause },
        Wire::Good(_) => Word::Good,
        Wire::Suppressed(suppressed) => Word::Suppressed(suppressed),
        Wire::Chattering(word) => Word::Chattering {
            cycles: word.cycles,
            active: word.active,
            severity: byte("words.severity", word.severity)?,
            value: value_opt(word.value)?,
        },
    };
    Ok(ConditionWord { alarm: alarm_id("words.alarm", &record.alarm)?, at: Timestamp(record.at_unix_ns), word })
}

pub(super) fn alarm_id(field: &str, text: &str) -> Result<AlarmId, ConvertError> {
    AlarmId::parse(text).ok_or_else(|| ConvertError::new(field, format!("{text:?} is no alarm")))
}

fn byte(field: &str, number: u32) -> Result<u8, ConvertError> {
    u8::try_from(number).map_err(|_| ConvertError::new(field, format!("{number} is more than 255")))
}
