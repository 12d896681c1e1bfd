//! What is wrong with one tag: its registers, numbers, verification, safe value and alarms.
//!
//! What must fit between tags is the device's matter.

use super::{Findings, INTERVAL_MAX, alarm, guard};
use crate::site::{DeviceSpec, SiteSpec, Table, TagSpec, Takeover, ValueType, Verify};
use crate::{Name, Value};

/// What is wrong with one tag.
pub(super) fn check(found: &mut Findings, site: &SiteSpec, device: &DeviceSpec, name: &Name, tag: &TagSpec) {
    found.text("description", "", &tag.description);
    found.text("unit", "", &tag.unit);
    check_register(found, tag);
    check_numbers(found, tag);
    if let Some(verify) = &tag.verify {
        check_verify(found, device, tag, verify);
    }
    check_safe(found, tag);
    for (i, spec) in tag.alarms.iter().enumerate() {
        found.within(&["alarms", &i.to_string()], |f| alarm::check(f, site, device, tag, spec));
        if tag.alarms[..i].iter().any(|earlier| earlier.name == spec.name) {
            found.error(
                &["alarms", &i.to_string(), "name"],
                format!("{name} has two alarms named {:?}", spec.name.as_str()),
                "give each its own name",
            );
        }
    }
    guard::check_tag(found, device, tag);
}

fn check_verify(found: &mut Findings, device: &DeviceSpec, tag: &TagSpec, verify: &Verify) {
    if !tag.access.is_writable() {
        found.error(&["verify"], "the tag is never written".into(), "remove verify, or set access = \"rw\"");
    }
    match device.tags.get(&verify.readback) {
        None => found.error(
            &["verify", "readback"],
            format!("the device has no tag {:?}", verify.readback.as_str()),
            "name a tag of the same device",
        ),
        Some(other) if !other.access.is_readable() => {
            found.error(&["verify", "readback"], format!("{:?} cannot be read", verify.readback.as_str()), "name a readable tag");
        }
        Some(_) => {}
    }
    if !(verify.tolerance.is_finite() && verify.tolerance >= 0.0) {
        found.error(&["verify", "tolerance"], format!("{} is not a tolerance", verify.tolerance), "give a number that is not negative");
    }
    if verify.timeout.is_zero() || verify.timeout > INTERVAL_MAX {
        found.error(
            &["verify", "timeout"],
            format!("{:?} is not between 1ms and {INTERVAL_MAX:?}", verify.timeout),
            "choose a time-out in that range",
        );
    }
}

fn check_safe(found: &mut Findings, tag: &TagSpec) {
    match &tag.safe {
        None if tag.takeover == Takeover::Safe => {
            found.error(&["takeover"], "there is no safe value to drive to".into(), "add safe = the value that harms nobody");
        }
        None => {}
        // A site file has 64-bit integers with a sign; what it cannot say, it could not show either.
        Some(Value::U64(large)) if i64::try_from(*large).is_err() => {
            found.error(&["safe"], format!("{large} is more than a site file can hold"), "choose a value below 2^63");
        }
        Some(safe) => {
            if let Err(unfit) = tag.accept(safe) {
                found.error(&["safe"], unfit.to_string(), "choose a value that the tag accepts, or remove safe");
            }
        }
    }
    if tag.dangerous && !tag.access.is_writable() {
        found.warning(&["dangerous"], "the tag is never written, so nothing is held".into(), "put it on the tag that is written");
    }
}

fn check_register(found: &mut Findings, tag: &TagSpec) {
    let (table, cells) = (tag.register.table, tag.value_type.cells());
    if table.is_bits() && tag.value_type != ValueType::Bool {
        found.error(
            &["type"],
            format!("a {} is one bit and cannot hold {}", table.as_str(), tag.value_type),
            "use type = \"bool\", or an input or holding register",
        );
    }
    if cells == 0 {
        found.error(&["type"], format!("{} holds nothing", tag.value_type), "use string(1) to string(250)");
    }
    if tag.register.address.checked_add(cells.saturating_sub(1)).is_none() {
        found.error(&["register"], format!("{} with {cells} registers ends beyond 65535", tag.register), "correct the address or the type");
    }
    if tag.access.is_writable() && !table.is_writable() {
        let writable = if table == Table::Discrete { "coil" } else { "holding" };
        found.error(
            &["access"],
            format!("the {} table cannot be written", table.as_str()),
            &format!("use a {writable} register, or access = \"r\""),
        );
    }
}

fn check_numbers(found: &mut Findings, tag: &TagSpec) {
    if !tag.scale.is_finite() || tag.scale == 0.0 {
        found.error(&["scale"], format!("{} is not a scale", tag.scale), "give a finite number that is not zero");
    }
    if !tag.offset.is_finite() {
        found.error(&["offset"], format!("{} is not an offset", tag.offset), "give a finite number");
    }
    if !tag.value_type.is_number() && !tag.is_unscaled() {
        found.error(&["scale"], format!("a {} has no scale or offset", tag.value_type), "remove scale and offset");
    }
    if !(tag.deadband.is_finite() && tag.deadband >= 0.0) {
        found.error(&["deadband"], format!("{} is not a deadband", tag.deadband), "give a number that is not negative");
    }
    if let Some(limits) = tag.limits {
        if !(limits.min.is_finite() && limits.max.is_finite() && limits.min <= limits.max) {
            found.error(&["limits"], format!("{} to {} is not a range", limits.min, limits.max), "give min and max with min <= max");
        }
        if !tag.value_type.is_number() {
            found.error(&["limits"], format!("a {} has no limits", tag.value_type), "remove limits");
        }
    }
}
