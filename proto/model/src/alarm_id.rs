//! The identity of an alarm: a path that tells what it is about.
//!
//! ```text
//! segment/device/tag/alarm     an alarm that a tag declares
//! segment/device/comm-fault    the device does not answer
//! interlock/NAME/tripped       an interlock's requirement does not hold
//! interlock/NAME/defeated      somebody has taken it out of force for a time
//! system/KIND/SUBJECT          about the site itself: system/node-lost/lab-a
//! ```
//!
//! Together with the number of the occurrence it is the identity of an event, the same on every node.

use crate::name::NAME_LEN_MAX;
use crate::{Name, TagPath};
use std::borrow::Borrow;
use std::fmt;

/// The identity of an alarm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmId(String);

impl AlarmId {
    /// Longest text: four names and their slashes.
    pub const LEN_MAX: usize = 4 * NAME_LEN_MAX + 3;

    /// An alarm that a tag declares.
    #[must_use]
    pub fn of_tag(tag: &TagPath, alarm: &Name) -> Self {
        Self(format!("{tag}/{alarm}"))
    }

    /// That a device does not answer.
    #[must_use]
    pub fn comm_fault(segment: &Name, device: &Name) -> Self {
        Self(format!("{segment}/{device}/comm-fault"))
    }

    /// Something about the site itself.
    #[must_use]
    pub fn system(kind: &Name, subject: &Name) -> Self {
        Self(format!("system/{kind}/{subject}"))
    }

    /// That a route of notices reaches nobody.
    #[must_use]
    pub fn notify_failed(route: &Name) -> Self {
        Self(format!("system/notify-failed/{route}"))
    }

    /// What a test of a route is about, which is no alarm.
    #[must_use]
    pub fn notify_test(route: &Name) -> Self {
        Self(format!("system/notify-test/{route}"))
    }

    /// That an interlock has tripped.
    #[must_use]
    pub fn interlock_tripped(interlock: &Name) -> Self {
        Self(format!("interlock/{interlock}/tripped"))
    }

    /// That an interlock is defeated.
    #[must_use]
    pub fn interlock_defeated(interlock: &Name) -> Self {
        Self(format!("interlock/{interlock}/defeated"))
    }

    /// Reads a path of three or four names; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_path = matches!(parts.len(), 3 | 4) && parts.iter().all(|part| Name::new(part).is_ok());
        is_path.then(|| Self(text.to_owned()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first name: a segment, `system` or `interlock`.
    #[must_use]
    pub fn area(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The tag and the alarm's name, if a tag declares it.
    #[must_use]
    pub fn tag_and_name(&self) -> Option<(TagPath, &str)> {
        let (tag, name) = self.0.rsplit_once('/')?;
        Some((TagPath::parse(tag).ok()?, name))
    }
}

impl Borrow<str> for AlarmId {
    /// Equal and ordered as its text, so that maps find all alarms below a path.
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AlarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_three_or_four_names_is_an_alarm() {
        for good in ["cryo/chiller-1/comm-fault", "cryo/chiller-1/temperature/high", "system/node-lost/lab-a"] {
            assert_eq!(AlarmId::parse(good).map(|id| id.to_string()).as_deref(), Some(good));
        }
        for bad in ["", "cryo", "cryo/chiller-1", "a/b/c/d/e", "a//c", "a/b/", "A b/c/d"] {
            assert_eq!(AlarmId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_tag_comes_back() {
        let tag = TagPath::parse("cryo/chiller-1/temperature").expect("a tag");
        let id = AlarmId::of_tag(&tag, &Name::new("high").expect("a name"));
        assert_eq!(id.tag_and_name(), Some((tag, "high")));
        assert_eq!(AlarmId::parse("system/node-lost/lab-a").and_then(|id| id.tag_and_name().map(|_| ())), None);
    }
}
