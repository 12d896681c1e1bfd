//! Commands and state about what somebody is told, as the log and snapshots hold them.

use super::alarms::{alarm_id, priority_from_wire, priority_to_wire};
use labkeeper_machine::notices::{NoticeCommand, Outbox, Pending, RouteRecord};
use labkeeper_model::{Name, Timestamp};
use labkeeper_proto::convert::{ConvertError, required};
use labkeeper_proto::v1;
use labkeeper_proto::v1::notice_command_record::Kind;

pub(super) fn command_to_wire(command: &NoticeCommand) -> v1::NoticeCommandRecord {
    let kind = match command {
        NoticeCommand::Sent { numbers } => Kind::Sent(v1::NoticesSent { numbers: numbers.clone() }),
        NoticeCommand::Failed { number, attempt, why } => {
            Kind::Failed(v1::NoticeFailed { number: *number, attempt: *attempt, why: why.clone() })
        }
        NoticeCommand::Test { route, actor, reason } => {
            Kind::Test(v1::TestNoticeRoute { route: route.to_string(), actor: actor.clone(), reason: reason.clone() })
        }
    };
    v1::NoticeCommandRecord { kind: Some(kind) }
}

pub(super) fn command_from_wire(record: v1::NoticeCommandRecord) -> Result<NoticeCommand, ConvertError> {
    Ok(match required("notice.kind", record.kind)? {
        Kind::Sent(sent) => NoticeCommand::Sent { numbers: sent.numbers },
        Kind::Failed(failed) => NoticeCommand::Failed { number: failed.number, attempt: failed.attempt, why: failed.why },
        Kind::Test(test) => NoticeCommand::Test { route: name("notice.test.route", &test.route)?, actor: test.actor, reason: test.reason },
    })
}

pub(super) fn state_to_wire(state: &Outbox) -> v1::NoticeStateRecord {
    v1::NoticeStateRecord {
        pending: state.pending().values().map(|pending| pending_to_wire(pending)).collect(),
        last_number: state.last(),
        given_up: state.given_up().iter().map(|pending| pending_to_wire(pending)).collect(),
        routes: state.routes().iter().map(route_to_wire).collect(),
    }
}

pub(super) fn state_from_wire(record: Option<v1::NoticeStateRecord>) -> Result<Outbox, ConvertError> {
    let record = record.unwrap_or_default();
    let all = |notices: Vec<v1::NoticeRecord>| notices.into_iter().map(pending_from_wire).collect::<Result<Vec<_>, _>>();
    let routes = record.routes.into_iter().map(route_from_wire).collect::<Result<_, _>>()?;
    Ok(Outbox::restore(all(record.pending)?, record.last_number, all(record.given_up)?, routes))
}

fn pending_to_wire(pending: &Pending) -> v1::NoticeRecord {
    v1::NoticeRecord {
        number: pending.number,
        route: pending.route.to_string(),
        alarm: pending.alarm.to_string(),
        occurrence: pending.occurrence,
        transition: pending.transition.clone(),
        state: pending.state.clone(),
        priority: priority_to_wire(pending.priority),
        segment: pending.segment.as_ref().map_or_else(String::new, ToString::to_string),
        text: pending.text.clone(),
        log_index: pending.log_index,
        at_unix_ns: pending.at.0,
        attempts: pending.attempts,
        next_unix_ns: pending.next.0,
        why: pending.why.clone(),
    }
}

fn pending_from_wire(record: v1::NoticeRecord) -> Result<Pending, ConvertError> {
    Ok(Pending {
        number: record.number,
        route: name("notices.route", &record.route)?,
        alarm: alarm_id("notices.alarm", &record.alarm)?,
        occurrence: record.occurrence,
        transition: record.transition,
        state: record.state,
        priority: priority_from_wire(record.priority)?,
        segment: (!record.segment.is_empty()).then(|| name("notices.segment", &record.segment)).transpose()?,
        text: record.text,
        log_index: record.log_index,
        at: Timestamp(record.at_unix_ns),
        attempts: record.attempts,
        next: Timestamp(record.next_unix_ns),
        why: record.why,
    })
}

fn route_to_wire((route, record): (&Name, &RouteRecord)) -> v1::NoticeRouteRecord {
    v1::NoticeRouteRecord {
        route: route.to_string(),
        told: record.told,
        told_at_unix_ns: record.told_at.map(|at| at.0),
        given_up: record.given_up,
        failing: record.failing.clone(),
    }
}

fn route_from_wire(record: v1::NoticeRouteRecord) -> Result<(Name, RouteRecord), ConvertError> {
    let told_at = record.told_at_unix_ns.map(Timestamp);
    Ok((
        name("notices.routes.route", &record.route)?,
        RouteRecord { told: record.told, told_at, given_up: record.given_up, failing: record.failing },
    ))
}

fn name(field: &str, text: &str) -> Result<Name, ConvertError> {
    Name::new(text).map_err(|error| ConvertError::new(field, error.to_string()))
}
