//! The site's declaration: segments and devices.
//!
//! Times travel as whole milliseconds, rounded up so that a short one never becomes zero. Registers, types and drivers
//! travel as the words that a site file has for them.

use super::alarm::priority;
use super::interlock::{group_to_wire, names};
use super::{ConvertError, fencing, name, unknown_number};
use crate::v1;
use labkeeper_model::Name;
use labkeeper_model::site::{DeviceSpec, DriverKind, Priority, SegmentSpec, SiteSpec, TagSpec};
use std::collections::BTreeMap;
use std::time::Duration;

/// Whole milliseconds, rounded up; stops at the largest number instead of overflowing.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl From<&SiteSpec> for v1::Site {
    fn from(site: &SiteSpec) -> Self {
        Self {
            name: site.name.clone(),
            failback_ms: failback_ms(site.failback),
            segments: site.segments.iter().map(|(name, segment)| (name.to_string(), segment.into())).collect(),
            devices: site.devices.iter().map(|(name, device)| (name.to_string(), device.into())).collect(),
            groups: site.groups.iter().map(|(name, devices)| (name.to_string(), group_to_wire(devices))).collect(),
            conditions: site.conditions.iter().map(|(name, condition)| (name.to_string(), condition.into())).collect(),
            interlocks: site.interlocks.iter().map(|(name, interlock)| (name.to_string(), interlock.into())).collect(),
            classes: site.classes.iter().map(|(name, class)| (name.to_string(), class.into())).collect(),
            routes: site.routes.iter().map(|(name, route)| (name.to_string(), route.into())).collect(),
            mail: site.mail.as_deref().map(Into::into),
        }
    }
}

impl TryFrom<v1::Site> for SiteSpec {
    type Error = ConvertError;
    fn try_from(site: v1::Site) -> Result<Self, ConvertError> {
        let failback = match site.failback_ms {
            None => Some(Self::FAILBACK_DEFAULT),
            Some(0) => None,
            Some(ms) => Some(Duration::from_millis(ms)),
        };
        let (segments, devices) = (named("segments", site.segments)?, named("devices", site.devices)?);
        let group = |(key, group): (String, v1::Group)| Ok((name("groups", &key)?, names("devices", &group.devices)?));
        Ok(Self {
            name: site.name,
            failback,
            segments,
            devices,
            groups: site.groups.into_iter().map(group).collect::<Result<_, ConvertError>>()?,
            conditions: named("conditions", site.conditions)?,
            interlocks: named("interlocks", site.interlocks)?,
            classes: named("classes", site.classes)?,
            routes: named("routes", site.routes)?,
            mail: site.mail.map(|mail| Box::new(mail.into())),
        })
    }
}

/// The default is left out, so that a declaration has the same bytes whether or not its writer knew of home return.
fn failback_ms(failback: Option<Duration>) -> Option<u64> {
    (failback != Some(SiteSpec::FAILBACK_DEFAULT)).then(|| failback.map_or(0, millis))
}

/// The default is left out, as with home return.
fn comm_priority(priority: Priority) -> String {
    if priority == Priority::default() { String::new() } else { priority.as_str().to_owned() }
}

/// The text of something that may be missing; empty if it is.
pub(super) fn text_or_none(value: Option<&impl ToString>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}

/// A name that may be missing: empty if it is.
pub(super) fn name_opt(field: &str, text: &str) -> Result<Option<Name>, ConvertError> {
    (!text.is_empty()).then(|| name(field, text)).transpose()
}

/// Converts a map of named things, and names the thing in an error.
pub(super) fn named<W, M: TryFrom<W, Error = ConvertError>>(
    field: &str,
    map: BTreeMap<String, W>,
) -> Result<BTreeMap<Name, M>, ConvertError> {
    let mut named = BTreeMap::new();
    for (key, value) in map {
        let value = M::try_from(value).map_err(|e| e.within(&key).within(field))?;
        named.insert(name(field, &key)?, value);
    }
    Ok(named)
}

impl From<&SegmentSpec> for v1::Segment {
    fn from(segment: &SegmentSpec) -> Self {
        Self { description: segment.description.clone(), home: segment.home.as_ref().map_or_else(String::new, ToString::to_string) }
    }
}

impl TryFrom<v1::Segment> for SegmentSpec {
    type Error = ConvertError;
    fn try_from(segment: v1::Segment) -> Result<Self, ConvertError> {
        let home = (!segment.home.is_empty()).then(|| name("home", &segment.home)).transpose()?;
        Ok(Self { description: segment.description, home })
    }
}

impl From<&DeviceSpec> for v1::Device {
    fn from(device: &DeviceSpec) -> Self {
        Self {
            segment: device.segment.to_string(),
            description: device.description.clone(),
            driver: device.driver.as_str().to_owned(),
            address: device.address.clone(),
            unit_id: device.unit_id.into(),
            poll_ms: millis(device.poll),
            timeout_ms: millis(device.timeout),
            fencing: fencing::to_wire(&device.fencing),
            watchdog_ms: device.watchdog.map(millis),
            on_lease_loss: fencing::loss_to_wire(device.on_lease_loss).into(),
            simulate: device.simulate.clone().unwrap_or_default(),
            tags: device.tags.iter().map(|(name, tag)| (name.to_string(), tag.into())).collect(),
            exclusive: device.exclusive,
            comm_priority: comm_priority(device.comm_priority),
        }
    }
}

impl TryFrom<v1::Device> for DeviceSpec {
    type Error = ConvertError;
    fn try_from(device: v1::Device) -> Result<Self, ConvertError> {
        let driver = DriverKind::parse(&device.driver)
            .ok_or_else(|| ConvertError::new("driver", format!("this version has no driver {:?}", device.driver)))?;
        let unit_id =
            device.unit_id.try_into().map_err(|_| ConvertError::new("unit_id", format!("{} is not between 0 and 255", device.unit_id)))?;
        Ok(Self {
            segment: name("segment", &device.segment)?,
            description: device.description,
            driver,
            address: device.address,
            unit_id,
            poll: Duration::from_millis(device.poll_ms),
            timeout: Duration::from_millis(device.timeout_ms),
            fencing: fencing::from_wire(device.fencing).map_err(|e| e.within("fencing"))?,
            watchdog: device.watchdog_ms.map(Duration::from_millis),
            on_lease_loss: v1::OnLeaseLoss::try_from(device.on_lease_loss)
                .map_err(|_| unknown_number("on_lease_loss", device.on_lease_loss))?
                .into(),
            simulate: (!device.simulate.is_empty()).then_some(device.simulate),
            tags: named::<_, TagSpec>("tags", device.tags)?,
            exclusive: device.exclusive,
            comm_priority: match device.comm_priority.as_str() {
                "" => Priority::default(),
                text => priority("comm_priority", text)?,
            },
        })
    }
}

#[cfg(test)]
#[path = "site_tests.rs"]
mod tests;
