//! Which alarms there are, and which rules each follows.

use super::system;
use crate::Machine;
use labkeeper_alarm::Rules;
use labkeeper_model::AlarmId;
use labkeeper_model::site::{AlarmClass, AlarmSpec, DeviceSpec, Priority, TagSpec};

/// What the site declares of a tag's alarm.
#[derive(Clone, Copy, Debug)]
pub struct DeclaredAlarm<'a> {
    /// The device of its tag.
    pub device: &'a DeviceSpec,
    /// Its tag.
    pub tag: &'a TagSpec,
    /// The alarm.
    pub spec: &'a AlarmSpec,
}

impl Machine {
    /// What the site declares of an alarm; `None` if it is no tag's.
    #[must_use]
    pub fn declared_alarm(&self, id: &AlarmId) -> Option<DeclaredAlarm<'_>> {
        let (path, name) = id.tag_and_name()?;
        let (device, tag) = self.site.tag(&path)?;
        let spec = tag.alarms.iter().find(|spec| spec.name.as_str() == name)?;
        Some(DeclaredAlarm { device, tag, spec })
    }

    /// The device whose communication fault it is.
    pub(super) fn faulty_device(&self, id: &AlarmId) -> Option<&DeviceSpec> {
        let mut parts = id.as_str().split('/');
        let (segment, device) = (parts.next()?, parts.next()?);
        (parts.next() == Some("comm-fault") && parts.next().is_none()).then_some(())?;
        self.site.devices.get(device).filter(|spec| spec.segment.as_str() == segment)
    }

    /// Whether an owner of its segment may speak of it.
    pub(super) fn is_field_alarm(&self, id: &AlarmId) -> bool {
        self.declared_alarm(id).is_some() || self.faulty_device(id).is_some()
    }

    /// Whether it exists as long as the site is declared as it is; any other is forgotten when there is nothing to say.
    pub(crate) fn is_declared_alarm(&self, id: &AlarmId) -> bool {
        self.is_field_alarm(id) || self.interlock_of(id).is_some() || self.is_system_alarm_of_site(id)
    }

    /// The priority of the interlock that it is about.
    pub(super) fn interlock_of(&self, id: &AlarmId) -> Option<Priority> {
        let rest = id.as_str().strip_prefix("interlock/")?;
        let (name, what) = rest.split_once('/')?;
        matches!(what, "tripped" | "defeated").then_some(())?;
        self.site.interlocks.get(name).map(|spec| spec.priority)
    }

    /// The rules of an alarm; `None` if there is no such alarm.
    pub(super) fn alarm_rules(&self, id: &AlarmId) -> Option<Rules> {
        if let Some(declared) = self.declared_alarm(id) {
            let class = declared.spec.class.as_ref().and_then(|class| self.site.classes.get(class));
            return Some(Rules::of(declared.spec, class.unwrap_or(&AlarmClass::default())));
        }
        if let Some(device) = self.faulty_device(id) {
            return Some(Rules::plain(device.comm_priority));
        }
        let exists = self.is_declared_alarm(id) || self.alarms.get(id).is_some();
        exists.then(|| self.internal_rules(id, None))
    }

    /// The rules of an alarm that the machine finds by itself; the priority is the one given, or that of its record, or its kind's.
    pub(super) fn internal_rules(&self, id: &AlarmId, priority: Option<Priority>) -> Rules {
        let recorded = self.alarms.get(id).map(|alarm| alarm.priority);
        let priority = priority.or(recorded).or(self.interlock_of(id)).unwrap_or_else(|| system::priority(id));
        system::rules(id, priority)
    }
}
