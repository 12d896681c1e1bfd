//! Devices that their owner leaves alone, because their driver failed too often.
//!
//! Quarantine is the owner's decision and holds under its epoch: another owner, or the same one started again, tries anew.

use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::reply::{Effect, Rejection, Reply};
use crate::state::Quarantine;
use crate::text::{MESSAGE_LEN_MAX, cut};
use labkeeper_model::{Epoch, ErrorCode, Name, NodeId};

impl Machine {
    pub(crate) fn set_quarantine(
        &mut self,
        node: NodeId,
        device: Name,
        epoch: Epoch,
        reason: Option<String>,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        let segment = self.site.devices.get(&device).map(|spec| spec.segment.clone());
        let segment = segment.ok_or_else(|| Rejection::new(ErrorCode::BadRequest, format!("the site has no device {device}")))?;
        self.owned_under(node, segment.as_str(), epoch)?;
        let reason = reason.map(|reason| cut(reason, MESSAGE_LEN_MAX));
        let known = self.quarantined.get(&device).map(|known| &known.reason);
        if known == reason.as_ref() {
            return Ok(Reply::Done);
        }
        match reason {
            Some(reason) => {
                self.note_quarantine(&device, format!("quarantined: {reason}"));
                self.quarantined.insert(device.clone(), Quarantine { node, epoch, since: self.time, reason, segment });
            }
            None => {
                self.note_quarantine(&device, "released".to_owned());
                self.quarantined.remove(&device);
            }
        }
        effects.push(Effect::DeviceChanged { device });
        Ok(Reply::Done)
    }

    /// Ends the quarantines of a segment that was granted anew.
    pub(crate) fn end_quarantines(&mut self, segment: &str, effects: &mut Vec<Effect>) {
        let of_segment = self.quarantined.iter().filter(|(_, quarantine)| quarantine.segment.as_str() == segment);
        for device in of_segment.map(|(device, _)| device.clone()).collect::<Vec<_>>() {
            self.quarantined.remove(&device);
            self.note_quarantine(&device, format!("released: {segment} was granted anew"));
            effects.push(Effect::DeviceChanged { device });
        }
    }

    fn note_quarantine(&mut self, device: &Name, detail: String) {
        self.note(Deed { actor: SELF, action: "quarantine", target: device.as_str(), detail, reason: "" });
    }
}
