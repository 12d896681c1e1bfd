//! In the end nothing is left undone: every command has come to an end, what was taken over said so, and no tag waits for the operator.
//!
//! Source: safety is easy for those who do nothing. Clients stop asking a deadline and some seconds before the world ends; a segment that
//! was granted in the last moments (its home may be back) is given its time.

use super::{Invariant, ensure};
use crate::fact::Fact;
use crate::world::World;
use std::time::Duration;

/// From a grant to its report: the readings of devices that are all well, and an entry.
const REPORTED_WITHIN: Duration = Duration::from_secs(2);
/// From a grant to the operator's last confirmation: one tag a second, of which there are two in each of three segments, and lost requests.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(12);

pub(super) struct Settled;

impl Invariant for Settled {
    fn name(&self) -> &'static str {
        "settled"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        let (Fact::End, agreed) = (fact, world.log.agreed()) else { return Ok(()) };
        let mut quiet = Duration::MAX;
        for segment in &world.plant.segments {
            let outstanding: Vec<_> = agreed.outstanding(segment).map(|record| (record.id, &record.tag, record.state())).collect();
            ensure(outstanding.is_empty(), || format!("{segment}: {outstanding:?} are outstanding"))?;
            let Some(takeover) = agreed.takeovers().rev().find(|takeover| takeover.segment == *segment) else { continue };
            let granted = world.log.since(takeover.log_index - 1).next().map(|entry| entry.committed);
            let since = granted.map_or(Duration::MAX, |at| world.env.now.since(at));
            let is_reported = takeover.report.is_some_and(|report| report.devices_reached > 0);
            ensure(since < REPORTED_WITHIN || is_reported, || format!("{takeover:?} was not completed"))?;
            quiet = quiet.min(since);
        }
        let held: Vec<_> = agreed.holds_waiting().collect();
        ensure(quiet < CONFIRMED_WITHIN || held.is_empty(), || format!("{held:?} are held"))
    }
}
