//! Devices that have left a segment, until whoever drove them has let go.
//!
//! ```text
//!              a declaration moves or removes a device          its owner says that it drives by that declaration
//!   (driven) ------------------------------------------> departing ------------------------------------------> (free)
//!                                                              its session ends
//! ```
//!
//! A declaration is in force when it is committed, but an owner drives by the one that it has applied. If its replica lags, it goes on
//! with a device that belongs to somebody else's segment; its lease, which is the node's and not the device's, does not stop it. So
//! nobody else writes to a device's address before its earlier owner has said that it lets go, or has no session any more, which is
//! the same: a session ends after the last connection of the node is closed, or cannot be written to.
//!
//! No clock is involved, and what is lost is said again: the owner repeats it as long as the state asks for it.

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{NodeId, SessionId};
use std::collections::{BTreeMap, BTreeSet};

/// By address: who may still be driving it, as session and the first version of the declaration in which it is not theirs.
pub type Departures = BTreeMap<String, BTreeMap<SessionId, u64>>;

impl Machine {
    /// Whether a session other than this one may still be driving what is at this address.
    #[must_use]
    pub fn is_departing(&self, address: &str, session: SessionId) -> bool {
        self.departures.get(address).is_some_and(|sessions| sessions.keys().any(|other| *other != session))
    }

    /// The version of the declaration by which a session's node must drive for its departed devices to be free; `None` if it has none.
    #[must_use]
    pub fn departure_wanted(&self, session: SessionId) -> Option<u64> {
        self.departures.values().filter_map(|sessions| sessions.get(&session)).copied().max()
    }

    /// Notes what is not driven any more by its present owner under the declaration that comes into force as `version`.
    pub(crate) fn note_departures(&mut self, next: &SiteSpec, version: u64) {
        let stays: BTreeSet<(&str, &str)> =
            next.devices.values().map(|device| (device.segment.as_str(), device.address.as_str())).collect();
        let leaving = self.site.devices.values().filter(|device| !stays.contains(&(device.segment.as_str(), device.address.as_str())));
        let driven: Vec<(String, SessionId)> = leaving
            .map(|device| (device.address.clone(), self.recorded(device.segment.as_str()).session))
            .filter(|(_, session)| *session != 0)
            .collect();
        for (address, session) in driven {
            self.departures.entry(address).or_default().insert(session, version);
        }
    }

    /// An owner drives by this version of the declaration or a later one: what had left its segments before is free.
    pub(crate) fn confirm_site(
        &mut self,
        node: NodeId,
        session: SessionId,
        version: u64,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        self.held_session(node, session)?;
        self.end_departures(session, version, effects);
        Ok(Reply::Done)
    }

    /// Frees what a session may have been driving by declarations up to this version; of all of them when it has ended.
    pub(crate) fn end_departures(&mut self, session: SessionId, version: u64, effects: &mut Vec<Effect>) {
        let before = self.departures.len();
        self.departures.retain(|_, sessions| {
            sessions.retain(|departing, left_in| *departing != session || *left_in > version);
            !sessions.is_empty()
        });
        if self.departures.len() != before {
            effects.push(Effect::SiteChanged);
        }
    }
}
