//! What is wrong with a site's declaration, found without a device, a file or a network.
//!
//! Each finding names the key it is about, so that whoever read the declaration from a file can point at a line.

use super::{AlarmSpec, DeviceSpec, SiteSpec, Table, TagSpec, ValueType};
use crate::Name;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The declaration is refused.
    Error,
    /// The declaration is accepted; somebody should look.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The key it is about, from the top: `["devices", "chiller-1", "address"]`.
    pub path: Vec<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path.join("."), self.what, self.remedy)
    }
}

/// Shortest poll interval: what the scheduler and a local device can hold.
const POLL_MIN: Duration = Duration::from_millis(10);
/// Longest poll interval and time-out: an hour, beyond which a value is not live and a wait is a mistake.
const INTERVAL_MAX: Duration = Duration::from_secs(3600);
/// Most devices of a site: ten times what the design promises, so that a runaway generator is caught.
const DEVICES_MAX: usize = 10_000;
/// Most tags of a site: ten times what the design promises; a snapshot of that many stays under 50 MB.
const TAGS_MAX: usize = 100_000;
/// Longest description, unit and guidance, in bytes: a paragraph.
const TEXT_LEN_MAX: usize = 2_000;

/// Everything that is wrong with a declaration, errors and warnings, in the order of its keys.
#[must_use]
pub fn check(site: &SiteSpec) -> Vec<Problem> {
    let mut found = Findings { problems: vec![], path: vec![] };
    found.text("site", "name", &site.name);
    if site.devices.len() > DEVICES_MAX {
        found.error(&["devices"], format!("{} devices are more than {DEVICES_MAX}", site.devices.len()), "split the site");
    }
    let tags: usize = site.devices.values().map(|d| d.tags.len()).sum();
    if tags > TAGS_MAX {
        found.error(&["devices"], format!("{tags} tags are more than {TAGS_MAX}"), "split the site");
    }
    for (name, segment) in &site.segments {
        found.within(&["segments", name.as_str()], |f| f.text("description", "", &segment.description));
    }
    for (name, device) in &site.devices {
        found.within(&["devices", name.as_str()], |f| check_device(f, site, device));
    }
    check_endpoints(&mut found, site);
    found.problems
}

/// Two declarations of one unit would drive it twice, by two nodes even, if they lie in two segments.
fn check_endpoints(found: &mut Findings, site: &SiteSpec) {
    let mut taken: BTreeMap<(&str, u8), &Name> = BTreeMap::new();
    for (name, device) in &site.devices {
        if let Some(other) = taken.insert((&device.address, device.unit_id), name) {
            let what = format!("unit {} at {} is {other} already", device.unit_id, device.address);
            found.error(&["devices", name.as_str(), "address"], what, "put all its tags under one device, or correct address or unit_id");
        }
    }
}

fn check_device(found: &mut Findings, site: &SiteSpec, device: &DeviceSpec) {
    if !site.segments.contains_key(&device.segment) {
        found.error(
            &["segment"],
            format!("there is no segment {:?}", device.segment.as_str()),
            "declare it under [segments] or correct the name",
        );
    }
    found.text("description", "", &device.description);
    if !is_host_port(&device.address) {
        found.error(&["address"], format!("{:?} is not host:port", device.address), "write it like \"10.1.0.40:502\"");
    }
    if device.poll < POLL_MIN || device.poll > INTERVAL_MAX {
        found.error(
            &["poll"],
            format!("{:?} is not between {POLL_MIN:?} and {INTERVAL_MAX:?}", device.poll),
            "choose an interval in that range",
        );
    }
    if device.timeout.is_zero() || device.timeout > INTERVAL_MAX {
        found.error(
            &["timeout"],
            format!("{:?} is not between 1ms and {INTERVAL_MAX:?}", device.timeout),
            "choose a time-out in that range",
        );
    }
    for (name, tag) in &device.tags {
        found.within(&["tags", name.as_str()], |f| check_tag(f, device, name, tag));
    }
    check_overlaps(found, device);
}

