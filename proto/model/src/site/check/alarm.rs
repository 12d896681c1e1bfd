//! What is wrong with an alarm of a tag, or with a class. What expressions say is checked by whoever reads them.

use super::{Findings, INTERVAL_MAX};
use crate::site::{Access, AlarmClass, AlarmKind, AlarmSpec, DeviceSpec, Levels, SiteSpec, TagSpec};
use crate::{TagPath, Value};
use std::time::Duration;

/// Longest delay of an alarm and longest time over which a rate is measured: a day, after which nobody remembers why it is late.
const DELAY_MAX: Duration = Duration::from_secs(24 * 3600);
/// Shortest time after which an acknowledged alarm is announced again: what takes less is nagging.
const RE_ALARM_MIN: Duration = Duration::from_secs(60);

/// What is wrong with one alarm.
pub(super) fn check(found: &mut Findings, site: &SiteSpec, device: &DeviceSpec, tag: &TagSpec, alarm: &AlarmSpec) {
    let guidance = &alarm.guidance;
    for (key, text) in [("guidance", &guidance.action), ("consequence", &guidance.consequence), ("link", &guidance.link)] {
        found.text(key, "", text);
    }
    if tag.access == Access::Write {
        found.error(&["type"], "the tag is never read".into(), "put the alarm on a tag that is read");
    }
    check_kind(found, site, device, tag, &alarm.kind);
    check_deadband(found, alarm);
    if guidance.response_time.is_some_and(|time| time.is_zero()) {
        found.error(&["response_time"], "nobody responds in no time".into(), "give a time, or remove it");
    }
    for (key, delay) in [("on_delay", alarm.on_delay), ("off_delay", alarm.off_delay)] {
        if delay > DELAY_MAX {
            found.error(&[key], format!("{delay:?} is longer than a day"), "choose a shorter delay");
        }
    }
    if let Some(again) = alarm.re_alarm.filter(|again| *again < RE_ALARM_MIN || *again > DELAY_MAX) {
        found.error(&["re_alarm"], format!("{again:?} is not between a minute and a day"), "choose a time in that range");
    }
    if let Some(class) = alarm.class.as_ref().filter(|class| !site.classes.contains_key(class.as_str())) {
        found.error(&["class"], format!("there is no class {:?}", class.as_str()), "declare it under [classes]");
    }
}

fn check_kind(found: &mut Findings, site: &SiteSpec, device: &DeviceSpec, tag: &TagSpec, kind: &AlarmKind) {
    // A valve that is not where it was told to be is a discrepancy too, so that one needs no number.
    let needs_number = matches!(kind, AlarmKind::Levels(_) | AlarmKind::Deviation { .. } | AlarmKind::Rate { .. });
    if needs_number && !tag.value_type.is_number() {
        found.error(&["type"], format!("a {} has no high or low", tag.value_type), "put the alarm on a number");
    }
    match kind {
        AlarmKind::Levels(levels) => check_levels(found, tag, levels),
        AlarmKind::Deviation { from, limit } => {
            positive(found, "limit", *limit);
            check_reference(found, site, tag, from.as_ref());
        }
        AlarmKind::Rate { per_s, over } => {
            positive(found, "per_s", *per_s);
            within(found, "over", *over, DELAY_MAX);
        }
        AlarmKind::Equals { value } => {
            // A site file has 64-bit integers with a sign; what it cannot say, it could not show either.
            if matches!(value, Value::U64(large) if i64::try_from(*large).is_err()) {
                found.error(&["value"], format!("{value} is more than a site file can hold"), "choose a value below 2^63");
            } else if let Err(unfit) = tag.fit(value) {
                found.error(&["value"], format!("the tag is never that: {unfit}"), "choose a value that the tag can have");
            }
        }
        AlarmKind::Discrepancy { tolerance, settle } => {
            if !tag.access.is_writable() {
                found.error(&["type"], "nothing is ever written to the tag".into(), "put the alarm on a tag with setpoints");
            }
            if !(tolerance.is_finite() && *tolerance >= 0.0) {
                found.error(&["tolerance"], format!("{tolerance} is not a tolerance"), "give a number that is not negative");
            }
            within(found, "settle", *settle, INTERVAL_MAX);
        }
        AlarmKind::Stale { after } => {
            within(found, "after", *after, DELAY_MAX);
            if *after <= device.poll {
                let what = format!("{after:?} is not longer than the {:?} from one reading to the next", device.poll);
                found.error(&["after"], what, "choose a longer time, or poll the device more often");
            }
        }
        AlarmKind::Changed | AlarmKind::Expression { .. } => {}
    }
}

