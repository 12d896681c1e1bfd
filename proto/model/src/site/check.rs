//! What is wrong with a site's declaration, found without a device, a file or a network.
//!
//! Each finding names the key it is about, so that whoever read the declaration from a file can point at a line.

mod alarm;
mod fencing;
mod findings;
mod guard;
mod notify;
mod tag;

pub use fencing::ELECTION_DEFAULT;
use findings::Findings;

use super::{DeviceSpec, SiteSpec, Table};
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
/// Shortest wait before a segment goes home: below two renewals a node that comes and goes would take its devices with it.
const FAILBACK_MIN: Duration = Duration::from_secs(1);
/// Most devices of a site: ten times what the design promises, so that a runaway generator is caught.
const DEVICES_MAX: usize = 10_000;
/// Most tags of a site: ten times what the design promises; a snapshot of that many stays under 50 MB.
const TAGS_MAX: usize = 100_000;

/// Everything that is wrong with a declaration, errors and warnings, in the order of its keys.
#[must_use]
pub fn check(site: &SiteSpec) -> Vec<Problem> {
    let mut found = Findings::default();
    found.text("site", "name", &site.name);
    if let Some(failback) = site.failback.filter(|f| *f < FAILBACK_MIN || *f > INTERVAL_MAX) {
        let what = format!("{failback:?} is not between {FAILBACK_MIN:?} and {INTERVAL_MAX:?}");
        found.error(&["site", "failback"], what, "choose a time in that range, or \"off\"");
    }
    if site.devices.len() > DEVICES_MAX {
        found.error(&["devices"], format!("{} devices are more than {DEVICES_MAX}", site.devices.len()), "split the site");
    }
    let tags: usize = site.devices.values().map(|d| d.tags.len()).sum();
    if tags > TAGS_MAX {
        found.error(&["devices"], format!("{tags} tags are more than {TAGS_MAX}"), "split the site");
    }
    for (name, segment) in &site.segments {
        found.within(&["segments", name.as_str()], |f| {
            f.text("description", "", &segment.description);
            if guard::RESERVED.contains(&name.as_str()) {
                f.error(&[], "the name belongs to alarms of the site itself".into(), "choose another name");
            }
        });
    }
    for (name, device) in &site.devices {
        found.within(&["devices", name.as_str()], |f| check_device(f, site, device));
    }
    check_endpoints(&mut found, site);
    guard::check(&mut found, site);
    notify::check(&mut found, site);
    for (name, class) in &site.classes {
        found.within(&["classes", name.as_str()], |f| alarm::check_class(f, class));
    }
    fencing::check_shared(&mut found, site);
    found.into_problems()
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
        found.within(&["tags", name.as_str()], |f| tag::check(f, site, device, name, tag));
    }
    check_overlaps(found, device);
    fencing::check(found, device);
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

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
