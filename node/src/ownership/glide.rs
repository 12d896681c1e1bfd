//! A takeover's policy that drives a tag to a value, where the tag is declared to be approached step by step.
//!
//! It has no command, so nobody waits for it, and the device's commands do not either: a newer setpoint of the tag ends it at once. It
//! begins at what was read, as every ramp does.

use super::runner::rest;
use super::segment::Segment;
use crate::clock;
use labkeeper_drivers::bus::BusHandle;
use labkeeper_model::{Name, Revision, TagPath, Value};
use labkeeper_ownership::ramp::{Manner, Ramp, as_value};
use std::sync::Arc;

/// One tag on its way to where a policy wants it.
pub struct Glide {
    segment: Arc<Segment>,
    handle: BusHandle,
    device: Name,
    name: Name,
    tag: TagPath,
    target: Value,
    ramp: Ramp,
    /// The setpoint for which the policy was asked.
    revision: Revision,
}

impl Glide {
    /// From what the tag reads to a value; `None` if it is not declared to be approached step by step, or cannot be.
    #[must_use]
    pub fn new(segment: &Arc<Segment>, device: &Name, tag: &TagPath, target: &Value) -> Option<Self> {
        let (device_spec, spec) = segment.site.tag(tag)?;
        let manner = Manner::of(device_spec, spec, None)?;
        let name = Name::new(tag.tag()).ok()?;
        let reading = segment.readings(device).get(&name)?.value.as_ref()?.as_f64()?;
        let ramp = Ramp::new(reading, target.as_f64()?, manner, clock::boot());
        let (handle, revision) = (segment.bus_of(device)?.clone(), revision(segment, tag)?);
        Some(Self {
            segment: Arc::clone(segment),
            handle,
            device: device.clone(),
            name,
            tag: tag.clone(),
            target: target.clone(),
            ramp,
            revision,
        })
    }

    /// Goes to the end, or until somebody wants something else.
    ///
    /// # Errors
    /// Why it has ended before, in words.
    pub async fn run(mut self) -> Result<(), String> {
        while !self.ramp.is_at_target(self.ramp.written()) {
            rest(self.ramp.pause(clock::boot())).await;
            if self.segment.finish.is_cancelled() {
                return Err("the segment is handed over".into());
            }
            if let Some(step) = self.ramp.step(clock::boot()) {
                let value = as_value(step, &self.target);
                let guard = self.guard(&value);
                self.handle.write(&self.device, &self.name, value, guard).await.map_err(|error| error.to_string())?;
                self.ramp.handle_written(step);
            }
        }
        Ok(())
    }

    /// What must hold at the moment of each step, besides the lease.
    fn guard(&self, value: &Value) -> impl Fn() -> Result<(), String> + Send + 'static {
        let owned = self.segment.guard(self.tag.clone(), value.clone());
        let (segment, tag, asked) = (Arc::clone(&self.segment), self.tag.clone(), self.revision);
        move || {
            owned()?;
            if revision(&segment, &tag) == Some(asked) { Ok(()) } else { Err("there is a newer setpoint".into()) }
        }
    }
}

fn revision(segment: &Segment, tag: &TagPath) -> Option<Revision> {
    segment.context.cluster.read(|machine| machine.setpoint(tag).map(|setpoint| setpoint.revision))
}
