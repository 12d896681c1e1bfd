//! The difference between two declarations, line by line, in the words and the order of a site file.
//!
//! ```text
//!   + devices.chiller-2                            added, with everything in it
//!   - segments.hall                                removed, with everything in it
//!   ~ devices.chiller-1.poll: 100ms -> 200ms       changed
//! ```
//!
//! Knows nothing of files: keys are those of a site file, values are as a person writes them there.

#[path = "site_diff_guards.rs"]
mod guards;

use crate::text::{duration, quoted, value};
use labkeeper_model::Name;
use labkeeper_model::site::{
    Access, ActionSpec, AlarmKind, AlarmSpec, DeviceSpec, OnLeaseLoss, SegmentSpec, SiteSpec, TagSpec, Takeover, WordOrder,
};
use std::collections::BTreeMap;
use std::fmt::Display;

/// One line per difference, in the order of the keys of a site file, each in the order of names; empty if there is none.
#[must_use]
pub fn diff(old: &SiteSpec, new: &SiteSpec) -> Vec<String> {
    let mut lines = Vec::new();
    diff_fields("site", &site_fields(old), &site_fields(new), &mut lines);
    diff_maps("segments", &old.segments, &new.segments, &mut lines, |path, old, new, lines| {
        diff_fields(path, &segment_fields(old), &segment_fields(new), lines);
    });
    diff_maps("devices", &old.devices, &new.devices, &mut lines, diff_devices);
    diff_named("groups", &old.groups, &new.groups, &mut lines, guards::group);
    diff_named("conditions", &old.conditions, &new.conditions, &mut lines, guards::condition);
    diff_named("interlocks", &old.interlocks, &new.interlocks, &mut lines, guards::interlock);
    diff_named("classes", &old.classes, &new.classes, &mut lines, guards::class);
    diff_named("notify", &old.routes, &new.routes, &mut lines, guards::route);
    match (&old.mail, &new.mail) {
        (None, Some(_)) => lines.push("+ mail".to_owned()),
        (Some(_), None) => lines.push("- mail".to_owned()),
        (Some(old), Some(new)) => diff_fields("mail", &guards::mail(old), &guards::mail(new), &mut lines),
        (None, None) => {}
    }
    lines
}

/// As [`diff_maps`], of things that hold nothing but fields.
fn diff_named<T: PartialEq>(
    path: &str,
    old: &BTreeMap<Name, T>,
    new: &BTreeMap<Name, T>,
    lines: &mut Vec<String>,
    fields: impl Fn(&T) -> Vec<Field>,
) {
    diff_maps(path, old, new, lines, |path, old, new, lines| diff_fields(path, &fields(old), &fields(new), lines));
}

fn diff_devices(path: &str, old: &DeviceSpec, new: &DeviceSpec, lines: &mut Vec<String>) {
    diff_fields(path, &device_fields(old), &device_fields(new), lines);
    diff_maps(&format!("{path}.tags"), &old.tags, &new.tags, lines, diff_tags);
}

fn diff_tags(path: &str, old: &TagSpec, new: &TagSpec, lines: &mut Vec<String>) {
    diff_fields(path, &tag_fields(old), &tag_fields(new), lines);
    diff_maps(&format!("{path}.alarms"), &alarms(old), &alarms(new), lines, |path, old, new, lines| {
        diff_fields(path, &alarm_fields(old), &alarm_fields(new), lines);
    });
}

/// What only one of the maps has, and, by `inner`, how the things differ that both have.
fn diff_maps<T: PartialEq>(
    path: &str,
    old: &BTreeMap<Name, T>,
    new: &BTreeMap<Name, T>,
    lines: &mut Vec<String>,
    inner: impl Fn(&str, &T, &T, &mut Vec<String>),
) {
    let names: std::collections::BTreeSet<&Name> = old.keys().chain(new.keys()).collect();
    for name in names {
        let path = format!("{path}.{name}");
        match (old.get(name), new.get(name)) {
            (None, _) => lines.push(format!("+ {path}")),
            (_, None) => lines.push(format!("- {path}")),
            (Some(old), Some(new)) if old != new => inner(&path, old, new, lines),
            _ => {}
        }
    }
}

