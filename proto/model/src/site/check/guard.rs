//! What is wrong with groups, conditions, interlocks, actions, selections and ramps. What expressions say is checked by whoever reads them.

use super::Findings;
use crate::site::{InterlockSpec, SiteSpec, TagSpec};
use crate::{Name, TagPath};
use std::collections::BTreeSet;
use std::time::Duration;

/// Names that alarms have in the place of a segment's.
pub(super) const RESERVED: [&str; 2] = ["system", "interlock"];
/// Longest selection: somebody who takes longer to confirm has gone away.
const SELECT_MAX: Duration = Duration::from_secs(600);
/// Oldest input that an interlock may go by.
const AGE_MAX: Duration = Duration::from_secs(3600);

/// What is wrong with all of them.
pub(super) fn check(found: &mut Findings, site: &SiteSpec) {
    for (name, devices) in &site.groups {
        found.within(&["groups", name.as_str()], |f| check_group(f, site, devices));
    }
    for (name, condition) in &site.conditions {
        found.within(&["conditions", name.as_str()], |f| f.text("description", "", &condition.description));
    }
    for (name, interlock) in &site.interlocks {
        found.within(&["interlocks", name.as_str()], |f| check_interlock(f, site, interlock));
    }
}

fn check_group(found: &mut Findings, site: &SiteSpec, devices: &[Name]) {
    if devices.is_empty() {
        found.error(&["devices"], "the group is empty".into(), "name its devices, or remove it");
    }
    found.repeated("devices", devices);
    for device in devices.iter().filter(|device| !site.devices.contains_key(device.as_str())) {
        found.error(&["devices"], format!("there is no device {:?}", device.as_str()), "name devices of the site");
    }
}

fn check_interlock(found: &mut Findings, site: &SiteSpec, interlock: &InterlockSpec) {
    found.text("description", "", &interlock.description);
    if interlock.tags.is_empty() {
        found.error(&["tags"], "it guards nothing".into(), "name the tags that it guards");
    }
    found.repeated("tags", &interlock.tags);
    let segments: BTreeSet<&str> = interlock.tags.iter().map(TagPath::segment).collect();
    if segments.len() > 1 {
        let names = segments.into_iter().collect::<Vec<_>>().join(", ");
        found.error(&["tags"], format!("they are in several segments: {names}"), "declare an interlock for each segment");
    }
    for path in &interlock.tags {
        match site.tag(path) {
            None => found.error(&["tags"], format!("the site has no tag {path}"), "name tags of the site"),
            Some((_, tag)) if !tag.access.is_writable() => {
                found.error(&["tags"], format!("{path} is never written"), "guard the tags that drive something");
            }
            Some((_, tag)) if interlock.stage.forces_safe() && tag.safe.is_none() && tag.action.is_none() => {
                let what = format!("{path} has no safe value to be forced to");
                found.error(&["tags"], what, "declare safe = ... for the tag, or use stage = \"permit\"");
            }
            Some(_) => {}
        }
    }
    if interlock.max_age.is_zero() || interlock.max_age > AGE_MAX {
        found.error(&["max_age"], format!("{:?} is not between 1ms and {AGE_MAX:?}", interlock.max_age), "choose a time in that range");
    }
}

/// What is wrong with what a tag's commands need.
pub(super) fn check_tag(found: &mut Findings, device: &super::DeviceSpec, tag: &TagSpec) {
    let has_commands = tag.access.is_writable();
    if let Some(action) = &tag.action {
        if !has_commands {
            found.error(&["action"], "the tag is never written".into(), "set access = \"w\"");
        }
        if tag.verify.is_some() || tag.ramp_per_s.is_some() {
            found.error(&["action"], "an action has no value to verify or to approach".into(), "remove verify and ramp");
        }
        let counts = |probe: &Name| {
            let counter = device.tags.get(probe.as_str()).filter(|spec| !std::ptr::eq(*spec, tag));
            counter.is_some_and(|spec| spec.access.is_readable() && spec.value_type.is_integer() && spec.is_unscaled())
        };
        if let Some(probe) = action.probe.as_ref().filter(|probe| !counts(probe)) {
            let what = format!("the device has no tag {:?} that is read and counts", probe.as_str());
            found.error(&["action", "probe"], what, "name another tag of the device, a whole number without scale");
        }
    }
    if let Some(select) = tag.select {
        if !has_commands {
            found.error(&["select"], "the tag is never written".into(), "remove select");
        }
        if select.is_zero() || select > SELECT_MAX {
            found.error(&["select"], format!("{select:?} is not between 1ms and {SELECT_MAX:?}"), "choose a time in that range");
        }
    }
    if let Some(ramp) = tag.ramp_per_s {
        if !has_commands || !tag.value_type.is_number() {
            found.error(&["ramp"], "only numbers that are written can be approached".into(), "remove ramp");
        }
        if !(ramp.is_finite() && ramp > 0.0) {
            found.error(&["ramp"], format!("{ramp} is no rate"), "give units per second above zero");
        }
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
