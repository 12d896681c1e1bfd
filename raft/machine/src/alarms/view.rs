//! Reading the alarms.

use super::{Flood, JournalEntry};
use crate::Machine;
use labkeeper_alarm::Alarm;
use labkeeper_model::site::TagSpec;
use labkeeper_model::{AlarmId, Name, TagPath};
use std::sync::Arc;

impl Machine {
    /// An alarm; `None` if there is no such alarm. One that was never more than normal has no occurrence.
    #[must_use]
    pub fn alarm(&self, id: &AlarmId) -> Option<Arc<Alarm>> {
        let derived = || Some(Arc::new(Alarm::new(self.alarm_rules(id)?.priority)));
        self.alarms.get(id).cloned().or_else(derived)
    }

    /// Every alarm, by identity: those that the site declares, and those about itself that have something to say. Costs a path for each.
    #[must_use]
    pub fn alarms(&self) -> Vec<(AlarmId, Arc<Alarm>)> {
        let mut ids: Vec<AlarmId> = self.declared_alarms().chain(self.alarms.records().keys().cloned()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| Some((self.alarm(&id)?, id))).map(|(alarm, id)| (id, alarm)).collect()
    }

    /// Those that were ever more than normal, or are overridden, by identity.
    pub fn alarm_records(&self) -> impl Iterator<Item = (&AlarmId, &Arc<Alarm>)> {
        self.alarms.records().iter()
    }

    /// The changes of alarms, oldest first.
    pub fn alarm_journal(&self) -> impl DoubleEndedIterator<Item = &Arc<JournalEntry>> {
        self.alarms.journal()
    }

    /// The floods that last, by area, and then those that are over, newest first.
    pub fn floods(&self) -> impl Iterator<Item = &Flood> {
        let floods = self.alarms.floods();
        floods.areas.values().filter_map(|area| area.flood.as_ref()).chain(floods.past.iter().rev())
    }

    /// Those of a segment's tags, whether they have occurred or not.
    pub(super) fn alarms_of_tags(&self, segment: &Name) -> Vec<AlarmId> {
        let ours = self.site.tags().filter(|(path, ..)| path.segment() == segment.as_str());
        ours.flat_map(|(path, _, tag)| of_tag(&path, tag)).collect()
    }

    /// What the site declares, whether it has occurred or not.
    fn declared_alarms(&self) -> impl Iterator<Item = AlarmId> {
        let of_tags = self.site.tags().flat_map(|(path, _, tag)| of_tag(&path, tag));
        let comm_faults = self.site.devices.iter().map(|(name, device)| AlarmId::comm_fault(&device.segment, name));
        let interlocks =
            self.site.interlocks.keys().flat_map(|name: &Name| [AlarmId::interlock_tripped(name), AlarmId::interlock_defeated(name)]);
        of_tags.chain(comm_faults).chain(interlocks)
    }
}

fn of_tag(path: &TagPath, tag: &TagSpec) -> Vec<AlarmId> {
    tag.alarms.iter().map(|spec| AlarmId::of_tag(path, &spec.name)).collect()
}