type Field = (&'static str, String);

fn diff_fields(path: &str, old: &[Field], new: &[Field], lines: &mut Vec<String>) {
    for ((key, old), (_, new)) in old.iter().zip(new).filter(|(old, new)| old != new) {
        lines.push(format!("~ {path}.{key}: {old} -> {new}"));
    }
}

fn site_fields(site: &SiteSpec) -> Vec<Field> {
    vec![("name", quoted(&site.name)), ("failback", site.failback.map_or_else(|| "off".to_owned(), duration))]
}

fn segment_fields(segment: &SegmentSpec) -> Vec<Field> {
    vec![("description", quoted(&segment.description)), ("home", or_none(segment.home.as_ref()))]
}

fn device_fields(device: &DeviceSpec) -> Vec<Field> {
    vec![
        ("segment", device.segment.to_string()),
        ("description", quoted(&device.description)),
        ("driver", device.driver.as_str().to_owned()),
        ("address", quoted(&device.address)),
        ("unit_id", device.unit_id.to_string()),
        ("poll", duration(device.poll)),
        ("timeout", duration(device.timeout)),
        ("fence", device.fencing.to_string()),
        ("watchdog", or_none(device.watchdog.map(duration))),
        ("on_lease_loss", on_lease_loss(device.on_lease_loss).to_owned()),
        ("simulate", or_none(device.simulate.as_deref().map(quoted))),
        ("exclusive", device.exclusive.to_string()),
        ("comm_priority", device.comm_priority.as_str().to_owned()),
    ]
}

fn tag_fields(tag: &TagSpec) -> Vec<Field> {
    let limits = tag.limits.map(|limits| format!("{} to {}", limits.min, limits.max));
    let verify = tag.verify.as_ref().map(|v| format!("{} within {} in {}", v.readback, v.tolerance, duration(v.timeout)));
    vec![
        ("description", quoted(&tag.description)),
        ("register", tag.register.to_string()),
        ("type", tag.value_type.to_string()),
        ("word_order", word_order(tag.word_order).to_owned()),
        ("access", access(tag.access).to_owned()),
        ("unit", quoted(&tag.unit)),
        ("scale", tag.scale.to_string()),
        ("offset", tag.offset.to_string()),
        ("deadband", tag.deadband.to_string()),
        ("limits", or_none(limits)),
        ("verify", or_none(verify)),
        ("takeover", takeover(tag.takeover).to_owned()),
        ("safe", or_none(tag.safe.as_ref().map(value))),
        ("dangerous", tag.dangerous.to_string()),
        ("action", or_none(tag.action.as_ref().map(action))),
        ("select", or_none(tag.select.map(duration))),
        ("ramp", or_none(tag.ramp_per_s)),
    ]
}

fn action(action: &ActionSpec) -> String {
    action.probe.as_ref().map_or_else(|| "true".to_owned(), |probe| format!("probed by {probe}"))
}

/// A tag's alarms by name. The order of alarms has no meaning; names are unique in a declaration that was accepted.
fn alarms(tag: &TagSpec) -> BTreeMap<Name, &AlarmSpec> {
    tag.alarms.iter().map(|alarm| (alarm.name.clone(), alarm)).collect()
}

fn alarm_fields(alarm: &AlarmSpec) -> Vec<Field> {
    let guidance = &alarm.guidance;
    vec![
        ("type", alarm.kind.word().to_owned()),
        ("limit", alarm_limit(&alarm.kind)),
        ("deadband", alarm.deadband.to_string()),
        ("on_delay", duration(alarm.on_delay)),
        ("off_delay", duration(alarm.off_delay)),
        ("priority", alarm.priority.as_str().to_owned()),
        ("class", or_none(alarm.class.as_ref())),
        ("guidance", quoted(&guidance.action)),
        ("consequence", quoted(&guidance.consequence)),
        ("response_time", or_none(guidance.response_time.map(duration))),
        ("link", quoted(&guidance.link)),
        ("re_alarm", or_none(alarm.re_alarm.map(duration))),
        ("suppress_when", or_none(alarm.suppress_when.as_deref().map(quoted))),
    ]
}

/// What raises an alarm, besides the word of its kind.
fn alarm_limit(kind: &AlarmKind) -> String {
    match kind {
        AlarmKind::Levels(levels) if kind.word() == "levels" => {
            let all = [("lolo", levels.lolo), ("lo", levels.lo), ("hi", levels.hi), ("hihi", levels.hihi)];
            all.iter().filter_map(|(word, limit)| Some(format!("{word} {}", (*limit)?))).collect::<Vec<_>>().join(" ")
        }
        AlarmKind::Levels(levels) => or_none(levels.lolo.or(levels.lo).or(levels.hi).or(levels.hihi)),
        AlarmKind::Deviation { from, limit } => {
            format!("{limit} from {}", from.as_ref().map_or_else(|| "the setpoint".to_owned(), ToString::to_string))
        }
        AlarmKind::Rate { per_s, over } => format!("{per_s} per second over {}", duration(*over)),
        AlarmKind::Equals { value } => self::value(value),
        AlarmKind::Changed => "none".to_owned(),
        AlarmKind::Discrepancy { tolerance, settle } => format!("{tolerance} after {}", duration(*settle)),
        AlarmKind::Stale { after } => duration(*after),
        AlarmKind::Expression { source } => quoted(source),
    }
}

fn or_none(value: Option<impl Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn word_order(order: WordOrder) -> &'static str {
    match order {
        WordOrder::Big => "big",
        WordOrder::Little => "little",
    }
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Read => "r",
        Access::ReadWrite => "rw",
        Access::Write => "w",
    }
}

fn takeover(takeover: Takeover) -> &'static str {
    match takeover {
        Takeover::Adopt => "adopt",
        Takeover::Reassert => "reassert",
        Takeover::Safe => "safe",
        Takeover::Hold => "hold",
    }
}

fn on_lease_loss(on_lease_loss: OnLeaseLoss) -> &'static str {
    match on_lease_loss {
        OnLeaseLoss::Hold => "hold",
        OnLeaseLoss::Safe => "safe",
        OnLeaseLoss::StopPolling => "stop_polling",
    }
}

#[cfg(test)]
#[path = "site_diff_tests.rs"]
mod tests;