fn check_tag(found: &mut Findings, device: &DeviceSpec, name: &Name, tag: &TagSpec) {
    found.text("description", "", &tag.description);
    found.text("unit", "", &tag.unit);
    check_register(found, tag);
    check_numbers(found, tag);
    if let Some(verify) = &tag.verify {
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
    for (i, alarm) in tag.alarms.iter().enumerate() {
        found.within(&["alarms", &i.to_string()], |f| check_alarm(f, tag, alarm));
        if tag.alarms[..i].iter().any(|earlier| earlier.name == alarm.name) {
            found.error(
                &["alarms", &i.to_string(), "name"],
                format!("{name} has two alarms named {:?}", alarm.name.as_str()),
                "give each its own name",
            );
        }
    }
    if !tag.alarms.is_empty() {
        found.warning(
            &["alarms"],
            "alarms are declared, but this version does not evaluate them".into(),
            "keep them; a later version will",
        );
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

fn check_alarm(found: &mut Findings, tag: &TagSpec, alarm: &AlarmSpec) {
    found.text("guidance", "", &alarm.guidance);
    let outside = tag.limits.is_some_and(|l| alarm.limit < l.min || alarm.limit > l.max);
    if !alarm.limit.is_finite() || outside {
        found.error(&["limit"], format!("{} lies outside the tag's range", alarm.limit), "choose a limit within the tag's limits");
    }
    if !tag.value_type.is_number() {
        found.error(&["type"], format!("a {} has no high or low", tag.value_type), "put the alarm on a number");
    }
    if !(alarm.deadband.is_finite() && alarm.deadband >= 0.0) {
        found.error(&["deadband"], format!("{} is not a deadband", alarm.deadband), "give a number that is not negative");
    }
}

/// Two tags may share all of their registers (two views of one value) but not part of them.
fn check_overlaps(found: &mut Findings, device: &DeviceSpec) {
    let mut spans: Vec<(Table, u32, u32, &Name)> = device
        .tags
        .iter()
        .map(|(name, tag)| {
            let from = u32::from(tag.register.address);
            (tag.register.table, from, from + u32::from(tag.value_type.cells()), name)
        })
        .collect();
    spans.sort_unstable();
    // The span that reaches farthest so far: a long one may overlap several behind it.
    let mut farthest: Option<(Table, u32, u32, &Name)> = None;
    for span in spans {
        let (table, from, to, name) = span;
        match farthest.filter(|(t, _, end, _)| *t == table && from < *end) {
            Some((_, f, t, other)) if f == from && t == to => {
                if [name, other].iter().all(|n| device.tags.get(n.as_str()).is_some_and(|t| t.access.is_writable())) {
                    let what = format!("{}:{from} is also written by {other}", table.as_str());
                    found.error(&["tags", name.as_str(), "register"], what, "let one tag write it and make the other read-only");
                }
            }
            Some((_, f, t, other)) => {
                let what = format!("{}:{from} overlaps {other}, which takes {f} to {}", table.as_str(), t - 1);
                found.error(&["tags", name.as_str(), "register"], what, "correct the address or the type of one of them");
                farthest = farthest.filter(|(_, _, end, _)| *end >= to).or(Some(span));
            }
            None => farthest = Some(span),
        }
    }
}

fn is_host_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains(char::is_whitespace)
            && port.bytes().all(|b| b.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|p| p > 0)
    })
}

struct Findings {
    problems: Vec<Problem>,
    path: Vec<String>,
}

impl Findings {
    fn within(&mut self, keys: &[&str], body: impl FnOnce(&mut Self)) {
        let depth = self.path.len();
        self.path.extend(keys.iter().map(|k| (*k).to_owned()));
        body(self);
        self.path.truncate(depth);
    }

    fn add(&mut self, severity: Severity, keys: &[&str], what: String, remedy: &str) {
        let path = self.path.iter().cloned().chain(keys.iter().filter(|k| !k.is_empty()).map(|k| (*k).to_owned())).collect();
        self.problems.push(Problem { severity, path, what, remedy: remedy.to_owned() });
    }

    fn error(&mut self, keys: &[&str], what: String, remedy: &str) {
        self.add(Severity::Error, keys, what, remedy);
    }

    fn warning(&mut self, keys: &[&str], what: String, remedy: &str) {
        self.add(Severity::Warning, keys, what, remedy);
    }

    fn text(&mut self, key: &str, below: &str, text: &str) {
        if text.len() > TEXT_LEN_MAX {
            self.error(&[key, below], format!("{} bytes are more than {TEXT_LEN_MAX}", text.len()), "shorten the text");
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
