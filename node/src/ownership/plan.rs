//! Which buses should run here, and what to start and stop to get there. Pure.

use labkeeper_drivers::bus::{BusSpec, buses};
use labkeeper_machine::Machine;
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{Epoch, NodeId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names a bus: devices of one segment behind one address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BusKey {
    /// The segment.
    pub segment: String,
    /// The address.
    pub address: String,
}

/// A bus as it should run.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The ownership under which it runs.
    pub epoch: Epoch,
    /// Its devices.
    pub spec: BusSpec,
}

/// A step towards what should run.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Stop a bus that should not run, or not like this.
    Stop(BusKey),
    /// Start a bus.
    Start(BusKey, Wanted),
}

/// What a plan was made from. As long as it is the same, the plan is the same; comparing it costs a handful of words where
/// making the plan costs a copy of every device.
#[derive(Clone, Debug, Default)]
pub struct Basis {
    site: Arc<SiteSpec>,
    owned: Vec<(String, Epoch)>,
}

impl Basis {
    /// What `me` owns, and by which declaration.
    #[must_use]
    pub fn of(machine: &Machine, me: NodeId) -> Self {
        let owned = machine.ownerships().filter(|(_, ownership)| ownership.owner == Some(me));
        Self { site: machine.site().clone(), owned: owned.map(|(segment, ownership)| (segment.to_owned(), ownership.epoch)).collect() }
    }

    /// Whether a plan made from `other` still holds.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.site, &other.site) && self.owned == other.owned
    }

    /// The buses that should run.
    #[must_use]
    pub fn wanted(&self) -> BTreeMap<BusKey, Wanted> {
        let mut wanted = BTreeMap::new();
        for (segment, epoch) in &self.owned {
            let devices = self.site.devices.iter().filter(|(_, device)| device.segment.as_str() == segment);
            for spec in buses(devices.map(|(name, device)| (name.clone(), device.clone()))) {
                let key = BusKey { segment: segment.clone(), address: spec.address.clone() };
                wanted.insert(key, Wanted { epoch: *epoch, spec });
            }
        }
        wanted
    }
}

/// What to stop and start, stops first, so that a changed bus lets go of its connection before it is opened anew.
#[must_use]
pub fn plan(wanted: &BTreeMap<BusKey, Wanted>, running: &BTreeMap<&BusKey, &Wanted>) -> Vec<Action> {
    let is_right = |key: &BusKey| wanted.get(key) == running.get(key).copied();
    let stops = running.keys().filter(|key| !is_right(key)).map(|key| Action::Stop((*key).clone()));
    let starts = wanted.iter().filter(|(key, _)| !is_right(key)).map(|(key, bus)| Action::Start(key.clone(), bus.clone()));
    stops.chain(starts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::site::DriverKind;

    fn bus(address: &str, epoch: Epoch) -> (BusKey, Wanted) {
        let key = BusKey { segment: "cryo".into(), address: address.into() };
        (key, Wanted { epoch, spec: BusSpec { driver: DriverKind::ModbusTcp, address: address.into(), devices: BTreeMap::new() } })
    }

    #[test]
    fn what_is_right_is_left_alone() {
        let all: BTreeMap<_, _> = [bus("a:1", 1), bus("b:1", 1)].into();
        assert_eq!(plan(&all, &all.iter().collect()), []);
    }

    #[test]
    fn what_changed_is_stopped_before_it_is_started() {
        let running: BTreeMap<_, _> = [bus("a:1", 1), bus("b:1", 1)].into();
        let wanted: BTreeMap<_, _> = [bus("b:1", 2), bus("c:1", 2)].into();
        let keys: Vec<String> = plan(&wanted, &running.iter().collect())
            .into_iter()
            .map(|action| match action {
                Action::Stop(key) => format!("-{}", key.address),
                Action::Start(key, bus) => format!("+{}@{}", key.address, bus.epoch),
            })
            .collect();
        assert_eq!(keys, ["-a:1", "-b:1", "+b:1@2", "+c:1@2"]);
    }
}
