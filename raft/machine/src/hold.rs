//! Held tags: what is not written after a takeover until an operator has looked.
//!
//! ```text
//!            a takeover of its segment, if                        an operator confirms
//!   free ---------------------------------------------> held ------------------------------> free
//!            takeover = "hold" and it may have been written
//!            dangerous, protected by the lease alone, and the former owner was lost
//! ```
//!
//! A tag is held by the very entry that grants its segment, so that no setpoint slips in between. While it is held it takes no setpoints,
//! and its owner writes nothing to it; one that was committed before waits for the confirmation as long as its deadline allows.
//!
//! **Why dangerous tags.** A process that is frozen between looking at its lease and sending will send when it goes on. Where a device
//! compares epochs, that write is refused; where only the lease protects it, nobody can tell, so an operator decides. After a planned
//! move the former owner has closed its connections, and there is nothing to fear.

use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::reply::{Effect, Rejection, Reply};
use crate::state::{Cause, Hold, HoldReason};
use crate::text::{ACTOR_LEN_MAX, REASON_LEN_MAX, check_len};
use labkeeper_model::site::{DeviceSpec, Rung, TagSpec, Takeover};
use labkeeper_model::{Epoch, ErrorCode, TagPath};

impl Machine {
    /// Holds the tags of a segment that must be held after a grant for this cause; `former` is the epoch before it.
    pub(crate) fn hold_tags(&mut self, segment: &str, former: Epoch, cause: Cause, effects: &mut Vec<Effect>) {
        let tags = self
            .site
            .tags()
            .filter(|(path, device, tag)| path.segment() == segment && device.segment.as_str() == segment && tag.access.is_writable());
        let held: Vec<(TagPath, HoldReason)> =
            tags.filter_map(|(path, device, tag)| Some((path.clone(), self.why_hold(&path, device, tag, (former, cause))?))).collect();
        if held.is_empty() {
            return;
        }
        let epoch = self.recorded(segment).epoch;
        let names: Vec<&str> = held.iter().map(|(tag, _)| tag.as_str()).collect();
        let detail = format!("held under epoch {epoch} until an operator confirms: {}", names.join(" "));
        self.note(Deed { actor: SELF, action: "hold", target: segment, detail, reason: cause.in_words() });
        for (tag, reason) in held {
            let since = self.holds.get(&tag).map_or(self.time, |earlier| earlier.since);
            self.holds.insert(tag.clone(), Hold { reason, epoch, since, actual: None });
            effects.push(Effect::TagChanged { tag });
        }
    }

    fn why_hold(&self, path: &TagPath, device: &DeviceSpec, tag: &TagSpec, (former, cause): (Epoch, Cause)) -> Option<HoldReason> {
        if tag.dangerous && device.fencing.rung() == Rung::F1 && cause.is_unplanned() {
            return Some(HoldReason::Dangerous);
        }
        // An owner writes before it says so. So whatever was set may have been written, unless nobody ever owned the segment.
        let written = former > 0 && self.setpoints.contains_key(path);
        // A hold lasts over further takeovers.
        let earlier = self.holds.get(path).map(|hold| hold.reason);
        earlier.or((tag.takeover == Takeover::Hold && written).then_some(HoldReason::Policy))
    }

    pub(crate) fn release_hold(&mut self, tag: &TagPath, actor: &str, reason: &str, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        check_len("the actor", actor, ACTOR_LEN_MAX)?;
        check_len("the reason", reason, REASON_LEN_MAX)?;
        if self.site.tag(tag).is_none() {
            return Err(Rejection::new(ErrorCode::UnknownTag, format!("the site has no tag {tag}")));
        }
        // A tag that is not held needs no release: the same wish twice is one.
        let Some(hold) = self.holds.remove(tag) else { return Ok(Reply::Done) };
        let actual = hold.actual.as_ref().map_or_else(|| "not read".to_owned(), |actual| format!("reading {}", crate::text::value(actual)));
        let detail = format!("released ({actual}); it was {}", hold.reason.in_words());
        self.note(Deed { actor, action: "hold", target: tag.as_str(), detail, reason });
        effects.push(Effect::TagChanged { tag: tag.clone() });
        Ok(Reply::Done)
    }
}
