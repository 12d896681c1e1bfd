//! What somebody takes control of: a device, every device of a segment, or a group of devices that the site declares.
//!
//! Written `device/chiller-1`, `segment/cryo`, `group/cryostat`. Knows nothing of who has taken control.

use crate::Name;
use crate::site::SiteSpec;
use std::fmt;

/// What control is taken of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One device.
    Device(Name),
    /// Every device of a segment.
    Segment(Name),
    /// Every device of a group.
    Group(Name),
}

impl Scope {
    /// Reads `device/NAME`, `segment/NAME` or `group/NAME`; `None` if it is none of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('/')?;
        let name = Name::new(name).ok()?;
        match kind {
            "device" => Some(Self::Device(name)),
            "segment" => Some(Self::Segment(name)),
            "group" => Some(Self::Group(name)),
            _ => None,
        }
    }

    /// The word before the slash.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Device(_) => "device",
            Self::Segment(_) => "segment",
            Self::Group(_) => "group",
        }
    }

    /// The name behind the slash.
    #[must_use]
    pub const fn name(&self) -> &Name {
        match self {
            Self::Device(name) | Self::Segment(name) | Self::Group(name) => name,
        }
    }

    /// Whether a site declares it.
    #[must_use]
    pub fn is_declared(&self, site: &SiteSpec) -> bool {
        match self {
            Self::Device(name) => site.devices.contains_key(name),
            Self::Segment(name) => site.segments.contains_key(name),
            Self::Group(name) => site.groups.contains_key(name),
        }
    }

    /// Whether a device of a site belongs to it; `device` is the device's name.
    #[must_use]
    pub fn covers(&self, site: &SiteSpec, device: &str) -> bool {
        let Some(spec) = site.devices.get(device) else { return false };
        match self {
            Self::Device(name) => name.as_str() == device,
            Self::Segment(name) => spec.segment == *name,
            Self::Group(name) => site.groups.get(name).is_some_and(|group| group.iter().any(|member| member.as_str() == device)),
        }
    }

    /// Whether it is the same as another one, or shares a device with it.
    #[must_use]
    pub fn overlaps(&self, other: &Self, site: &SiteSpec) -> bool {
        self == other || site.devices.keys().any(|device| self.covers(site, device.as_str()) && other.covers(site, device.as_str()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{DeviceSpec, SegmentSpec};

    fn name(text: &str) -> Name {
        Name::new(text).expect("a name")
    }

    fn scope(text: &str) -> Scope {
        Scope::parse(text).expect("a scope")
    }

    /// Segments cryo (d1, d2) and hall (d3); a group of d2 and d3.
    fn site() -> SiteSpec {
        let device = |segment| DeviceSpec { segment: name(segment), ..DeviceSpec::default() };
        SiteSpec {
            segments: ["cryo", "hall"].map(|segment| (name(segment), SegmentSpec::default())).into(),
            devices: [("d1", "cryo"), ("d2", "cryo"), ("d3", "hall")].map(|(d, segment)| (name(d), device(segment))).into(),
            groups: [(name("pair"), vec![name("d2"), name("d3")])].into(),
            ..SiteSpec::default()
        }
    }

    #[test]
    fn a_scope_is_a_kind_and_a_name() {
        for good in ["device/d1", "segment/cryo", "group/pair"] {
            assert_eq!(scope(good).to_string(), good);
            assert!(scope(good).is_declared(&site()), "{good}");
        }
        for bad in ["", "cryo", "device/", "tag/x", "device/a/b"] {
            assert_eq!(Scope::parse(bad), None, "{bad:?}");
        }
        assert!(!scope("group/cryo").is_declared(&site()), "a segment is no group");
    }

    #[test]
    fn scopes_overlap_in_a_device() {
        let cases = [
            ("device/d1", "segment/cryo", true),
            ("device/d3", "segment/cryo", false),
            ("segment/cryo", "group/pair", true),
            ("device/d1", "group/pair", false),
            ("segment/cryo", "segment/hall", false),
            ("group/ghost", "group/ghost", true),
        ];
        for (a, b, overlap) in cases {
            assert_eq!(scope(a).overlaps(&scope(b), &site()), overlap, "{a} and {b}");
            assert_eq!(scope(b).overlaps(&scope(a), &site()), overlap, "{b} and {a}");
        }
    }
}
