//! The difference between what two declarations say about groups, conditions, interlocks, classes, routes and mail.

use super::{Field, duration, or_none, quoted};
use labkeeper_model::Name;
use labkeeper_model::site::{AlarmClass, ConditionSpec, InterlockSpec, MailSpec, RouteSpec};

fn list<T: ToString>(things: &[T]) -> String {
    or_none((!things.is_empty()).then(|| things.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")))
}

#[expect(clippy::ptr_arg, reason = "the declaration has vectors, and they are compared as such")]
pub(super) fn group(devices: &Vec<Name>) -> Vec<Field> {
    vec![("devices", list(devices))]
}

pub(super) fn condition(condition: &ConditionSpec) -> Vec<Field> {
    vec![("description", quoted(&condition.description)), ("expr", quoted(&condition.expr))]
}

pub(super) fn interlock(interlock: &InterlockSpec) -> Vec<Field> {
    vec![
        ("description", quoted(&interlock.description)),
        ("stage", interlock.stage.as_str().to_owned()),
        ("require", quoted(&interlock.require)),
        ("tags", list(&interlock.tags)),
        ("max_age", duration(interlock.max_age)),
        ("priority", interlock.priority.as_str().to_owned()),
    ]
}

pub(super) fn class(class: &AlarmClass) -> Vec<Field> {
    vec![
        ("description", quoted(&class.description)),
        ("shelvable", class.shelvable.to_string()),
        ("max_shelve", duration(class.max_shelve)),
        ("needs_comment", class.needs_comment.to_string()),
        ("latching", class.latching.to_string()),
        ("highly_managed", class.highly_managed.to_string()),
    ]
}

pub(super) fn route(route: &RouteSpec) -> Vec<Field> {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    vec![
        ("webhook", or_none(route.webhook.as_deref().map(quoted))),
        ("email", list(&route.email)),
        ("min_priority", route.min_priority.as_str().to_owned()),
        ("segments", list(&route.segments)),
        ("hours", or_none(route.hours.map(|(from, until)| format!("{}-{}", clock(from), clock(until))))),
    ]
}

pub(super) fn mail(mail: &MailSpec) -> Vec<Field> {
    vec![
        ("server", quoted(&mail.server)),
        ("from", quoted(&mail.from)),
        ("tls", mail.tls.to_string()),
        ("user", or_none(mail.user.as_deref().map(quoted))),
    ]
}

#[cfg(test)]
#[path = "site_diff_guards_tests.rs"]
mod tests;
