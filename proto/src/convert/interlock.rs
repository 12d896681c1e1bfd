//! The declarations of groups, conditions, interlocks, and of who is told about alarms.

use super::alarm::priority;
use super::site::millis;
use super::{ConvertError, name, tag_path};
use crate::v1;
use labkeeper_model::Name;
use labkeeper_model::site::{ConditionSpec, InterlockSpec, MailSpec, RouteSpec, Stage};
use std::time::Duration;

pub(super) fn group_to_wire(devices: &[Name]) -> v1::Group {
    v1::Group { devices: devices.iter().map(ToString::to_string).collect() }
}

pub(super) fn names(field: &str, texts: &[String]) -> Result<Vec<Name>, ConvertError> {
    texts.iter().map(|text| name(field, text)).collect()
}

impl From<&ConditionSpec> for v1::Condition {
    fn from(condition: &ConditionSpec) -> Self {
        Self { description: condition.description.clone(), expr: condition.expr.clone() }
    }
}

impl TryFrom<v1::Condition> for ConditionSpec {
    type Error = ConvertError;
    fn try_from(condition: v1::Condition) -> Result<Self, ConvertError> {
        Ok(Self { description: condition.description, expr: condition.expr })
    }
}

impl From<&InterlockSpec> for v1::Interlock {
    fn from(interlock: &InterlockSpec) -> Self {
        Self {
            description: interlock.description.clone(),
            stage: interlock.stage.as_str().to_owned(),
            require: interlock.require.clone(),
            tags: interlock.tags.iter().map(ToString::to_string).collect(),
            max_age_ms: millis(interlock.max_age),
            priority: interlock.priority.as_str().to_owned(),
        }
    }
}

impl TryFrom<v1::Interlock> for InterlockSpec {
    type Error = ConvertError;
    fn try_from(interlock: v1::Interlock) -> Result<Self, ConvertError> {
        let stage = Stage::ALL.iter().find(|(_, word)| *word == interlock.stage).map(|(stage, _)| *stage);
        let unknown = || ConvertError::new("stage", format!("{:?} is none of permit, interlock, protect", interlock.stage));
        Ok(Self {
            stage: stage.ok_or_else(unknown)?,
            description: interlock.description,
            require: interlock.require,
            tags: interlock.tags.iter().map(|tag| tag_path("tags", tag)).collect::<Result<_, _>>()?,
            max_age: Duration::from_millis(interlock.max_age_ms),
            priority: priority("priority", &interlock.priority)?,
        })
    }
}

impl From<&RouteSpec> for v1::Route {
    fn from(route: &RouteSpec) -> Self {
        let hours = |(from, until): (u16, u16)| v1::Hours { from_min: from.into(), until_min: until.into() };
        Self {
            webhook: route.webhook.clone().unwrap_or_default(),
            email: route.email.clone(),
            min_priority: route.min_priority.as_str().to_owned(),
            segments: route.segments.iter().map(ToString::to_string).collect(),
            hours: route.hours.map(hours),
        }
    }
}

impl TryFrom<v1::Route> for RouteSpec {
    type Error = ConvertError;
    fn try_from(route: v1::Route) -> Result<Self, ConvertError> {
        let minute = |minute: u32| u16::try_from(minute).map_err(|_| ConvertError::new("hours", format!("{minute} is no minute of a day")));
        Ok(Self {
            webhook: (!route.webhook.is_empty()).then_some(route.webhook),
            email: route.email,
            min_priority: priority("min_priority", &route.min_priority)?,
            segments: names("segments", &route.segments)?,
            hours: route.hours.map(|hours| Ok::<_, ConvertError>((minute(hours.from_min)?, minute(hours.until_min)?))).transpose()?,
        })
    }
}

impl From<&MailSpec> for v1::Mail {
    fn from(mail: &MailSpec) -> Self {
        Self { server: mail.server.clone(), from: mail.from.clone(), tls: mail.tls, user: mail.user.clone().unwrap_or_default() }
    }
}

impl From<v1::Mail> for MailSpec {
    fn from(mail: v1::Mail) -> Self {
        Self { server: mail.server, from: mail.from, tls: mail.tls, user: (!mail.user.is_empty()).then_some(mail.user) }
    }
}
