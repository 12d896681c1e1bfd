//! The judge: from the devices' own record of what reached them, and from who was granted what, whether anything was driven
//! by two.
//!
//! ```text
//! epoch 4, lab-a:  claim  write  write |
//! epoch 5, lab-b:                      | claim  write                  innocent
//! epoch 4, lab-a:                      |               claim           harmless: the fence refuses it
//! epoch 4, lab-a:                      |                      write    guilty: epoch 4 after epoch 5
//! ```
//! A device with a fence register tells the epoch under which each write came, so its record alone convicts; whether the fence
//! refused a write is no excuse, since other devices have none. A device without one tells only the sender; then the senders
//! must have taken turns as the segment was granted. Knows nothing of clusters: plain data in, contradictions out.

use std::collections::BTreeMap;

/// Something that reached a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// When, by one clock for all devices: nanoseconds.
    pub at_ns: i64,
    /// The device.
    pub device: String,
    /// The segment that it belongs to.
    pub segment: String,
    /// The node that did it.
    pub by: String,
    /// The epoch that was claimed on the same connection; of a claim, the one that it claims.
    pub epoch: Option<u64>,
    /// Whether it only claims the device's fence. A claim is not convicted for coming late, but what comes after it is.
    pub claim: bool,
    /// What it was, for messages.
    pub what: String,
}

/// A segment was given to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The segment.
    pub segment: String,
    /// Its epoch from then on.
    pub epoch: u64,
    /// The node.
    pub to: String,
    /// When, by the same clock as the deeds: nanoseconds. `None` if the clocks of the nodes cannot be trusted.
    pub at_ns: Option<i64>,
}

/// Everything that is wrong with the deeds (in the order in which they arrived) under the grants (every one that there was).
#[must_use]
pub fn convictions(deeds: &[Deed], grants: &[Grant]) -> Vec<String> {
    let mut devices: BTreeMap<&str, Vec<&Deed>> = BTreeMap::new();
    for deed in deeds {
        devices.entry(&deed.device).or_default().push(deed);
    }
    let mut wrong = Vec::new();
    for deeds in devices.values() {
        let segment = deeds.first().map_or("", |deed| deed.segment.as_str());
        let mut grants: Vec<&Grant> = grants.iter().filter(|grant| grant.segment == segment).collect();
        grants.sort_by_key(|grant| grant.epoch);
        wrong.extend(epochs_that_went_back(deeds));
        wrong.extend(epochs_of_two(deeds));
        wrong.extend(deeds.iter().filter_map(|deed| not_granted(deed, &grants)));
        wrong.extend(out_of_turn(deeds, &grants));
        wrong.extend(deeds.iter().filter_map(|deed| too_late(deed, &grants)));
    }
    wrong
}

fn told(deed: &Deed) -> String {
    let epoch = deed.epoch.map_or_else(|| "no epoch".to_owned(), |epoch| format!("epoch {epoch}"));
    format!("{}: {} by {} under {epoch} at {} ms", deed.device, deed.what, deed.by, deed.at_ns / 1_000_000)
}

/// No write of an epoch comes after anything of a newer one.
fn epochs_that_went_back(deeds: &[&Deed]) -> Vec<String> {
    let mut newest: Option<&Deed> = None;
    let mut wrong = Vec::new();
    for deed in deeds.iter().filter(|deed| deed.epoch.is_some()) {
        match newest {
            Some(newest) if deed.epoch < newest.epoch => {
                wrong.extend((!deed.claim).then(|| format!("{}; before it came {}", told(deed), told(newest))));
            }
            _ => newest = Some(deed),
        }
    }
    wrong
}

/// An epoch belongs to one node.
fn epochs_of_two(deeds: &[&Deed]) -> Vec<String> {
    let mut holders: BTreeMap<u64, &Deed> = BTreeMap::new();
    let mut wrong = Vec::new();
    for deed in deeds {
        let Some(epoch) = deed.epoch else { continue };
        let first = holders.entry(epoch).or_insert(deed);
        if first.by != deed.by {
            wrong.push(format!("{}; the same epoch was used in {}", told(deed), told(first)));
        }
    }
    wrong
}

/// An epoch is used by the node that it was granted to.
fn not_granted(deed: &Deed, grants: &[&Grant]) -> Option<String> {
    let epoch = deed.epoch?;
    let grant = grants.iter().find(|grant| grant.epoch == epoch);
    match grant {
        Some(grant) if grant.to == deed.by => None,
        Some(grant) => Some(format!("{}; the epoch was granted to {}", told(deed), grant.to)),
        None => Some(format!("{}; nobody was granted that epoch", told(deed))),
    }
}

/// Where no epoch is known, nodes take turns in the order of the grants. Each deed is taken to be of the earliest grant that
/// it can be of, which is the reading that leaves most room for what follows.
fn out_of_turn(deeds: &[&Deed], grants: &[&Grant]) -> Vec<String> {
    let mut turn = grants.iter().copied().peekable();
    let mut wrong = Vec::new();
    for deed in deeds.iter().filter(|deed| deed.epoch.is_none()) {
        let before = turn.clone();
        while turn.peek().is_some_and(|grant| grant.to != deed.by) {
            turn.next();
        }
        if turn.peek().is_none() {
            let left: Vec<&str> = before.clone().map(|grant| grant.to.as_str()).collect();
            wrong.push(format!("{}; at this point the segment could only be with {left:?}", told(deed)));
            turn = before;
        }
    }
    wrong
}

/// At each moment only the latest grantee writes.
fn too_late(deed: &Deed, grants: &[&Grant]) -> Option<String> {
    if deed.claim {
        return None;
    }
    let so_far = grants.iter().filter(|grant| grant.at_ns.is_some_and(|at_ns| at_ns < deed.at_ns));
    let latest = so_far.max_by_key(|grant| grant.epoch)?;
    let is_its = deed.epoch.map_or(latest.to == deed.by, |epoch| epoch >= latest.epoch);
    let late_ms = (deed.at_ns - latest.at_ns?) / 1_000_000;
    (!is_its).then(|| format!("{}; epoch {} had been granted to {} {late_ms} ms before", told(deed), latest.epoch, latest.to))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
