//! Groups, conditions, interlocks, routes and the mail server, written out as they are read.

use super::site_toml::{set_duration, set_text};
use labkeeper_model::Name;
use labkeeper_model::site::{ConditionSpec, InterlockSpec, MailSpec, Priority, RouteSpec};
use toml_edit::{Array, Table, value};

fn list(texts: impl Iterator<Item = String>) -> Array {
    texts.collect()
}

pub(super) fn group(devices: &[Name]) -> Table {
    let mut table = Table::new();
    table["devices"] = value(list(devices.iter().map(ToString::to_string)));
    table
}

pub(super) fn condition(condition: &ConditionSpec) -> Table {
    let mut table = Table::new();
    set_text(&mut table, "description", &condition.description);
    table["expr"] = value(&condition.expr);
    table
}

pub(super) fn interlock(interlock: &InterlockSpec) -> Table {
    let mut table = Table::new();
    set_text(&mut table, "description", &interlock.description);
    table["stage"] = value(interlock.stage.as_str());
    table["require"] = value(&interlock.require);
    table["tags"] = value(list(interlock.tags.iter().map(ToString::to_string)));
    if interlock.max_age != InterlockSpec::MAX_AGE_DEFAULT {
        set_duration(&mut table, "max_age", Some(interlock.max_age));
    }
    set_priority(&mut table, "priority", interlock.priority);
    table
}

pub(super) fn route(route: &RouteSpec) -> Table {
    let mut table = Table::new();
    if let Some(webhook) = &route.webhook {
        table["webhook"] = value(webhook);
    }
    if !route.email.is_empty() {
        table["email"] = value(list(route.email.iter().cloned()));
    }
    set_priority(&mut table, "min_priority", route.min_priority);
    if !route.segments.is_empty() {
        table["segments"] = value(list(route.segments.iter().map(ToString::to_string)));
    }
    if let Some((from, until)) = route.hours {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        table["hours"] = value(format!("{}-{}", clock(from), clock(until)));
    }
    table
}

pub(super) fn mail(mail: &MailSpec) -> Table {
    let mut table = Table::new();
    table["server"] = value(&mail.server);
    table["from"] = value(&mail.from);
    if !mail.tls {
        table["tls"] = value(false);
    }
    if let Some(user) = &mail.user {
        table["user"] = value(user);
    }
    table
}

pub(super) fn set_priority(table: &mut Table, key: &str, priority: Priority) {
    if priority != Priority::default() {
        table[key] = value(priority.as_str());
    }
}
