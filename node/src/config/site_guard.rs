//! What `site.toml` says about who and what may drive tags, and who is told: groups, conditions, interlocks, routes and the mail server.
//!
//! ```toml
//! [groups.cryostat]
//! devices = ["chiller-1", "magnet"]
//!
//! [conditions.water]
//! expr = "cryo/chiller-1/flow > 2 L/min"
//!
//! [interlocks.no_heat_without_water]
//! stage = "protect"
//! require = "condition water"
//! tags = ["furnace/furnace-1/power"]
//!
//! [notify.oncall]
//! webhook = "https://pager.example.org/lab"
//! min_priority = "high"
//! hours = "18:00-08:00"
//! ```

use super::kinds::{self, Wrong};
use super::site_alarm::tag;
use super::source::Table;
use labkeeper_model::Name;
use labkeeper_model::site::{ConditionSpec, InterlockSpec, MailSpec, Priority, RouteSpec, Stage};
use toml::de::DeValue;

/// Reads one group.
pub(super) fn group(table: Table<'_>) -> Option<Vec<Name>> {
    let devices = table.need("devices", "[\"chiller-1\"]", kinds::list(kinds::name));
    table.finish();
    devices
}

/// Reads one condition.
pub(super) fn condition(table: Table<'_>) -> Option<ConditionSpec> {
    let description = table.get("description", kinds::text).unwrap_or_default();
    let expr = table.need("expr", "\"cryo/chiller-1/flow > 2\"", kinds::text);
    table.finish();
    Some(ConditionSpec { description, expr: expr? })
}

/// Reads one interlock.
pub(super) fn interlock(table: Table<'_>) -> Option<InterlockSpec> {
    let description = table.get("description", kinds::text).unwrap_or_default();
    let stage = table.need("stage", "\"interlock\"", kinds::word(&Stage::ALL));
    let require = table.need("require", "\"cryo/chiller-1/flow > 2\"", kinds::text);
    let tags = table.need("tags", "[\"furnace/furnace-1/power\"]", kinds::list(tag));
    let max_age = table.get("max_age", kinds::duration).unwrap_or(InterlockSpec::MAX_AGE_DEFAULT);
    let priority = table.get("priority", kinds::word(&Priority::ALL)).unwrap_or_default();
    table.finish();
    Some(InterlockSpec { description, stage: stage?, require: require?, tags: tags?, max_age, priority })
}

/// Reads one way to tell somebody.
pub(super) fn route(table: Table<'_>) -> RouteSpec {
    let route = RouteSpec {
        webhook: table.get("webhook", kinds::text),
        email: table.get("email", kinds::list(kinds::text)).unwrap_or_default(),
        min_priority: table.get("min_priority", kinds::word(&Priority::ALL)).unwrap_or_default(),
        segments: table.get("segments", kinds::list(kinds::name)).unwrap_or_default(),
        hours: table.get("hours", hours),
    };
    table.finish();
    route
}

/// Reads the mail server.
pub(super) fn mail(table: Table<'_>) -> Option<MailSpec> {
    let server = table.need("server", "\"mail.example.org:587\"", kinds::text);
    let from = table.need("from", "\"lab@example.org\"", kinds::text);
    let tls = table.get("tls", kinds::flag).unwrap_or(true);
    let user = table.get("user", kinds::text);
    table.finish();
    Some(MailSpec { server: server?, from: from?, tls, user })
}

/// `"18:00-08:00"` as minutes since midnight.
fn hours(value: &DeValue<'_>) -> Result<(u16, u16), Wrong> {
    let text = kinds::text(value)?;
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let parsed = text.split_once('-').and_then(|(from, until)| Some((minute(from)?, minute(until)?)));
    parsed.ok_or_else(|| Wrong::new(format!("{text:?} are no hours"), "write them in UTC like \"18:00-08:00\""))
}