/// What a deviation is measured from: another tag, or the tag's own setpoint.
fn check_reference(found: &mut Findings, site: &SiteSpec, tag: &TagSpec, from: Option<&TagPath>) {
    let Some(path) = from else {
        if !tag.access.is_writable() {
            found.error(&["from"], "the tag has no setpoint to deviate from".into(), "name the tag to compare with");
        }
        return;
    };
    match site.tag(path) {
        None => found.error(&["from"], format!("the site has no tag {path}"), "name a tag of the site"),
        Some((_, other)) if std::ptr::eq(other, tag) => {
            found.error(&["from"], "nothing deviates from itself".into(), "name another tag");
        }
        Some((_, other)) if !other.access.is_readable() || !other.value_type.is_number() => {
            found.error(&["from"], format!("{path} is not a number that can be read"), "name another tag");
        }
        Some(_) => {}
    }
}

/// A deadband that leaves no value at which the alarm ends would keep it for good, and one that is looked at by nothing misleads.
fn check_deadband(found: &mut Findings, alarm: &AlarmSpec) {
    let deadband = alarm.deadband;
    if !(deadband.is_finite() && deadband >= 0.0) {
        return found.error(&["deadband"], format!("{deadband} is not a deadband"), "give a number that is not negative");
    }
    if deadband == 0.0 {
        return;
    }
    let limit = match &alarm.kind {
        AlarmKind::Levels(levels) => return check_gap(found, levels, deadband),
        AlarmKind::Deviation { limit, .. } => *limit,
        AlarmKind::Rate { per_s, .. } => *per_s,
        AlarmKind::Discrepancy { tolerance, .. } => *tolerance,
        AlarmKind::Equals { .. } | AlarmKind::Changed | AlarmKind::Stale { .. } | AlarmKind::Expression { .. } => {
            let what = format!("an alarm of type {:?} has no limit to come back from", alarm.kind.word());
            return found.warning(&["deadband"], what, "remove it; off_delay keeps the alarm from chattering");
        }
    };
    if deadband >= limit {
        let what = format!("{deadband} reaches back to zero, so the alarm ends only at exactly zero");
        found.warning(&["deadband"], what, "choose one smaller than the limit");
    }
}

/// Both sides come back towards each other: by then one must not be beyond the other.
fn check_gap(found: &mut Findings, levels: &Levels, deadband: f64) {
    let (below, above) = (levels.lo.or(levels.lolo), levels.hi.or(levels.hihi));
    if let (Some(below), Some(above)) = (below, above)
        && above - below <= deadband
    {
        let what = format!("{deadband} leaves no value between {below} and {above} at which the alarm ends");
        found.error(&["deadband"], what, "choose a smaller one");
    }
}

fn check_levels(found: &mut Findings, tag: &TagSpec, levels: &Levels) {
    let declared: Vec<f64> = [levels.lolo, levels.lo, levels.hi, levels.hihi].into_iter().flatten().collect();
    if declared.is_empty() {
        found.error(&["type"], "no limit is declared".into(), "give one of lolo, lo, hi and hihi");
    }
    for limit in &declared {
        let outside = tag.limits.is_some_and(|l| *limit < l.min || *limit > l.max);
        if !limit.is_finite() || outside {
            found.error(&["limit"], format!("{limit} lies outside the tag's range"), "choose a limit within the tag's limits");
        }
    }
    let (below, above) = (levels.lo.or(levels.lolo), levels.hi.or(levels.hihi));
    let every_value = matches!((below, above), (Some(below), Some(above)) if below >= above);
    if every_value || declared.windows(2).any(|pair| pair[0] > pair[1]) {
        found.error(&["type"], "lolo, lo, hi and hihi do not rise in this order".into(), "order the limits");
    }
}

fn positive(found: &mut Findings, key: &str, number: f64) {
    if !(number.is_finite() && number > 0.0) {
        found.error(&[key], format!("{number} is no limit for a difference"), "give a number above zero");
    }
}

fn within(found: &mut Findings, key: &str, time: Duration, max: Duration) {
    if time.is_zero() || time > max {
        found.error(&[key], format!("{time:?} is not between 1ms and {max:?}"), "choose a time in that range");
    }
}

/// What is wrong with one class.
pub(super) fn check_class(found: &mut Findings, class: &AlarmClass) {
    found.text("description", "", &class.description);
    if class.shelvable && class.max_shelve.is_zero() {
        found.error(&["max_shelve"], "nothing can be shelved for no time".into(), "give a time, or say shelvable = false");
    }
    if class.max_shelve > AlarmClass::MAX_SHELVE_CAP {
        let what = format!("{:?} is longer than {:?}", class.max_shelve, AlarmClass::MAX_SHELVE_CAP);
        found.error(&["max_shelve"], what, "choose a shorter time; a shelf can be renewed");
    }
}

#[cfg(test)]
#[path = "alarm_tests.rs"]
mod tests;
