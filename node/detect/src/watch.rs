//! All alarms of one segment: who wants which reading, and whose words wait.
//!
//! It knows nothing of how readings come and how words reach the log.

use crate::Word;
use crate::comm_fault::{Answering, CommFault};
use crate::detector::Detector;
use crate::inputs::{Inputs, Now};
use crate::word::Recorded;
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{AlarmId, Name, Sample, TagPath, Timestamp, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A word on its way to the log. With its alarm, its time says which word it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Spoken {
    /// What it is about.
    pub alarm: AlarmId,
    /// When it was found; later than any earlier word of the alarm.
    pub at: Timestamp,
    /// The word.
    pub word: Word,
}

/// The detectors of one segment.
pub struct Watch {
    segment: Name,
    detectors: BTreeMap<AlarmId, Detector>,
    faults: BTreeMap<AlarmId, CommFault>,
    /// Who wants the readings of a tag.
    listeners: BTreeMap<TagPath, Vec<AlarmId>>,
    /// Who may have words that wait.
    speaking: BTreeSet<AlarmId>,
}

impl Watch {
    /// The alarms that a site declares for a segment, each going on from what the machine has.
    #[must_use]
    pub fn new(site: &SiteSpec, segment: &Name, recorded: &dyn Fn(&AlarmId) -> Recorded, now: Now) -> Self {
        let mut watch = Self {
            segment: segment.clone(),
            detectors: BTreeMap::new(),
            faults: BTreeMap::new(),
            listeners: BTreeMap::new(),
            speaking: BTreeSet::new(),
        };
        for (name, device) in site.devices.iter().filter(|(_, device)| device.segment == *segment) {
            let id = AlarmId::comm_fault(segment, name);
            let fault = recorded(&id);
            watch.faults.insert(id, CommFault::new(fault, now));
            for (tag, spec) in device.tags.iter().flat_map(|(tag, spec)| spec.alarms.iter().map(move |alarm| (tag, alarm))) {
                let id = AlarmId::of_tag(&TagPath::new(segment, name, tag), &spec.name);
                let mut detector = Detector::new((name, device), tag, spec, site, recorded(&id), now);
                if fault.level.is_active() {
                    detector.expect_silence();
                }
                for source in detector.sources() {
                    watch.listeners.entry(source).or_default().push(id.clone());
                }
                watch.detectors.insert(id, detector);
            }
        }
        watch
    }

    /// The tags whose readings are wanted.
    pub fn sources(&self) -> impl Iterator<Item = &TagPath> {
        self.listeners.keys()
    }

    /// The alarms.
    pub fn alarms(&self) -> impl Iterator<Item = &AlarmId> {
        self.detectors.keys().chain(self.faults.keys())
    }

    /// What a tag was last known to be, by whoever read it before this watch began.
    pub fn handle_last_known(&mut self, tag: &TagPath, value: &Value) {
        for id in self.listeners.get(tag).into_iter().flatten() {
            if let Some(detector) = self.detectors.get_mut(id) {
                detector.handle_last_known(value.clone());
            }
        }
    }

    /// Takes a reading.
    pub fn handle_sample(&mut self, tag: &TagPath, sample: &Sample, now: Now, inputs: &dyn Inputs) {
        for id in self.listeners.get(tag).into_iter().flatten() {
            let Some(detector) = self.detectors.get_mut(id) else { continue };
            detector.handle_sample(sample, now, inputs);
            if !detector.words().is_empty() {
                self.speaking.insert(id.clone());
            }
        }
    }

    /// Takes whether a device answers; to be called again as time passes.
    pub fn handle_device(&mut self, device: &Name, answering: Answering, now: Now) {
        let id = AlarmId::comm_fault(&self.segment, device);
        let Some(fault) = self.faults.get_mut(&id) else { return };
        fault.handle(answering, now);
        if !fault.words().is_empty() {
            self.speaking.insert(id);
        }
    }

    /// Takes that time has passed.
    pub fn handle_time(&mut self, now: Now, inputs: &dyn Inputs) {
        for (id, detector) in &mut self.detectors {
            detector.handle_time(now, inputs);
            if !detector.words().is_empty() {
                self.speaking.insert(id.clone());
            }
        }
    }

    /// The words that wait, oldest first, at most so many. Those of one alarm are in their order.
    #[must_use]
    pub fn pending(&self, words_max: usize) -> Vec<Spoken> {
        let words = |id: &AlarmId| self.words(id).map(|(at, word)| (at, id.clone(), word)).collect::<Vec<_>>();
        let mut pending: Vec<_> = self.speaking.iter().flat_map(words).collect();
        pending.sort_by_key(|(at, ..)| *at);
        pending.truncate(words_max);
        pending.into_iter().map(|(at, alarm, word)| Spoken { alarm, at, word }).collect()
    }

    /// The log has these words.
    pub fn delivered(&mut self, words: &[Spoken]) {
        for Spoken { alarm, at, .. } in words {
            if let Some(detector) = self.detectors.get_mut(alarm) {
                detector.delivered(*at);
            }
            if let Some(fault) = self.faults.get_mut(alarm) {
                fault.delivered(*at);
            }
        }
        self.forget_the_silent();
    }

    /// Compares everything with what the machine has, which must not be older than the last word that was delivered.
    pub fn settle(&mut self, recorded: &dyn Fn(&AlarmId) -> Recorded) {
        self.detectors.iter_mut().for_each(|(id, detector)| detector.settle(recorded(id)));
        self.faults.iter_mut().for_each(|(id, fault)| fault.settle(recorded(id)));
        self.forget_the_silent();
    }

    fn words(&self, id: &AlarmId) -> impl Iterator<Item = (Timestamp, Word)> {
        self.queue(id).into_iter().flatten().cloned()
    }

    fn queue(&self, id: &AlarmId) -> Option<&VecDeque<(Timestamp, Word)>> {
        self.detectors.get(id).map(Detector::words).or_else(|| self.faults.get(id).map(CommFault::words))
    }

    fn forget_the_silent(&mut self) {
        let mut speaking = std::mem::take(&mut self.speaking);
        speaking.retain(|id| self.queue(id).is_some_and(|words| !words.is_empty()));
        self.speaking = speaking;
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
