//! What the whole site agrees on: segments, devices and tags. Replicated, versioned, checked as a whole.
//!
//! These are declarations only: nothing here connects, polls or decides. [`check`] says what is wrong with one;
//! a declaration with an error is refused as a whole and changes nothing.

mod alarm;
mod check;
mod device;
mod register;
mod tag;

pub use alarm::{AlarmKind, AlarmSpec, Priority};
pub use check::{Problem, Severity, check};
pub use device::{DeviceSpec, DriverKind};
pub use register::{Register, Table, ValueType, WordOrder};
pub use tag::{Access, Limits, TagSpec, Takeover, UnfitValue, Verify};

use crate::{Name, TagPath};
use std::collections::BTreeMap;

/// The site's declaration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SiteSpec {
    /// What people call the lab.
    pub name: String,
    /// Its segments by name.
    pub segments: BTreeMap<Name, SegmentSpec>,
    /// Its devices by name; device names are unique in the site.
    pub devices: BTreeMap<Name, DeviceSpec>,
}

/// A lab area's network segment: the unit that is owned by exactly one node at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentSpec {
    /// For people.
    pub description: String,
    /// The node that should own it when it can.
    pub home: Option<Name>,
}

impl SiteSpec {
    /// The declaration of a tag.
    #[must_use]
    pub fn tag(&self, path: &TagPath) -> Option<(&DeviceSpec, &TagSpec)> {
        let device = self.devices.get(path.device())?;
        (device.segment.as_str() == path.segment()).then_some(())?;
        Some((device, device.tags.get(path.tag())?))
    }

    /// Every tag with its declaration, ordered by device and tag name.
    pub fn tags(&self) -> impl Iterator<Item = (TagPath, &DeviceSpec, &TagSpec)> {
        self.devices
            .iter()
            .flat_map(|(name, device)| device.tags.iter().map(move |(tag, spec)| (TagPath::new(&device.segment, name, tag), device, spec)))
    }
}
