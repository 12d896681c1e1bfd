//! What the whole site agrees on: segments, devices and tags. Replicated, versioned, checked as a whole.
//!
//! These are declarations only: nothing here connects, polls or decides. [`check`] says what is wrong with one;
//! a declaration with an error is refused as a whole and changes nothing.

mod alarm;
mod check;
mod device;
mod fencing;
mod interlock;
mod notify;
mod register;
mod tag;
mod takeover_time;

pub use alarm::{AlarmClass, AlarmKind, AlarmSpec, Guidance, Levels, Priority};
pub use check::{ELECTION_DEFAULT, Problem, Severity, check};
pub use device::{DeviceSpec, DriverKind, OnLeaseLoss};
pub use fencing::{Fencing, Rung};
pub use interlock::{ConditionSpec, InterlockSpec, Stage};
pub use notify::{MailSpec, RouteSpec};
pub use register::{Register, Table, ValueType, WordOrder};
pub use tag::{Access, ActionSpec, Limits, TagSpec, Takeover, UnfitValue, Verify};
pub use takeover_time::TakeoverTime;

use crate::{Name, TagPath};
use std::collections::BTreeMap;
use std::time::Duration;

/// The site's declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteSpec {
    /// What people call the lab.
    pub name: String,
    /// How long a segment's home must have been alive before it gets the segment back; `None` leaves the segment where it is.
    pub failback: Option<Duration>,
    /// Its segments by name.
    pub segments: BTreeMap<Name, SegmentSpec>,
    /// Its devices by name; device names are unique in the site.
    pub devices: BTreeMap<Name, DeviceSpec>,
    /// Sets of devices that are taken control of together.
    pub groups: BTreeMap<Name, Vec<Name>>,
    /// Named expressions.
    pub conditions: BTreeMap<Name, ConditionSpec>,
    /// Its interlocks.
    pub interlocks: BTreeMap<Name, InterlockSpec>,
    /// The classes of its alarms.
    pub classes: BTreeMap<Name, AlarmClass>,
    /// Who is told about alarms.
    pub routes: BTreeMap<Name, RouteSpec>,
    /// The mail server, if any route has an address. Boxed, as a declaration travels among commands that are much smaller.
    pub mail: Option<Box<MailSpec>>,
}

/// A lab area's network segment: the unit that is owned by exactly one node at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentSpec {
    /// For people.
    pub description: String,
    /// The node that should own it when it can.
    pub home: Option<Name>,
}

impl Default for SiteSpec {
    /// An empty site, with the defaults of a site file.
    fn default() -> Self {
        Self {
            name: String::new(),
            failback: Some(Self::FAILBACK_DEFAULT),
            segments: BTreeMap::new(),
            devices: BTreeMap::new(),
            groups: BTreeMap::new(),
            conditions: BTreeMap::new(),
            interlocks: BTreeMap::new(),
            classes: BTreeMap::new(),
            routes: BTreeMap::new(),
            mail: None,
        }
    }
}

impl SiteSpec {
    /// Home return where a site file says nothing: a node that crashes again and again does so within half a minute, and should not
    /// take its devices with it each time.
    pub const FAILBACK_DEFAULT: Duration = Duration::from_secs(30);

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
